"""Bounds what a request body may hold before any object is made of it.

A parser needs 60 to 80 bytes for "[]," and "{}," where the body needs 3, so a body within its limit of bytes
could still fill the memory of a small server. Counting reads the bytes and makes nothing.
"""

import re
from dataclasses import dataclass

from ..faults import FieldFault, InvalidInput

# For each item that a call may have: it may be an object with a few fields (a chat's message and its parts),
# and a call that is a few times too large still gets the exact count of its items in the refusal.
CONTAINERS_PER_ITEM, VALUES_PER_ITEM = 4, 16
# Of any call, for the fields that clients send along: tools, metadata, options.
SPARE_CONTAINERS, SPARE_VALUES = 1000, 4000
# From one quote to the next that no backslash precedes, or to the end of the body.
STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


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
        """Bounds of a call of up to `most` items, each of up to so many numbers. name: the items', plural."""
        return cls(
            CONTAINERS_PER_ITEM * most + SPARE_CONTAINERS,
            (VALUES_PER_ITEM + numbers_per_item) * most + SPARE_VALUES,
            f"at most {most} {name} are allowed in one call",
        )

    def check(self, body: bytes) -> None:
        """Raises InvalidInput if the body holds more. Makes no object but a copy of the body at most."""
        # Every list or object begins with its bracket; every value is the body's only one, the first in its
        # list or object, or follows a comma. Marks inside strings count too here: it may be too many.
        if _containers(body) <= self.containers and _values(body) <= self.values:
            return
        plain, strings = STRING.subn(b'"', body, count=self.values + 1)
        # Strings are counted apart, keys among them: what is no JSON may have many between two commas.
        if strings > self.values:
            raise self._too_many(self.values, "strings")
        if _containers(plain) > self.containers:
            raise self._too_many(self.containers, "lists and objects")
        if _values(plain) > self.values:
            raise self._too_many(self.values, "values")

    def _too_many(self, most: int, what: str) -> InvalidInput:
        detail = f"has more than {most} {what}; {self.allowed}"
        return InvalidInput(f"the body {detail}", errors=[FieldFault("#", detail)])


def _containers(body: bytes) -> int:
    return body.count(b"[") + body.count(b"{")


def _values(body: bytes) -> int:
    return body.count(b",") + _containers(body)
