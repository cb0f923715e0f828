"""The pages of README and docs as tests read them: blocks of code, headings, links.

A test runs every block in `sh`, unless the line above it says why not: `<!-- not run: needs a cloud -->`. No
reader sees that line. `text` is what a program prints.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.checkout import ROOT

PAGES = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "adr" not in path.parts),
]
REASONS = (
    *("needs a cloud", "needs a rollout", "needs Docker", "needs the Hub", "needs a model", "needs torch"),
    *("installs packages", "takes long"),
)
_BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]*) -->\n)?```(?P<language>[a-z]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """A block of code. page: relative to the checkout. line: of its fence. reason: why no test runs it."""

    page: str
    line: int
    language: str
    text: str
    reason: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        name = page.relative_to(ROOT).as_posix()
        yield Block(name, line, found["language"], found["text"], found["reason"] or "")


def commands(text: str) -> list[str]:
    """Return the text of each block of a page that a test runs, in order."""
    return [
        found["text"]
        for found in _BLOCK.finditer(text)
        if found["language"] == "sh" and found["reason"] is None
    ]
