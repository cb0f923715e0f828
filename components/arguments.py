"""Check the arguments that a program passes to a component: their names and their plain types.

A TypedDict is enforced by a type checker only, and not every program has one. Values are checked elsewhere.
"""

import difflib
from collections.abc import Iterator, Mapping
from enum import Enum
from inspect import isawaitable
from typing import Any, NotRequired, Required, Union, get_args, get_origin, is_typeddict

import pulumi

from .fault import Fault, refuse

_KINDS = {bool: "true or false", str: "a string", int: "a whole number", float: "a number"}


def readable_arguments(name: str, args: Mapping[str, Any], declared: type) -> dict[str, Any]:
    """Return the arguments, without those that are None and with each Enum's value turned into its member.

    declared: the TypedDict of the component `name`. An Output is passed on unchanged, where one is allowed.
    Raises one ArgumentsError with every unknown name and every value of the wrong type.
    """
    usable, faults = usable_arguments(args, declared)
    refuse(name, faults)
    return usable


def usable_arguments(args: Mapping[str, Any], declared: type) -> tuple[dict[str, Any], list[Fault]]:
    """Return the arguments that readable_arguments would accept, and the faults of the others."""
    types = _types(declared)
    usable: dict[str, Any] = {}
    faults: list[Fault] = []
    for key, value in args.items():
        wrong = [] if value is None else list(_faults(key, value, types))
        faults += wrong
        if value is not None and not wrong:
            usable[key] = _member(value, types[key])
    return usable, faults


def _faults(key: str, value: Any, types: Mapping[str, Any]) -> Iterator[Fault]:
    if key not in types:
        yield _unknown(key, list(types))
    else:
        yield from _type_faults(key, value, types[key])


def _types(declared: type) -> Mapping[str, Any]:
    return {key: _plain(kind) for key, kind in declared.__annotations__.items()}


def _unknown(key: str, names: list[str], path: str = "") -> Fault:
    near = difflib.get_close_matches(key, names, 1)
    return Fault(f"{path}{key}", "no argument here", f"did you mean {near[0]}?" if near else "leave it out")


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) in (NotRequired, Required) else annotation


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _member(value: Any, kind: Any) -> Any:
    return kind(value) if _is_enum(kind) else value


def _type_faults(key: str, value: Any, kind: Any) -> Iterator[Fault]:
    """Yield what is wrong with the type of a value.

    The value itself is not repeated: a string given in the wrong place may be a secret.
    """
    origin = get_origin(kind)
    if origin is Union:  # pulumi.Input: its plain type is the first
        if not _is_known_later(value):
            yield from _type_faults(key, value, get_args(kind)[0])
    elif _is_known_later(value):
        given = "an Output" if isinstance(value, pulumi.Output) else f"of type {type(value).__name__}"
        yield Fault(key, given, "it must be a plain value, because it decides what is created")
    elif origin is list:
        if not isinstance(value, list | tuple):
            yield Fault(key, f"of type {type(value).__name__}", "it must be a list")
            return
        for position, item in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from _type_faults(f"{key}[{position}]", item, get_args(kind)[0])
    elif origin is dict:
        if not isinstance(value, Mapping):
            yield Fault(key, f"of type {type(value).__name__}", "it must be a map")
            return
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from _type_faults(f"{key}.{name}", item, get_args(kind)[1])
    elif is_typeddict(kind):
        yield from _fields_faults(key, value, kind)
    elif _is_enum(kind):
        allowed = [member.value for member in kind]
        if value not in allowed and not isinstance(value, kind):
            yield Fault(key, repr(value), f"allowed are {', '.join(allowed)}")
    elif not _is_a(value, kind):
        yield Fault(key, f"of type {type(value).__name__}", f"it must be {_KINDS[kind]}")


def _is_known_later(value: Any) -> bool:
    return isinstance(value, pulumi.Output) or isawaitable(value)


def _fields_faults(key: str, value: Any, kind: Any) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(key, f"of type {type(value).__name__}", "it must be a map")
        return
    types = _types(kind)
    for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
        if name in types:
            yield from _type_faults(f"{key}.{name}", item, types[name])
        else:
            yield _unknown(str(name), list(types), f"{key}.")  # pyright: ignore[reportUnknownArgumentType]
    for name in sorted(kind.__required_keys__.difference(value)):  # pyright: ignore[reportUnknownArgumentType]
        yield Fault(f"{key}.{name}", "missing")


def _is_a(value: Any, kind: type) -> bool:
    if kind in (int, float):  # a whole number from another language arrives as a float
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)
