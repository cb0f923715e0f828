"""What changed between two values of plain JSON, path by path.

A path is written as Pulumi writes it, `template.containers[server].envs[HOST].value`; an item of a list that
has a name stands under its name, so that one that is put before it moves nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from slipway.infra.resources.reading import SECRET, UNKNOWN

# What names an item of a list; the first that every item has, and has once.
_NAMES = ("name", "key", "id", "sid", "containerName", "topologyKey", "capacityProvider")


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One value. before, after: plain JSON, or ABSENT. secret: it differs though both are masked.

    follows: the URN of the changing resource that an unknown value is made of, or empty.
    """

    path: str
    before: Any
    after: Any
    secret: bool = False
    follows: str = ""

    @property
    def plain_path(self) -> str:
        """Return the path without what names an item of a list, as a table of properties has it."""
        return _without_items(self.path)


def changes_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Compare the inputs of two resources, sorted by path."""
    return sorted(_of_maps("", before, after), key=lambda change: change.path)


def leaf_paths(change: Change) -> Iterator[str]:
    """Yield the plain paths that a change touches; an added or removed block touches all within it."""
    yield change.plain_path
    for value in (change.before, change.after):
        if isinstance(value, dict | list):
            yield from _inner(change.plain_path, value)


def values_with_paths(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every leaf with its path."""
    inner = _parsed(value)
    if isinstance(inner, dict) and inner:
        for key, part in cast("dict[str, Any]", inner).items():
            yield from values_with_paths(part, _joined(path, key))
    elif isinstance(inner, list) and inner:
        for name, part in _items(cast("list[Any]", inner)).items():
            yield from values_with_paths(part, f"{path}[{name}]")
    else:
        yield path, value


def is_known(value: Any) -> bool:
    return value != UNKNOWN


def _of_maps(path: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted({*before, *after}):
        yield from _between(_joined(path, key), before.get(key, ABSENT), after.get(key, ABSENT))


def _between(path: str, before: Any, after: Any) -> Iterator[Change]:
    if before is not ABSENT and after is not ABSENT and before == after:
        return
    old, new = _parsed(before), _parsed(after)
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _of_maps(path, cast("dict[str, Any]", old), cast("dict[str, Any]", new))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(path, cast("list[Any]", old), cast("list[Any]", new))
    elif old != new:
        yield Change(path, before, after)


def _of_lists(path: str, before: list[Any], after: list[Any]) -> Iterator[Change]:
    old, new = _items(before), _items(after)
    if not (old and new) or _kind(old) != _kind(new):
        old, new = _by_place(before), _by_place(after)
    for name in dict.fromkeys([*old, *new]):
        yield from _between(f"{path}[{name}]", old.get(name, ABSENT), new.get(name, ABSENT))


def _kind(items: Mapping[str, Any]) -> bool:
    return all(name.isdigit() for name in items)


def _items(values: list[Any]) -> dict[str, Any]:
    """Return the items by their names; by their positions where they have none."""
    if values and all(isinstance(value, dict) for value in values):
        for key in _NAMES:
            names = [value.get(key) for value in values]
            if all(isinstance(name, str) and is_known(name) for name in names):
                if len(set(names)) == len(names):
                    return dict(zip(names, values, strict=True))
                break
    return _by_place(values)


def _by_place(values: Sequence[Any]) -> dict[str, Any]:
    return {str(place): value for place, value in enumerate(values)}


def _parsed(value: Any) -> Any:
    """Parse a document that is written as a string, such as a policy, so that its content is compared."""
    if isinstance(value, str) and value[:1] in "{[" and value not in (SECRET, UNKNOWN):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _inner(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in cast("dict[str, Any]", value).items():
            yield _joined(path, key)
            yield from _inner(_joined(path, key), part)
    elif isinstance(value, list):
        for part in cast("list[Any]", value):
            yield from _inner(path, part)


def _joined(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _without_items(path: str) -> str:
    kept: list[str] = []
    depth = 0
    for character in path:
        depth += character == "["
        if not depth:
            kept.append(character)
        depth -= character == "]"
    return "".join(kept)
