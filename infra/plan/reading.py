"""Reads plain resources: one registration of whatever engine, and the values below a path."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

from slipway.components.sizes import gib

UNKNOWN = "[unknown]"  # how a Plan writes what only the cloud will tell (infra.monitor)


class Resource(Protocol):
    """One registration, of whatever engine. inputs: plain JSON."""

    @property
    def urn(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def parent(self) -> str | None: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def dependencies(self) -> tuple[str, ...]: ...


def at(value: Any, *path: str | int) -> Any:
    """The value below `value` along the path; None where it ends earlier."""
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
    """A plain number, or one as text; the default for nothing and for what is unknown."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        return float(value)
    except ValueError:
        return default


def cores(text: Any) -> float | None:
    """vCPU of a Kubernetes quantity: `2`, `500m`."""
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
