"""Habits of a careful translation are in nothing that users read."""

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.docs.pages import PAGES

HABITS = re.compile(
    r"\b(?:tells|told|beside|(?:no|some)body calls|is asked for|are asked for|all the same|in vain|"
    r"free by themselves|instances at most|put it right|hands over to)\b",
    re.IGNORECASE,
)
# Pages for those who extend Slipway quote code and history.
READ = [
    *(page for page in PAGES if page.name != "surprises.md"),
    *(ROOT / "Makefile", *sorted(ROOT.glob("Pulumi.*.yaml"))),
]


@pytest.mark.parametrize("path", READ, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_users_read_is_idiomatic(path: Path) -> None:
    assert HABITS.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "infra").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_what_the_command_says_is_idiomatic(path: Path) -> None:
    strings = re.findall(r'"(?:[^"\\\n]|\\.)*"', path.read_text())
    assert [text for text in strings if HABITS.search(re.sub(r"\{[^}]*\}", "", text))] == []
