"""Lists in a request: counted before their items are checked, and checked up to the errors that are shown."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast, get_args

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import (
    CoreSchema,
    ErrorType,
    ListSchema,
    no_info_wrap_validator_function,
)

from .requests import MAX_FAULTS_SHOWN

# One more than is shown: that there are more can then be said.
FAULTS_KEPT = MAX_FAULTS_SHOWN + 1
KNOWN = frozenset(get_args(ErrorType))

WrongCount = Callable[[int], PydanticCustomError | PydanticKnownError]
"""From the length of a list that has too few items or too many to its error."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Marks a list of `least` to `most` items: `Annotated[list[str], Counted(100)]`.

    Wrong items are reported with their places, up to FAULTS_KEPT; what follows them is not checked.
    """

    most: int
    least: int = 0
    wrong_count: WrongCount | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        items: ListSchema = cast(Any, handler(source))
        return no_info_wrap_validator_function(self._checked, {**items, "fail_fast": True})

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        least: dict[str, int] = {"minItems": self.least} if self.least else {}
        return handler(schema) | least | {"maxItems": self.most}

    def _checked(self, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if not isinstance(value, list):
            return handler(value)
        values = cast("list[Any]", value)
        if not self.least <= len(values) <= self.most:
            raise self._wrong_count(len(values))
        return _items(values, handler)

    def _wrong_count(self, count: int) -> PydanticCustomError | PydanticKnownError:
        if self.wrong_count is not None:
            return self.wrong_count(count)
        lengths = {"field_type": "List", "actual_length": count}
        if count < self.least:
            return PydanticKnownError("too_short", lengths | {"min_length": self.least})
        return PydanticKnownError("too_long", lengths | {"max_length": self.most})


def _items(values: list[Any], handler: ValidatorFunctionWrapHandler) -> Any:
    """Check the items of a list, and collect the faults of all.

    handler: stops at the first wrong item, so it is called again for those that follow.
    """
    faults, start = list[InitErrorDetails](), 0
    while True:
        try:
            checked = handler(values[start:] if start else values)
        except ValidationError as error:
            found = error.errors(include_url=False)
            faults += [_moved(fault, start) for fault in found]
            start += 1 + cast(int, found[0]["loc"][0])
            if len(faults) < FAULTS_KEPT and start < len(values):
                continue
        else:
            if not faults:
                return checked
        raise ValidationError.from_exception_data("list", faults)


def _moved(fault: ErrorDetails, start: int) -> InitErrorDetails:
    """Return the fault of an item of a list's rest as one of the list. start: where the rest begins."""
    kind, place = fault["type"], fault["loc"]
    return {
        "type": kind if kind in KNOWN else PydanticCustomError(cast(Any, kind), cast(Any, fault["msg"])),
        "loc": (start + cast(int, place[0]), *place[1:]),
        "input": fault["input"],
        "ctx": fault.get("ctx", {}),
    }
