"""Reads CHANGELOG.md: its releases, the newest first, and what each announces."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from slipway.components.checkout import ROOT

UNRELEASED = "Unreleased"
# The groups of a release, in the order that they are written in.
REPLACES = "Replaces resources"
GROUPS = (REPLACES, "Added", "Security", "Fixed", "Changed", "Deprecated", "Removed")
# The package has the file next to its modules; a checkout has it at its root.
FILE = ROOT / "CHANGELOG.md"
_VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class ReleaseNotes:
    """One section of the changelog.

    date: YYYY-MM-DD, empty for what is not released. groups: title -> its entries, each on one line.
    """

    version: str
    date: str = ""
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @property
    def entries(self) -> tuple[str, ...]:
        return tuple(entry for entries in self.groups.values() for entry in entries)


def releases(text: str) -> tuple[ReleaseNotes, ...]:
    """Return the sections of a changelog in the order of the file."""
    return tuple(_release(section) for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:])


def release_of(version: str, text: str) -> ReleaseNotes | None:
    return next((release for release in releases(text) if release.version == version), None)


def is_version(text: str) -> bool:
    return _VERSION.fullmatch(text) is not None


def number_of(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare. version: `X.Y.Z`."""
    return tuple(int(part) for part in version.split("."))


def _release(section: str) -> ReleaseNotes:
    head, _, body = section.partition("\n")
    version, _, date = head.strip().partition(" - ")
    pieces = re.split(r"^### ", body, flags=re.MULTILINE)[1:]
    titled = (piece.partition("\n") for piece in pieces)
    return ReleaseNotes(version, date, {title.strip(): tuple(_entries(text)) for title, _, text in titled})


def _entries(text: str) -> Iterator[str]:
    """Yield each entry of a list, without its dash and its line breaks."""
    for entry in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        yield " ".join(entry.split())
