"""Looks at a component's arguments as they arrive from a program: their names and their plain types.

A TypedDict is checked by a type checker only, and not every program has one. Values are checked elsewhere.
"""

import difflib
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NotRequired, Required, Union, get_args, get_origin, is_typeddict

from .spec import refuse

_KINDS = {bool: "true or false", str: "a text", int: "a whole number", float: "a number"}


def readable_arguments(name: str, args: Mapping[str, Any], declared: type) -> dict[str, Any]:
    """The arguments as they can be read: None counts as not given, an Enum's value becomes its member.

    declared: the TypedDict of the component `name`. What may be an Output is passed on as it is.
    Raises one ValueError with every unknown name and every value of another type.
    """
    usable, faults = usable_arguments(args, declared)
    refuse(name, faults)
    return usable


def usable_arguments(args: Mapping[str, Any], declared: type) -> tuple[dict[str, Any], list[str]]:
    """The same without refusing: the arguments that can be read, and the faults of the others."""
    types = _types(declared)
    usable: dict[str, Any] = {}
    faults: list[str] = []
    for key, value in args.items():
        wrong = [] if value is None else list(_faults(key, value, types))
        faults += wrong
        if value is not None and not wrong:
            usable[key] = _member(value, types[key])
    return usable, faults


def _faults(key: str, value: Any, types: Mapping[str, Any]) -> Iterator[str]:
    if key not in types:
        yield _unknown(key, list(types))
    else:
        yield from _type_faults(key, value, types[key])


def _types(declared: type) -> Mapping[str, Any]:
    return {key: _plain(kind) for key, kind in declared.__annotations__.items()}


def _unknown(key: str, names: list[str]) -> str:
    near = difflib.get_close_matches(key, names, 1)
    return f"{key} is no argument here; " + (f"did you mean {near[0]}?" if near else "leave it out.")


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) in (NotRequired, Required) else annotation


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Enum)


def _member(value: Any, kind: Any) -> Any:
    return kind(value) if _is_enum(kind) else value


def _type_faults(key: str, value: Any, kind: Any) -> Iterator[str]:
    """The value itself is not repeated: a text given in a wrong place may be a secret."""
    origin = get_origin(kind)
    if origin is Union:  # pulumi.Input: it may be known only later
        return
    if origin is list:
        if not isinstance(value, list | tuple):
            yield f"{key} is a {type(value).__name__}; it must be a list."
            return
        for position, item in enumerate(value):  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
            yield from _type_faults(f"{key}[{position}]", item, get_args(kind)[0])
    elif origin is dict:
        if not isinstance(value, Mapping):
            yield f"{key} is a {type(value).__name__}; it must be a map."
            return
        for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
            yield from _type_faults(f"{key}.{name}", item, get_args(kind)[1])
    elif is_typeddict(kind):
        yield from _fields_faults(key, value, kind)
    elif _is_enum(kind):
        allowed = [member.value for member in kind]
        if value not in allowed and not isinstance(value, kind):
            yield f"{key} is {value!r}; allowed are {', '.join(allowed)}."
    elif not _is_a(value, kind):
        yield f"{key} is a {type(value).__name__}; it must be {_KINDS[kind]}."


def _fields_faults(key: str, value: Any, kind: Any) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{key} is a {type(value).__name__}; it must be a map."
        return
    types = _types(kind)
    for name, item in value.items():  # pyright: ignore[reportUnknownVariableType]
        if name in types:
            yield from _type_faults(f"{key}.{name}", item, types[name])
        else:
            yield f"{key}.{_unknown(str(name), list(types))}"  # pyright: ignore[reportUnknownArgumentType]
    for name in sorted(kind.__required_keys__.difference(value)):  # pyright: ignore[reportUnknownArgumentType]
        yield f"{key}.{name} is missing."


def _is_a(value: Any, kind: type) -> bool:
    if kind in (int, float):  # a whole number from another language arrives as a float
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind)
