"""Limits what a request body may hold before any object is made of it.

A parser needs 60 to 80 bytes for "[]," and "{}," where the body needs 3, so a body within its limit of bytes
could still fill the memory of a small server. Counting reads the bytes and makes nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..faults import FieldFault, InvalidInput

# For each item that a call may have: it may be an object with a few fields (a chat's message and its parts),
# and a call that is a few times too large still gets the exact count of its items in the refusal.
CONTAINERS_PER_ITEM, VALUES_PER_ITEM = 4, 16
# Of any call, for the fields that clients send along: tools, metadata, options.
SPARE_CONTAINERS, SPARE_VALUES = 1000, 4000
# From one quote to the next that no backslash precedes.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# Searched at once: between two pieces other threads get the interpreter.
PIECE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the JSON of one call may consist of.

    containers: lists and objects. values: these, and strings, numbers, true, false and null. allowed: the
    limit that the caller knows, in words, for the refusal.
    """

    containers: int = SPARE_CONTAINERS
    values: int = 20 * SPARE_VALUES
    allowed: str = "send less in one call"

    @classmethod
    def for_items(cls, most: int, name: str, numbers_per_item: int = 0) -> "Bounds":
        """Return how much JSON a call of up to `most` items may hold, each with `numbers_per_item` numbers.

        name: what the items are called in the refusal, in the plural.
        """
        return cls(
            CONTAINERS_PER_ITEM * most + SPARE_CONTAINERS,
            (VALUES_PER_ITEM + numbers_per_item) * most + SPARE_VALUES,
            f"at most {most} {name} are allowed in one call",
        )

    def check(self, body: bytes) -> None:
        """Raise InvalidInput if the body holds more.

        Copies the body at most once and makes no other object.
        """
        # Every list or object begins with its bracket; every value is the body's only one, the first in its
        # list or object, or follows a comma. Marks inside strings count too here: it may be too many.
        if _containers(body) <= self.containers and _values(body) <= self.values:
            return
        strings = containers = values = 0
        for outside, begun in _outside_strings(body):
            # Strings are counted apart, keys among them: what is no JSON may have many between two commas.
            strings += begun
            containers += _containers(outside)
            values += _values(outside)
            if strings > self.values:
                raise self._too_many(self.values, "strings")
            if containers > self.containers:
                raise self._too_many(self.containers, "lists and objects")
            if values > self.values:
                raise self._too_many(self.values, "values")

    def _too_many(self, most: int, what: str) -> InvalidInput:
        detail = f"has more than {most} {what}; {self.allowed}"
        return InvalidInput(f"the body {detail}", errors=[FieldFault("#", detail)])


def _outside_strings(body: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield what of each piece is outside strings, and how many strings begin in it."""
    open_string = b""  # what makes the next piece begin within the string that the last one ended in
    for start in range(0, len(body), PIECE_BYTES):
        piece = open_string + body[start : start + PIECE_BYTES]
        plain, strings = STRING.subn(b"", piece)
        plain, quote, inside = plain.partition(b'"')
        yield plain, strings + bool(quote) - bool(open_string)
        escapes = len(inside) - len(inside.rstrip(b"\\"))
        open_string = quote + b"\\" * (escapes % 2)


def _containers(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{")


def _values(body: bytes) -> int:
    return body.count(b",") + _containers(body)
