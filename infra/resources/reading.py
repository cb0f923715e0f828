"""A resource in plain form, of whatever engine, and how the values in it are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from slipway.components.sizes import gib

UNKNOWN = "[unknown]"  # how a Plan writes what only the cloud knows
SECRET = "[secret]"  # noqa: S105 how a Plan writes a value that is secret in the state


@dataclass(frozen=True, slots=True)
class Resource:
    """One registration. inputs: plain JSON, secrets and unknowns masked. parent: a URN; None: the stack.

    uses: input -> the URNs that its value is made of. aliases: the URNs that it had before, its parents' too.
    provider: URN of the provider that the program made for it; '' where the engine makes one. deleted_with:
    URN of what takes it along when it is deleted; '' without. replace_with: URNs of what takes it along
    when it is replaced. replacement_trigger: a value whose change replaces it; None without.
    """

    urn: str
    type: str
    name: str
    parent: str | None
    custom: bool
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...]
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    aliases: tuple[str, ...] = ()
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    retain_on_delete: bool = False
    delete_before_replace: bool = False
    provider: str = ""
    deleted_with: str = ""
    replace_with: tuple[str, ...] = ()
    replacement_trigger: Any = None


def at(value: Any, *path: str | int) -> Any:
    """Return the value below `value` along the path; None where the path ends earlier."""
    for step in path:
        if isinstance(value, Mapping):
            value = cast("Mapping[str, Any]", value).get(str(step))
        elif isinstance(value, list | tuple) and isinstance(step, int):
            items = cast("Sequence[Any]", value)
            value = items[step] if len(items) > step else None
        else:
            return None
    return value


def items_at(value: Any, *path: str | int) -> list[Any]:
    found = at(value, *path)
    return list(cast("Iterable[Any]", found)) if isinstance(found, list | tuple) else []


def number(value: Any, default: float) -> float:
    """Return a number, also one that is a string; the default for nothing and for what is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        return float(value)
    except ValueError:
        return default


def cores(text: Any) -> float | None:
    """Return the vCPU of a Kubernetes quantity: `2`, `500m`."""
    if isinstance(text, str) and text.endswith("m"):
        value = number(text[:-1], -1)
        return value / 1000 if value >= 0 else None
    value = number(text, -1)
    return value if value >= 0 else None


def memory_gib(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        return gib(text)
    except ValueError:
        return None
