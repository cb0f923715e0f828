"""Reads a component's arguments into its spec, whose fields declare their types and defaults."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Spec = TypeVar("Spec")


def argument(
    default: Any = dataclasses.MISSING, *, derived: Callable[[Any], Any] | None = None, hidden: bool = False
) -> Any:
    """Declare one argument of a spec.

    default: the value if none is given; a list or map is given as () or {}. derived: computes that value from
    the fields that are declared before it. hidden: kept out of the spec's `repr`, because it may be a secret.
    """
    return dataclasses.field(metadata={"default": default, "derived": derived}, repr=not hidden)


def read_into(spec: type[Spec], args: Mapping[str, Any], **made: Any) -> Spec:
    """Fill the fields of `spec` from the arguments that were given, and the others with their defaults.

    made: values of fields that are not arguments. Nothing is checked; rules do that.
    """
    found: dict[str, Any] = {}
    seen = _Fields(found)
    for field in dataclasses.fields(spec):  # pyright: ignore[reportArgumentType]  a spec is a dataclass
        if field.name in made:
            found[field.name] = made[field.name]
        elif field.name in args:
            found[field.name] = _frozen(args[field.name])
        elif (derived := field.metadata.get("derived")) is not None:
            found[field.name] = derived(seen)
        else:
            found[field.name] = _frozen(field.metadata["default"])
    return spec(**found)


class _Fields:
    """The fields that are filled so far, as attributes."""

    def __init__(self, found: Mapping[str, Any]) -> None:
        self._found = found

    def __getattr__(self, name: str) -> Any:
        return self._found[name]


def _frozen(value: Any) -> Any:
    """Return a copy that does not change when the caller changes the arguments later."""
    if isinstance(value, list | tuple):
        return tuple(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return dict(value) if isinstance(value, Mapping) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
