"""A change of what users rely on is seen in a review, and announced where it takes something from them."""

import difflib

import pytest

from slipway.infra.setup.changelog import FILE, UNRELEASED, ReleaseNotes, release_of
from tests.releases.announcements import (
    changed_names,
    is_announced,
    is_replacement_announced,
    lost_resources,
)
from tests.releases.folder import NEXT, PLANS, last_release, read, snapshots
from tests.releases.plans import comparable, plan_from, plans

RELEASED = read(last_release())
WHAT_TO_DO = (
    "If that is meant: run `make snapshots`, commit what it wrote, and add an entry under Unreleased in "
    'CHANGELOG.md that names what changed; what an `up` replaces or deletes goes under "Replaces resources".'
)


@pytest.fixture(scope="module")
def unreleased() -> ReleaseNotes:
    found = release_of(UNRELEASED, FILE.read_text())
    assert found, f"CHANGELOG.md has no section {UNRELEASED}"
    return found


def test_what_users_rely_on_is_as_the_snapshots_have_it() -> None:
    written, now = read(NEXT), snapshots()
    difference = [
        line
        for name in sorted(written.keys() | now.keys())
        for line in difflib.unified_diff(
            written.get(name, "").splitlines(), now.get(name, "").splitlines(), name, "now", lineterm="", n=0
        )
    ]
    assert written == now, "\n".join([*difference, "", WHAT_TO_DO])


def test_a_name_that_is_gone_or_means_something_else_is_in_the_changelog(unreleased: ReleaseNotes) -> None:
    silent = [
        f"{name}: {line}"
        for name, text in RELEASED.items()
        if not name.startswith(PLANS)
        for line, word in changed_names(text, read(NEXT).get(name, ""))
        if not is_announced(word, unreleased.entries)
    ]
    assert silent == [], f"Since {last_release().name} these changed, and no entry has their names as code."


def test_what_an_upgrade_replaces_or_deletes_is_in_the_changelog(unreleased: ReleaseNotes) -> None:
    silent = [
        sentence
        for name, plan in plans().items()
        if (text := RELEASED.get(f"{PLANS}/{name}.yaml"))
        for sentence, target, kind in lost_resources(name, plan_from(text), comparable(plan))
        if not is_replacement_announced(target, kind, unreleased)
    ]
    assert silent == [], f'No entry under "Replaces resources" has the target and the kind: {WHAT_TO_DO}'


def test_the_stacks_and_examples_of_the_last_release_are_still_planned() -> None:
    assert {name for name in RELEASED if name.startswith(PLANS)} <= read(NEXT).keys()
