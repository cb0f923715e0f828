"""`slipway changes` shows of the changelog what concerns a project, and records that it was read."""

from collections.abc import Set
from pathlib import Path

import pytest

from slipway.infra.setup.changelog import REPLACES, releases
from slipway.infra.setup.project_version import RECORD, accept, version_note
from slipway.infra.setup.upgrade import Upgrade, upgrade
from tests.checkout import ROOT
from tests.conftest import project_in
from tests.infra.command import refused, report, slipway
from tests.releases.cut import version_of

VERSION = version_of(ROOT)
TEXT = """# Changelog

## Unreleased

### Fixed
- Not out yet.

## 0.3.0 - 2027-01-01

### Replaces resources
- `gke`: the pool.
- `fargate`: the target group.
- Every image is rebuilt.

### Fixed
- `egress: all` works.
- Something small.

## 0.2.0 - 2026-12-01

### Added
- Much on `fargate`.

### Changed
- `fargate` and `gke`: both.
"""
FARGATE, GKE = {"fargate"}, {"gke"}


def between(
    since: str, until: str, everything: bool = False, keys: Set[str] = frozenset({"egress"})
) -> Upgrade:
    found = releases(TEXT)
    return upgrade(found, since, until, targets=FARGATE, others=GKE, keys=keys, everything=everything)


def test_what_concerns_the_stacks_is_shown_the_gravest_first_and_the_rest_counted() -> None:
    found = between("0.1.0", "0.3.0")
    assert found.versions == ("0.3.0", "0.2.0")
    assert list(found.groups) == [REPLACES, "Changed", "Fixed", "Added"]
    assert found.groups[REPLACES] == ("`fargate`: the target group.", "Every image is rebuilt.")
    assert found.groups["Fixed"] == ("`egress: all` works.",)
    assert found.left_out == 2
    assert between("0.1.0", "0.3.0", everything=True).left_out == 0


@pytest.mark.parametrize(
    ("since", "until", "versions"),
    [
        ("0.2.0", "0.3.0", ("0.3.0",)),
        ("0.1.0", "0.2.0", ("0.2.0",)),
        ("0.3.0", "0.3.0", ()),
        ("0.10.0", "0.3.0", ()),
    ],
)
def test_only_releases_after_the_one_and_up_to_the_other_count(
    since: str, until: str, versions: tuple[str, ...]
) -> None:
    assert between(since, until).versions == versions


def test_a_command_says_that_the_project_is_older_until_that_is_accepted(project: Path) -> None:
    (project / RECORD).write_text("0.1.0\n")
    said = f"This project is at Slipway 0.1.0, and {VERSION} runs: `slipway changes`"
    assert said in slipway(project, "preview").stderr
    shown = report(project, "changes")
    assert (shown["since"], shown["version"], shown["written"]) == ("0.1.0", VERSION, [])
    assert VERSION in shown["releases"]
    assert REPLACES in report(project, "changes", "--all")["changes"]
    assert report(project, "changes", "--accept")["written"] == [str(RECORD)]
    assert (project / RECORD).read_text() == f"{VERSION}\n"
    assert "This project is at" not in slipway(project, "preview").stderr
    assert "has nothing after" in slipway(project, "changes").stdout


def test_a_project_without_a_record_gets_no_note_and_names_a_version_itself(project: Path) -> None:
    assert "This project is at" not in slipway(project, "preview").stderr
    assert "name a version with --since" in refused(project, "changes")
    assert VERSION in report(project, "changes", "--since", "0.1.0")["releases"]


@pytest.mark.parametrize("record", ["", "latest", "0.2", "0.2.0; rm -rf /"])
def test_a_record_that_is_no_version_is_refused(project: Path, record: str) -> None:
    (project / RECORD).write_text(record)
    assert "allowed is a version, such as 0.2.0" in refused(project, "changes")


def test_an_older_slipway_than_the_projects_says_how_to_upgrade(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text("0.10.0\n")
    (tmp_path / "requirements-slipway.txt").write_text("")
    assert version_note(tmp_path, "0.9.0").endswith("`pip install -r requirements-slipway.txt`.")
    assert version_note(tmp_path, "0.10.0") == ""


def test_accepting_renews_the_line_that_the_workflows_install(tmp_path: Path) -> None:
    pin = tmp_path / "requirements-slipway.txt"
    pin.write_text("# Ours.\nslipway[all] @ https://example.com/slipway-0.2.0.whl\nrich==15.0.0\n")
    accept(tmp_path, "0.3.0", None)
    assert "slipway-0.2.0" in pin.read_text()
    accept(tmp_path, "0.3.0", "https://example.com/slipway-0.3.0.whl")
    kept = ["# Ours.", "slipway[all] @ https://example.com/slipway-0.3.0.whl", "rich==15.0.0"]
    assert pin.read_text().splitlines() == kept


def test_settings_of_a_stack_file_choose_entries_and_those_of_the_project_file_do_not(tmp_path: Path) -> None:
    project_in(tmp_path, 8000)
    (tmp_path / RECORD).write_text("0.1.0\n")
    few = report(tmp_path, "changes")
    every = report(tmp_path, "changes", "--all")
    assert few["leftOut"] > 100
    assert every["leftOut"] == 0
