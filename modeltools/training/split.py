"""Near-duplicate groups, and a split into train, validation and test that never cuts one.

Spam campaigns repeat with another number or prize, so a split by message puts copies of the test spam
into train and flatters the score.
"""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .dataset import LabelledMessage

T = TypeVar("T")

SHINGLE_CHARACTERS = 4
SIMILARITY = 0.5
"""Jaccard similarity of two texts' shingles from which they count as near-duplicates."""


@dataclass(frozen=True, slots=True)
class Split(Generic[T]):
    """One value for each part of the data: the shares asked for, the rows of each part, its counts."""

    train: T
    validation: T
    test: T


def shingles(text: str) -> frozenset[str]:
    """Return the character 4-grams of the text, ignoring case, punctuation and the value of numbers."""
    plain = " ".join(re.findall(r"\w+", re.sub(r"\d+", "0", text.lower())))
    last = max(1, len(plain) - SHINGLE_CHARACTERS + 1)
    return frozenset(plain[start : start + SHINGLE_CHARACTERS] for start in range(last))


def near_duplicate_pairs(texts: Sequence[str]) -> list[tuple[int, int]]:
    """Return every pair of rows at `SIMILARITY` or above.

    Exact: an inverted index counts the shared shingles.
    """
    sets = [shingles(text) for text in texts]
    rows_with: defaultdict[str, list[int]] = defaultdict(list)
    pairs: list[tuple[int, int]] = []
    for row, own in enumerate(sets):
        shared: Counter[int] = Counter()
        for shingle in own:
            shared.update(rows_with[shingle])
            rows_with[shingle].append(row)
        for other, count in shared.items():
            if count >= SIMILARITY * (len(own) + len(sets[other]) - count):
                pairs.append((other, row))
    return pairs


def near_duplicate_groups(texts: Sequence[str]) -> list[int]:
    """Return the group of each row, named by its first row.

    Groups are the connected components of the near-duplicate pairs.
    """
    parent = list(range(len(texts)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    for first, second in near_duplicate_pairs(texts):
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return [root(row) for row in range(len(texts))]


def split_by_group(
    messages: Sequence[LabelledMessage], groups: Sequence[int], shares: Split[float], seed: int
) -> Split[list[int]]:
    """Return the rows of each part, in whole groups, with spam and ham split in the same shares."""
    members: defaultdict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    parts: Split[list[int]] = Split([], [], [])
    for has_spam in (False, True):
        stratum = [rows for rows in members.values() if any(messages[row].label for row in rows) == has_spam]
        random.Random(seed).shuffle(stratum)  # noqa: S311 - a reproducible shuffle, no secret
        _deal(stratum, parts, shares)
    return Split(sorted(parts.train), sorted(parts.validation), sorted(parts.test))


def _deal(stratum: list[list[int]], parts: Split[list[int]], shares: Split[float]) -> None:
    """Give each group to the part that is farthest below its share of this stratum."""
    total = sum(len(rows) for rows in stratum)
    missing = {part: total * getattr(shares, part) for part in ("train", "validation", "test")}
    for rows in stratum:
        part = max(missing, key=lambda name: missing[name])
        missing[part] -= len(rows)
        getattr(parts, part).extend(rows)
