"""Reads HTML as lines of text, and the HTML that Markdown becomes."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

from markdown_it import MarkdownIt

_INLINE = ("span", "strong", "code", "em", "s")
_VOID = ("meta", "rect", "path", "br", "hr")


@dataclass(frozen=True)
class Line:
    """tag, kind: of the element, kind being its class. heading, fold: what it stands under."""

    tag: str
    kind: str
    text: str
    heading: str
    fold: str


class Page(HTMLParser):
    """Lines of text of HTML, one for each item, paragraph, summary, heading and row of a table."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self._open: list[tuple[str, str, list[str]]] = [("", "", [])]
        self._heading = ""
        self._folds: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "details":
            self._folds.append("")
        if tag not in _VOID:
            self._open.append((tag, dict(attrs).get("class") or "", []))

    def handle_data(self, data: str) -> None:
        self._open[-1][2].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        opened, kind, parts = self._open.pop()
        assert opened == tag
        text = " ".join("".join(parts).split())
        if tag in _INLINE:
            self._open[-1][2].append("".join(parts))
            return
        if tag in ("td", "th"):
            self._open[-1][2].append(f" {text} ")
            return
        if tag == "details":
            self._folds.pop()
        elif tag == "summary":
            self._folds[-1] = text
        elif re.fullmatch("h[1-6]", tag):
            self._heading = text
        self.lines.append(Line(tag, kind, text, self._heading, self._folds[0] if self._folds else ""))


def html_of(comment: str) -> str:
    """Render it as GitHub's Markdown does."""
    return MarkdownIt("gfm-like", {"linkify": False, "html": True}).render(comment)
