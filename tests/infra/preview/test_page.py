import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from slipway.infra.preview.page import page_of
from tests.infra.diff.plans import resource, side
from tests.infra.preview.shown import compared, made
from tests.infra.repository import DEV

VPC, SUBNET = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet"
VOID = {"meta", "rect", "path", "img", "br", "link"}


class Parsed(HTMLParser):
    """Fails on a tag that is not closed in its turn. text: all that is read, without the style."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parsed:
    monkeypatch.chdir(tmp_path)
    return Parsed(page_of(made(tmp_path, dict(DEV))))


def test_a_page_loads_nothing_and_runs_nothing(page: Parsed) -> None:
    for tag, attributes in page.tags:
        assert tag not in ("script", "link", "img", "iframe", "object")
        assert not [name for name in attributes if name.startswith("on")]
        assert not (attributes.keys() & {"src", "srcset"})
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy
    assert "default-src 'none'" in policy
    style = (Path(__file__).resolve().parents[3] / "infra/preview/page.css").read_text()
    assert not re.search(r"url\(|@import", style)


def test_a_page_shows_resources_graph_and_cost(page: Parsed) -> None:
    assert "slipway-dev-service" in page.text
    assert "template.containers[0].resources.limits.memory: 512Mi" in page.text
    assert len([tag for tag, _ in page.tags if tag == "rect"]) == 36
    assert re.search(r"a month\$\d+\.\d\d\$\d+\.\d\d\$\d+\.\d\d", page.text)


def test_every_link_has_its_place_and_every_picture_its_words(page: Parsed) -> None:
    ids = {attributes.get("id") for _, attributes in page.tags}
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links
    assert all(link and link[1:] in ids for link in links)
    assert all(a.get("aria-label") for tag, a in page.tags if tag == "svg")
    assert ("html", {"lang": "en"}) in page.tags


def test_a_page_of_a_change_shows_risks_and_both_sides() -> None:
    before = side(
        resource(VPC, "net", {"cidrBlock": "10.0.0.0/16"}), resource(SUBNET, "gone", {"vpcId": "v"})
    )
    after = side(resource(VPC, "net", {"cidrBlock": "10.1.0.0/16"}))
    page = Parsed(page_of(compared(before, after)))
    assert "replaces net (Vpc)" in page.text
    assert "cidrBlock: 10.0.0.0/16 → 10.1.0.0/16" in page.text
    drawn = {a.get("class") for tag, a in page.tags if tag == "g"}
    assert drawn == {"replace", "delete"}


def test_what_a_stack_says_stays_text() -> None:
    hostile = "\"><script>alert(1)</script><b id='x'>"
    after = side(resource(VPC, hostile, {hostile: hostile}), settings={hostile: "1"})
    page = Parsed(page_of(compared(side(settings={hostile: "2"}), after)))
    assert hostile in page.text
    assert "script" not in {tag for tag, _ in page.tags}
    assert "b" not in {tag for tag, _ in page.tags}


def test_a_narrow_screen_shows_the_amounts_and_a_wide_graph_whole(page: Parsed) -> None:
    style = (Path(__file__).resolve().parents[3] / "infra/preview/page.css").read_text()
    narrow = style.partition("@media (max-width: 40rem)")[2].partition("\n")[0]
    assert ".cost :is(th, td):nth-child(2)" in narrow
    assert re.search(r"svg \{[^}]*max-width: 100%", style)
    [drawing] = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert re.fullmatch(r"min-width:min\(\d+px,720px\)", drawing["style"] or "")
