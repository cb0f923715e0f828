"""A risk of a change, in words, and what the rules read of a comparison."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.resources.reading import UNKNOWN
from slipway.infra.resources.row import Role
from slipway.infra.resources.table import role_of


class Level(IntEnum):
    """How grave a risk is.

    HIGH: the service or its data is lost or stops, or what was closed opens. MEDIUM: what callers or
    operators may notice, a small or unknown loss, and a new service that is open. LOW: good to know.
    """

    HIGH = 0
    MEDIUM = 1
    LOW = 2


@dataclass(frozen=True, slots=True)
class Risk:
    """One risk.

    text: what the change does, such as "rebuilds the image". detail: a sentence. urn: of a resource.
    """

    level: Level
    text: str
    detail: str = ""
    urn: str = ""

    def as_json(self) -> dict[str, str]:
        return {
            "level": self.level.name.lower(),
            "text": self.text,
            "detail": self.detail,
            "resource": self.urn,
        }


# What every component that runs a service has among its inputs, and no other.
_SERVICE_INPUT = "min_replicas"
_DIGEST = re.compile(r"(sha256:[0-9a-f]{12})[0-9a-f]{52}")
Rule = Callable[[StackDiff], Iterator[Risk]]


def components(diff: StackDiff) -> Iterator[ResourceChange]:
    """Yield the services of the stack, as components that share their arguments on every target."""
    for change in diff.resources:
        if change.type.startswith("slipway:") and _SERVICE_INPUT in change.resource.inputs:
            yield change


def of_roles(diff: StackDiff, roles: Collection[Role], *actions: Action) -> Iterator[ResourceChange]:
    """Yield what happens to the resources of these roles."""
    for change in diff.resources:
        if role_of(change.type) in roles and change.action in actions:
            yield change


def numbers(change: ResourceChange, name: str) -> tuple[float, float] | None:
    """Return an input before and after, where it changed and both are numbers."""
    found = change.change_of(name)
    if found is None or not _is_number(found.before) or not _is_number(found.after):
        return None
    return found.before, found.after


def shortened(text: str) -> str:
    """Shorten each digest to its start, which is enough to distinguish two."""
    return _DIGEST.sub(r"\1…", text)


def counted(number: int) -> str:
    """Write `1 resource` or `2 resources`."""
    return f"{number} {'resource' if number == 1 else 'resources'}"


def said(value: Any) -> str:
    """Write a value for use within a sentence."""
    if value == UNKNOWN:
        return "a value that is not known yet"
    if isinstance(value, list):
        return ", ".join(str(part) for part in cast("list[Any]", value)) or "nothing"
    return "nothing" if value in (None, "") else shortened(str(value))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
