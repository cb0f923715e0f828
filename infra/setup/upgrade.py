"""Chooses from the changelog what concerns a project between two versions of Slipway."""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from slipway.infra.setup.changelog import REPLACES, ReleaseNotes, number_of

# What may take something away or do something to what runs; the other groups add and mend.
_GRAVE = (REPLACES, "Removed", "Deprecated", "Changed", "Security")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What concerns a project. groups: title -> entries, of all releases. left_out: the number of others."""

    versions: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]]
    left_out: int


def upgrade(
    releases: Sequence[ReleaseNotes],
    since: str,
    until: str,
    *,
    targets: Set[str],
    others: Set[str],
    keys: Set[str],
    everything: bool = False,
) -> Upgrade:
    """Choose the entries of the releases after `since` up to `until`.

    targets: of the project's stacks. others: the targets that it has none of. keys: the settings that its
    stacks set. An entry that has only other targets as code is left out; one that adds or mends something is
    shown only if it has a target or a setting of the project as code.
    """
    passed = [
        release
        for release in releases
        if release.date and number_of(since) < number_of(release.version) <= number_of(until)
    ]
    groups: dict[str, tuple[str, ...]] = {}
    total = 0
    for title in dict.fromkeys((*_GRAVE, *(title for release in passed for title in release.groups))):
        entries = [entry for release in passed for entry in release.groups.get(title, ())]
        chosen = tuple(
            entry
            for entry in entries
            if everything or _concerns(entry, title in _GRAVE, targets, others, targets | keys)
        )
        total += len(entries)
        if chosen:
            groups[title] = chosen
    shown = sum(len(entries) for entries in groups.values())
    return Upgrade(tuple(release.version for release in passed), groups, total - shown)


def _concerns(entry: str, is_grave: bool, targets: Set[str], others: Set[str], words: Set[str]) -> bool:
    named = {word for code in re.findall(r"`([^`]+)`", entry) for word in re.findall(r"[\w-]+", code)}
    if named & others and not named & targets:
        return False
    return is_grave or bool(named & words)
