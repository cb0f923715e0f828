import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from slipway.infra.preview.markdown import LIMIT, comment_of
from tests.infra.approval import approve
from tests.infra.diff.plans import resource, side
from tests.infra.preview.shown import compared, made
from tests.infra.repository import DEV

VPC = "aws:ec2/vpc:Vpc"
HOSTILE = "</details><img src=x onerror=alert(1)> [a](http://evil.example) @everyone `code` | cell #1"


def text_in(markdown: str) -> str:
    """Return the text of the page that GitHub renders from the Markdown."""
    return MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(markdown)


def many(number: int, length: int) -> str:
    before = side(*(resource(VPC, f"vpc-{n}", {"cidrBlock": "a"}) for n in range(number)))
    after = side(
        *(resource(VPC, f"vpc-{n}", {"cidrBlock": "b", "tags": {"t": "x" * length}}) for n in range(number))
    )
    return comment_of(compared(before, after))


def test_a_comment_of_a_change() -> None:
    before = side(resource(VPC, "net", {"cidrBlock": "10.0.0.0/16"}), settings={"memory": "1Gi"})
    after = side(
        resource(VPC, "net", {"cidrBlock": "10.1.0.0/16"}),
        resource(VPC, "other", {"tags": {"a": "b"}}),
        settings={"memory": "2Gi"},
    )
    approve("comment.md", comment_of(compared(before, after)))


def test_a_comment_of_a_stack_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    comment = comment_of(made(tmp_path, dict(DEV)))
    assert "slipway-dev-service" in comment
    assert "template.containers[0].resources.limits.memory: 512Mi" in comment
    assert "```mermaid\nflowchart LR" in comment
    assert "| a month |" in comment


def test_an_unchanged_stack_takes_a_line() -> None:
    one = side(resource(VPC, "net", {}))
    assert "Nothing changes: 1 resource unchanged." in comment_of(compared(one, one))


@pytest.mark.parametrize(("number", "length"), [(30, 60), (150, 100), (600, 100), (2000, 1)])
def test_no_comment_is_longer_than_github_takes(number: int, length: int) -> None:
    comment = many(number, length)
    assert len(comment) <= LIMIT
    assert comment.startswith("<!-- slipway-preview -->")


def test_what_does_not_fit_is_told_and_the_risks_stay() -> None:
    assert "left out" not in many(10, 10)
    comment = many(250, 100)
    assert re.search(r"> Too long for a comment: the diagrams.* are left out", comment)
    assert "replaces vpc-0 (Vpc)" in comment
    assert "Cut here" in many(5000, 1)


def test_what_a_pull_request_writes_stays_text() -> None:
    """A fork's values must not become markup, links, mentions or cells of a table."""
    before = side(resource(VPC, "net", {"cidrBlock": "a"}), settings={HOSTILE: "1"})
    after = side(
        resource(VPC, "net", {"cidrBlock": "b", "tags": {"t": HOSTILE}}),
        resource(VPC, HOSTILE, {"cidrBlock": HOSTILE}),
        settings={HOSTILE: "2"},
    )
    comment = comment_of(compared(before, after))
    outside = re.sub(r"```.*?```", "", comment, flags=re.DOTALL)
    page = text_in(outside)
    assert "<img" not in page
    assert "<a " not in page
    assert "@everyone" not in re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    assert page.count("<details") == page.count("</details>")
    assert "<img" not in comment.split("```mermaid")[1]


def test_every_fold_is_closed() -> None:
    for comment in (many(3, 3), many(300, 100)):
        assert comment.count("<details") == comment.count("</details>")


def test_bare_addresses_become_no_links_and_bidi_marks_are_spelled() -> None:
    before = side(resource(VPC, "net", {"cidrBlock": "a"}))
    after = side(resource(VPC, "net-\u202egpj", {"cidrBlock": "b"}))
    shown = comment_of(compared(before, after, notes=("See https://evil.example and www.evil.example.",)))
    assert "\u202e" not in shown
    assert "\\u202e" in shown
    assert "https:\u200b//evil.example and www\u200b.evil.example" in shown


def test_what_stands_in_backticks_is_code() -> None:
    shown = comment_of(compared(side(), side(), notes=("Set `policy` anew.",)))
    assert "Set `policy` anew." in shown
