"""Resources as a policy pack's engine hands them over, in the plain form that the rules read. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from slipway.infra.plan.reading import UNKNOWN


@dataclass(frozen=True, slots=True)
class PlainResource:
    """inputs: plain JSON, unknowns as a Plan writes them."""

    urn: str
    type: str
    name: str
    parent: str | None
    inputs: Mapping[str, Any]
    dependencies: tuple[str, ...] = ()


def stack_of(urn: str) -> str:
    """`urn:pulumi:<stack>::<project>::…`"""
    return urn.split("::")[0].rpartition(":")[2]


def plain(value: Any, unknown: type[Exception]) -> Any:
    """A value behind the policy SDK's proxies as plain JSON. unknown: what reading an unknown one raises."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, Any]", value)
        return {key: _read(lambda key=key: fields[key], unknown) for key in sorted(fields)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        items = cast("Sequence[Any]", value)
        return [_read(lambda position=position: items[position], unknown) for position in range(len(items))]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _read(value: Callable[[], Any], unknown: type[Exception]) -> Any:
    try:
        return plain(value(), unknown)
    except unknown:
        return UNKNOWN
