"""A release is cut once, with everything that was not released, and never changed when it is tagged."""

from datetime import date
from pathlib import Path

import pytest

from slipway.infra.setup.changelog import FILE, GROUPS, REPLACES, UNRELEASED, is_version, number_of, releases
from tests.checkout import ROOT
from tests.releases.cut import NoRelease, cut, cut_changelog, version_of
from tests.releases.folder import last_release

TODAY = date(2026, 12, 24)
TEXT = """# Changelog

## Unreleased

### Fixed
- A fault
  of two lines.

### Replaces resources
- `gke`: the pool.

## 0.1.0 - 2026-01-01

### Added
- All.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "CHANGELOG.md").write_text(TEXT)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "slipway"\nversion = "0.1.0"\n')
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy/PulumiPolicy.yaml").write_text("runtime: python\nversion: 0.1.0\n")
    return tmp_path


def test_what_was_not_released_becomes_a_section_with_replacements_first(root: Path) -> None:
    cut(root, "0.2.0", TODAY, tagged=False)
    unreleased, new, old = releases((root / "CHANGELOG.md").read_text())
    assert (unreleased.version, unreleased.entries) == (UNRELEASED, ())
    assert (new.version, new.date, list(new.groups)) == ("0.2.0", "2026-12-24", [REPLACES, "Fixed"])
    assert new.groups["Fixed"] == ("A fault of two lines.",)
    assert (old.version, old.entries) == ("0.1.0", ("All.",))
    assert version_of(root) == "0.2.0"
    assert (root / "policy/PulumiPolicy.yaml").read_text() == "runtime: python\nversion: 0.2.0\n"


def test_a_version_that_is_not_tagged_takes_what_came_later(root: Path) -> None:
    cut(root, "0.2.0", TODAY, tagged=False)
    changelog = root / "CHANGELOG.md"
    again = changelog.read_text()
    later = again.replace("## Unreleased\n", "## Unreleased\n\n### Fixed\n- Later.\n\n### Added\n- More.\n")
    changelog.write_text(later)
    cut(root, "0.2.0", TODAY, tagged=False)
    unreleased, new, _ = releases(changelog.read_text())
    assert unreleased.entries == ()
    assert list(new.groups) == [REPLACES, "Added", "Fixed"]
    assert new.groups["Fixed"] == ("Later.", "A fault of two lines.")
    cut(root, "0.2.0", TODAY, tagged=False)
    assert releases(changelog.read_text())[1] == new


@pytest.mark.parametrize(
    ("version", "tagged", "reason"),
    [
        ("", False, "write three numbers"),
        ("v0.2.0", False, "write three numbers"),
        ("0.2", False, "write three numbers"),
        ("0.2.0", True, "is tagged"),
        ("0.0.9", False, "0.1.0 is out"),
    ],
)
def test_a_release_that_cannot_be_is_refused_and_nothing_changes(
    root: Path, version: str, tagged: bool, reason: str
) -> None:
    with pytest.raises(NoRelease, match=reason):
        cut(root, version, TODAY, tagged=tagged)
    assert (root / "CHANGELOG.md").read_text() == TEXT
    assert version_of(root) == "0.1.0"


def test_an_empty_release_and_an_unknown_group_are_refused() -> None:
    with pytest.raises(NoRelease, match="nothing that is not released"):
        cut_changelog("# C\n\n## Unreleased\n", "0.2.0", TODAY)
    with pytest.raises(NoRelease, match="has Improved; groups are Replaces resources"):
        cut_changelog("# C\n\n## Unreleased\n\n### Improved\n- A.\n", "0.2.0", TODAY)


def test_the_changelog_has_a_section_for_each_release_the_newest_first() -> None:
    first, *others = releases(FILE.read_text())
    assert (first.version, first.date) == (UNRELEASED, "")
    versions = [number_of(each.version) for each in others if is_version(each.version)]
    assert len(versions) == len(others)
    assert versions == sorted(set(versions), reverse=True)
    for release in (first, *others):
        known = [title for title in GROUPS if title in release.groups]
        assert list(release.groups) == known, f"{release.version}: the order is {', '.join(GROUPS)}"
        assert release.version == UNRELEASED or date.fromisoformat(release.date)


def test_the_version_is_that_of_the_newest_release_whose_snapshots_are_kept() -> None:
    newest = releases(FILE.read_text())[1].version
    assert version_of(ROOT) == newest == last_release().name
    assert f"version: {newest}\n" in (ROOT / "policy/PulumiPolicy.yaml").read_text()
