"""Each question of questions.yaml is answered at its heading, at most two clicks from the first page."""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest
import yaml

from tests.checkout import ROOT
from tests.infra.command import report

QUESTIONS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "questions.yaml").read_text())
HEADINGS = ("h1", "h2", "h3", "h4")


class Page(HTMLParser):
    """A page's own text, without menus: the links in it, and the text below each heading's id."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sections: dict[str, str] = {}
        self._depth, self._heading = 0, ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "article":
            self._depth += 1
        if not self._depth:
            return
        if tag == "a" and given.get("href") and "headerlink" not in (given.get("class") or ""):
            self.links.append(str(given["href"]))
        if tag in HEADINGS and given.get("id"):
            self._heading = str(given["id"])
            self.sections[self._heading] = ""

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "article"

    def handle_data(self, data: str) -> None:
        if self._depth and self._heading:
            self.sections[self._heading] += data


def page(site: Path, address: str) -> Page:
    return Page((site / address / "index.html").read_text())


def within(site: Path, clicks: int) -> dict[str, int]:
    """Return each page that links in the text reach, with the number of clicks."""
    found, newest = {"": 0}, [""]
    for click in range(1, clicks + 1):
        reached: list[str] = []
        for address in newest:
            for link in page(site, address).links:
                url = urldefrag(urljoin(f"http://site/{address}/".replace("//site//", "//site/"), link)).url
                name = url.removeprefix("http://site/").strip("/")
                is_page = url.startswith("http://site/") and (site / name / "index.html").is_file()
                if is_page and name not in found:
                    found[name] = click
                    reached.append(name)
        newest = reached
    return found


def test_there_are_twenty_questions_and_each_has_an_answer() -> None:
    assert len(QUESTIONS) == 20
    assert all({"question", "page", "anchor", "answer"} == each.keys() for each in QUESTIONS)


@pytest.mark.parametrize("each", QUESTIONS, ids=lambda each: each["question"])
def test_a_question_is_answered_within_two_clicks_of_the_first_page(site: Path, each: dict[str, str]) -> None:
    assert each["page"] in within(site, 2)
    sections = page(site, each["page"]).sections
    assert each["anchor"] in sections
    text = " ".join(sections[each["anchor"]].split())
    assert re.search(each["answer"], text), text[:2000]


def test_every_cause_of_an_error_is_in_the_troubleshooting(site: Path) -> None:
    reference = (ROOT / "docs/reference/http-api.md").read_text().partition("## classify")[0]
    causes = re.findall(r"\| `([a-z-]+)` \|", reference)
    text = page(site, "troubleshooting").sections["the-service-answers-with-an-error"]
    rare = {"method-not-allowed", "expectation-failed", "client-left", "transfer-coding-unsupported"}
    assert len(causes) > 20
    assert {cause for cause in causes if cause not in text} <= rare | {"http-version-unsupported"}


def test_the_price_of_an_idle_gpu_is_the_commands() -> None:
    model = "hf:google/flan-t5-base@7bcac572ce56db69c1ea7c8af255c5d7c9672fc2"
    image = f"europe-docker.pkg.dev/p/r/i@sha256:{0:064}"
    given = {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "minInstances": "1", "task": "summarize"}
    settings = {**given, "model": model, "image": image}
    options = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    [stack] = report(ROOT, "cost", "dev", *options)["stacks"]
    assert f"{stack['idle']['usd']:.0f}" == "765"
