"""Names in README and guides: those of a stack are in its plan, those made by hand are in no plan."""

import re
from pathlib import Path

import pytest

from tests.checkout import ROOT
from tests.made_names import CLOUD_STACKS, made_names

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs/guides").glob("*.md"))]
# Identities and places that a reader makes by hand.
BY_HAND = (
    r"([a-z][a-z0-9-]*)@[\w$.-]*iam\.gserviceaccount\.com",
    r"service-accounts create ([a-z][a-z0-9-]*)",
    r"create-role --role-name ([\w-]+)",
    r"iam::[\w$]+:role/([\w-]+)(?![\w/*-])",
    r"pulumi login (?:gs|s3)://([a-z0-9.-]+)",
)
ALERT_EMAIL = "oncall@example.com"
OF_A_STACK = re.compile(r"(?<![\w-])slipway-(?:dev|prod|local)\b[\w-]*")


@pytest.fixture(scope="module")
def made() -> set[str]:
    alarms = f"alertEmail={ALERT_EMAIL}"  # more is made with it
    return {name for stack in CLOUD_STACKS for name in made_names(stack, alarms)} | made_names("local")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_what_a_reader_makes_by_hand_has_a_name_that_no_stack_makes(page: Path, made: set[str]) -> None:
    text = page.read_text()
    by_hand = {name for pattern in BY_HAND for name in re.findall(pattern, text)}
    assert {name for name in by_hand if name in made or name.startswith("slipway-")} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_name_of_a_stack_that_a_page_uses_is_one_that_the_stack_makes(
    page: Path, made: set[str]
) -> None:
    used = {name.rstrip("-") for name in OF_A_STACK.findall(page.read_text())}
    assert used - made == set()
