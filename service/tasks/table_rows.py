"""Rows of a table in a request: a list of values in the columns' order, or an object from names to values.

Checks names, numbers of values, types and lengths. Which numbers a graph would change is known where its
inputs are: backends/table_inputs.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, cast

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic_core import (
    CoreSchema,
    ErrorDetails,
    InitErrorDetails,
    PydanticCustomError,
    SchemaValidator,
    core_schema,
)

from ..columns import Cell, Column, nearest
from .lists import FAULTS_KEPT
from .requests import WORDS

MOST_NAMES_SHOWN = 20


class NamedRow(list[Cell]):
    """A row that came as an object, in the order of the columns."""


@dataclass(frozen=True, slots=True)
class RowOf:
    """Marks a row with these columns: `Annotated[Any, RowOf(columns, 20_000)]`.

    It becomes a list in the columns' order, with what null stands for in place of null. Up to FAULTS_KEPT
    faults are reported with their places.
    """

    columns: Sequence[Column]
    max_characters: int

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        cells = [column.cell_schema(self.max_characters) for column in self.columns]
        row = core_schema.tuple_schema(cells, strict=False)
        return core_schema.no_info_wrap_validator_function(self._checked, row)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        del schema, handler
        cells = {column.name: column.json_schema(self.max_characters) for column in self.columns}
        values = [{"title": name, **cell} for name, cell in cells.items()]
        as_list = {"type": "array", "prefixItems": values, "minItems": len(cells), "maxItems": len(cells)}
        as_object = {"type": "object", "properties": cells, "required": list(cells)}
        return {"anyOf": [as_object | {"additionalProperties": False}, as_list]}

    def _checked(self, value: Any, handler: ValidatorFunctionWrapHandler) -> list[Cell]:
        row = self._in_order(value)
        try:
            handler(row)
        except ValidationError as error:
            faults = error.errors(include_url=False)[:FAULTS_KEPT]
            raise _invalid([self._in_words(fault, row) for fault in faults]) from None
        # As it came: a validated number is a float, from which a large integer could not be told.
        return self._without_null(row) if None in row else row

    def _in_order(self, value: Any) -> list[Any]:
        if isinstance(value, dict):
            return self._of_object(cast("dict[str, Any]", value))
        if not isinstance(value, list):
            raise PydanticCustomError("row", "is not a list or an object of values")
        values = cast("list[Any]", value)
        if len(values) != len(self.columns):
            counts = {"got": len(values), "expected": len(self.columns), "names": names_of(self.columns)}
            words = "has {got} values; the model takes {expected}: {names}"
            raise PydanticCustomError("row", words, counts)
        return values

    def _of_object(self, row: dict[str, Any]) -> NamedRow:
        try:
            values = NamedRow([row[column.name] for column in self.columns])
        except KeyError:
            values = None
        if values is None or len(row) > len(self.columns):
            raise _invalid(list(islice(self._wrong_names(row), FAULTS_KEPT)))
        return values

    def _wrong_names(self, row: dict[str, Any]) -> Iterator[InitErrorDetails]:
        names = [column.name for column in self.columns]
        known = set(names)
        unknown = list(islice((name for name in row if name not in known), FAULTS_KEPT))
        for name in unknown:
            near = nearest(name, names)
            meant = f"did you mean {near!r}?" if near else f"the model takes {names_of(self.columns)}"
            yield _fault(name, f"is not a column of the model; {meant}")
        for name in names:
            if name not in row:
                near = nearest(name, unknown)
                yield _fault(name, f"is required{f'; near it is {near[:100]!r}' if near else ''}")

    def _in_words(self, fault: ErrorDetails, row: list[Any]) -> InitErrorDetails:
        place = cast(int, fault["loc"][0])
        column, kind, context = self.columns[place], fault["type"], fault.get("ctx", {})
        if kind == "float_type" and type(fault["input"]) is int:  # one beyond float64
            kind = "finite_number"
        is_wrong = kind.endswith("_type") or kind == "literal_error"
        words = column.words_for_wrong(fault["input"]) if is_wrong else WORDS[kind].format(**context)
        if isinstance(row, NamedRow):
            return _fault(column.name, words)
        return _fault(place, f"{words} (column {column.name!r})")

    def _without_null(self, row: list[Any]) -> list[Cell]:
        filled = [
            column.missing if value is None else value
            for value, column in zip(row, self.columns, strict=True)
        ]
        return NamedRow(filled) if isinstance(row, NamedRow) else filled


def checked_row(columns: Sequence[Column], row: list[Cell]) -> list[Cell]:
    """Return a row of a manifest. Raises ValidationError, with the places, if it does not fit the columns."""
    cells = [column.cell_schema(None) for column in columns]
    SchemaValidator(core_schema.tuple_schema(cells, strict=False)).validate_python(row)
    return row


def names_of(columns: Sequence[Column]) -> str:
    """Return the columns' names, in words, up to MOST_NAMES_SHOWN."""
    shown = ", ".join(column.name for column in columns[:MOST_NAMES_SHOWN])
    return shown if len(columns) <= MOST_NAMES_SHOWN else f"{shown}, …"


def _fault(place: str | int, words: str) -> InitErrorDetails:
    error = PydanticCustomError("row", "{words}", {"words": words})
    return {"type": error, "loc": (place,), "input": None}


def _invalid(faults: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("row", faults)
