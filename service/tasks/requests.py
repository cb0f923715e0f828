"""Reads a request body: strict JSON against a pydantic model, with its faults in plain words."""

from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from ..faults import FieldFault, InvalidInput, InvalidJson
from .bounds import Bounds

MAX_FAULTS_SHOWN = 20
# Of an object that is no list's item: OpenAI's requests, which have the most, have about 40.
MAX_FIELDS = 200

# The branches of a field that takes one thing or a list: no part of the body, so in no fault.
ONE, LIST = "<one>", "<list>"

TModel = TypeVar("TModel", bound=BaseModel)

# pydantic's error type -> our words; {…} are filled from the error's context.
WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "model_type": "is not an object",
    "bool_type": "is not true or false",
    "string_too_short": "is empty",
    "string_pattern_mismatch": "contains only white space",
    "string_too_long": "has more than {max_length} characters",
    "too_short": "is an empty list",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "finite_number": "is not a finite number",
    "list_type": "is not a list",
    "literal_error": "is not {expected}",
    "greater_than": "is not above {gt}",
    "greater_than_equal": "is below {ge}",
    "less_than_equal": "is above {le}",
    "too_long": "has {actual_length} texts; at most {max_length} are allowed in one call",
}


def parsed(model: type[TModel], body: bytes, bounds: Bounds = Bounds()) -> TModel:  # noqa: B008 - frozen
    """Read the body as the model.

    Raises InvalidJson if the body is not JSON in UTF-8, InvalidInput if it does not fit model or bounds.
    """
    bounds.check(body)
    try:
        # The strings of a request are not worth keeping; its fields' names come again.
        content = from_json(body, cache_strings="keys")
    except ValueError as error:
        raise InvalidJson(f"the body is not JSON in UTF-8: {error}") from None
    _check_fields(content)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    raise InvalidInput(_summary(faults), errors=[_field_fault(fault) for fault in faults[:MAX_FAULTS_SHOWN]])


def _check_fields(content: Any) -> None:
    """Raise InvalidInput for too many fields, because each unknown one would be an error of its own."""
    if isinstance(content, dict) and len(cast("dict[str, Any]", content)) > MAX_FIELDS:
        detail = f"has {len(cast('dict[str, Any]', content))} fields; at most {MAX_FIELDS} are allowed"
        raise InvalidInput(f"the body {detail}", errors=[FieldFault("#", detail)])


def _summary(faults: list[ErrorDetails]) -> str:
    first = f"{_name(faults[0])} {_words(faults[0])}"
    if len(faults) > MAX_FAULTS_SHOWN:
        return f"{first}; more than {MAX_FAULTS_SHOWN} faults in all"
    return first if len(faults) == 1 else f"{first}; {len(faults)} faults in all"


def _field_fault(fault: ErrorDetails) -> FieldFault:
    pointer = "#" + "".join(f"/{escaped(part)}" for part in _path(fault))
    return FieldFault(pointer, _words(fault))


def _words(fault: ErrorDetails) -> str:
    if fault["type"] == "string_type":
        # Inside a list only a text fits; at such a field itself a list fits too.
        takes_lists = len(_path(fault)) == 1 and len(fault["loc"]) > 1
        return "is neither a text nor a list of texts" if takes_lists else "is not a text"
    if fault["type"] == "float_type" and type(fault["input"]) is int:  # one beyond float64
        return WORDS["finite_number"]
    context: dict[str, Any] = fault.get("ctx", {})
    words = WORDS.get(fault["type"])
    return words.format(**context) if words else fault["msg"]  # pydantic's, or a task's own, filled already


def _name(fault: ErrorDetails) -> str:
    path = _path(fault)
    if not path:
        return "the body"
    inner = (f"[{part}]" if isinstance(part, int) else f".{part[:100]}" for part in path[1:])
    return str(path[0])[:100] + "".join(inner)


def _path(fault: ErrorDetails) -> list[str | int]:
    """Return the place in the body, without the union branch's name that pydantic adds to it."""
    location = [part for part in fault["loc"] if part not in (ONE, LIST)]
    if location[:1] in (["text"], ["input"]) and len(location) > 1:
        del location[1]
    return location


def escaped(part: str | int) -> str:
    """Return a part of a JSON pointer, cut to 100 characters."""
    return str(part)[:100].replace("~", "~0").replace("/", "~1")
