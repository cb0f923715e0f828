"""Resources as a policy pack's engine hands them over, in the plain form that the rules read. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from slipway.infra.resources.reading import UNKNOWN


def stack_of(urn: str) -> str:
    """Return the stack of a URN, `urn:pulumi:<stack>::<project>::…`."""
    return urn.split("::")[0].rpartition(":")[2]


def plain(value: Any, unknown: type[Exception]) -> Any:
    """Read a value behind the policy SDK's proxies as plain JSON.

    unknown: the exception that reading an unknown value raises.
    """
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
