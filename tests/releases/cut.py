"""Cuts a release: the version, the changelog's section, and the snapshots that later code is held to."""

import re
from datetime import date
from pathlib import Path

from slipway.infra.setup.changelog import GROUPS, UNRELEASED, is_version, number_of, release_of, releases

_VERSIONED = {
    "pyproject.toml": r'(?m)^version = "([^"]+)"$',
    "policy/PulumiPolicy.yaml": r"(?m)^version: (\S+)$",
}


class NoRelease(Exception):
    """A release that cannot be cut, with the reason."""


def version_of(root: Path) -> str:
    return _version_in(root, "pyproject.toml")


def cut(root: Path, version: str, today: date, *, tagged: bool) -> None:
    """Set the version and move the changelog's unreleased entries into its section.

    A version that is not tagged yet may be cut again, with what came later. Raises NoRelease.
    """
    if not is_version(version):
        raise NoRelease(f"VERSION is {version!r}; write three numbers, such as 0.3.0")
    if tagged:
        raise NoRelease(f"v{version} is tagged; a release is never changed. Cut the next version.")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text()
    newest = max((each.version for each in releases(text) if each.date), key=number_of, default="0.0.0")
    if number_of(version) < number_of(newest):
        raise NoRelease(f"VERSION is {version}; {newest} is out, so the next one is higher")
    changelog.write_text(cut_changelog(text, version, today))
    for name in _VERSIONED:
        path = root / name
        old = _version_in(root, name)
        path.write_text(
            path.read_text()
            .replace(f"version: {old}", f"version: {version}", 1)
            .replace(f'version = "{old}"', f'version = "{version}"', 1)
        )


def cut_changelog(text: str, version: str, today: date) -> str:
    """Return the changelog with an empty section of unreleased changes above the version's."""
    unreleased, same = release_of(UNRELEASED, text), release_of(version, text)
    if unreleased is None:
        raise NoRelease(f"CHANGELOG.md has no section `## {UNRELEASED}`")
    if not unreleased.entries and (same is None or not same.entries):
        raise NoRelease("CHANGELOG.md has nothing that is not released")
    before, new, rest = _parts(text, UNRELEASED)
    old = ""
    if same is not None:
        _, old, rest = _parts(text, version)
    body = "\n".join(f"### {title}\n{entries}" for title, entries in _joined(new, old))
    return f"{before}## {UNRELEASED}\n\n## {version} - {today.isoformat()}\n\n{body}{rest}"


def _joined(new: str, old: str) -> list[tuple[str, str]]:
    """Return the groups of both bodies, each in one piece, in the order of GROUPS."""
    found: dict[str, str] = {}
    for body in (new, old):
        for piece in re.split(r"(?m)^### ", body)[1:]:
            title, _, entries = piece.partition("\n")
            found[title.strip()] = found.get(title.strip(), "") + entries.strip("\n") + "\n"
    unknown = found.keys() - set(GROUPS)
    if unknown:
        raise NoRelease(f"CHANGELOG.md has {', '.join(sorted(unknown))}; groups are {', '.join(GROUPS)}")
    return [(title, found[title]) for title in GROUPS if title in found]


def _parts(text: str, version: str) -> tuple[str, str, str]:
    """Split the changelog at a section: what is before it, its body, what is after it."""
    head = re.search(rf"(?m)^## {re.escape(version)}\b.*\n", text)
    assert head
    end = re.search(r"(?m)^## ", text[head.end() :])
    stop = head.end() + end.start() if end else len(text)
    return text[: head.start()], text[head.end() : stop], ("\n" + text[stop:]) if end else ""


def _version_in(root: Path, name: str) -> str:
    found = re.search(_VERSIONED[name], (root / name).read_text())
    assert found, name
    return found[1]
