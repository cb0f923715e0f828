"""The columns of a table, as `features` of a manifest lists them: names, types, examples, allowed values.

Owns what a column may hold. How a request spells a row: tasks/table_rows.py; what a graph takes of it:
backends/table_inputs.py.
"""

import difflib
import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, ValidationError, core_schema

from .manifest import ManifestPart, Name

ColumnType = Literal["float", "double", "int", "string", "bool"]
Cell = float | int | str | bool | None
"""What a row has in a column; None where it is missing."""

FLOAT32_MAX = float(np.finfo(np.float32).max)
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1
MOST_VALUES = 1000
# More names than this are not compared letter by letter, because that takes time for each wrong one.
MOST_COMPARED = 200
MOST_VALUES_SHOWN = 10
NOUNS: dict[ColumnType, str] = {
    "float": "a number",
    "double": "a number",
    "int": "a whole number",
    "string": "a string",
    "bool": "true or false",
}
JSON_TYPES: dict[ColumnType, str] = {
    "float": "number",
    "double": "number",
    "int": "integer",
    "string": "string",
    "bool": "boolean",
}
ZEROS: dict[ColumnType, Cell] = {"float": 0.0, "double": 0.0, "int": 0, "string": "", "bool": False}


class Column(ManifestPart):
    """One column. Its values are checked as strictly as a request's."""

    # From JSON inside a manifest that may name a column by a string alone; what is Any is checked below.
    model_config = ConfigDict(strict=False)

    name: Name = Field(max_length=200)
    type: ColumnType = "float"
    """`float` is float32, `double` float64, `int` int64."""
    example: Any = None
    """A value to try; None: the first of `values`, or zero, an empty string, false."""
    values: tuple[Any, ...] = Field(default=(), max_length=MOST_VALUES)
    """The only values that the column takes, of an `int` or a `string`; none: any."""
    missing: Any = None
    """The value that null stands for, as the model was trained; None: NaN in a `float` or `double`, and in
    the other types null is refused. False in a `float` or `double`: null is refused there too."""

    @model_validator(mode="after")
    def _holds_what_it_takes(self) -> "Column":
        if self.values and self.type not in ("int", "string"):
            raise _error(f"values are for the types int and string; {self.name!r} is {self.type}")
        missing = None if self._refuses_nan else self.missing
        given = [*self.values, *(value for value in (self.example, missing) if value is not None)]
        plain = SchemaValidator(_type_schema(self.type, None))
        for value in given:
            if _refuses(plain, value):
                raise _error(
                    f"{value!r:.100} is not {NOUNS[self.type]}, as {self.name!r} of type {self.type}"
                )
        if len({json.dumps(value) for value in self.values}) < len(self.values):
            raise _error(f"values of {self.name!r} has a value more than once")
        if self.values and self.example is not None and self.example not in self.values:
            raise _error(f"example of {self.name!r} is {self.example!r:.100}, which is not in its values")
        return self

    @property
    def _refuses_nan(self) -> bool:
        return self.missing is False and self.type in ("float", "double")

    @property
    def takes_null(self) -> bool:
        is_float = self.type in ("float", "double")
        return not self._refuses_nan and (self.missing is not None or is_float)

    @property
    def to_try(self) -> Cell:
        """Return a value with which the model can be tried."""
        if self.example is not None:
            return self.example
        return self.values[0] if self.values else ZEROS[self.type]

    def cell_schema(self, max_characters: int | None) -> CoreSchema:
        """Return the schema of a value in a request. max_characters: of a string; None: any number."""
        schema = _type_schema(self.type, max_characters)
        if self.values:
            allowed = core_schema.literal_schema(list(self.values))
            # A literal alone takes true for 1.
            schema = core_schema.chain_schema([schema, allowed])
        return core_schema.nullable_schema(schema) if self.takes_null else schema

    def json_schema(self, max_characters: int) -> dict[str, Any]:
        kind = JSON_TYPES[self.type]
        schema: dict[str, Any] = {"type": [kind, "null"] if self.takes_null else kind}
        if self.values:
            schema["enum"] = [*self.values, *([None] if self.takes_null else [])]
        elif self.type == "string":
            schema["maxLength"] = max_characters
        null = "; null where it is missing" if self.takes_null else ""
        return schema | {"description": f"Of type {self.type}{null}.", "examples": [self.to_try]}

    def words_for_wrong(self, value: Any) -> str:
        """Describe what is wrong with a value of another type, or one that is not in `values`."""
        noun = NOUNS[self.type]
        if value is None:
            return f"is null, but a column of type {self.type} has no missing value here; it takes {noun}"
        if self.type == "int" and isinstance(value, float):
            return "is written with a fraction or an exponent; the column takes whole numbers, such as 5"
        if not self.values or _refuses(SchemaValidator(_type_schema(self.type, None)), value):
            return f"is not {noun}"
        if isinstance(value, str) and (near := nearest(value, self.values)):
            return f"is not one of the column's values; did you mean {near!r}?"
        shown = ", ".join(f"{each!r}" for each in self.values[:MOST_VALUES_SHOWN])
        more = ", …" if len(self.values) > MOST_VALUES_SHOWN else ""
        return f"is not one of the column's values; allowed are {shown}{more}"


def _named(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


NamedColumn = Annotated[Column, BeforeValidator(_named)]
"""A column in a manifest: an object, or its name alone for one of type `float`."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like the given one; None if none is near."""
    every = list(names)
    folded = {each.casefold(): each for each in every}
    if (same := folded.get(name.casefold())) is not None:
        return same
    if len(every) > MOST_COMPARED:
        return None
    return next(iter(difflib.get_close_matches(name[:100], every, n=1)), None)


def column_json(name: str, kind: ColumnType) -> str:
    """Return what to write into a manifest for a column with this name and type."""
    return json.dumps({"name": name, "type": kind}, ensure_ascii=False)


def _type_schema(kind: ColumnType, max_characters: int | None) -> CoreSchema:
    match kind:
        case "float":
            return core_schema.float_schema(strict=True, allow_inf_nan=False, ge=-FLOAT32_MAX, le=FLOAT32_MAX)
        case "double":
            return core_schema.float_schema(strict=True, allow_inf_nan=False)
        case "int":
            return core_schema.int_schema(strict=True, ge=INT64_MIN, le=INT64_MAX)
        case "string":
            return core_schema.str_schema(strict=True, max_length=max_characters)
        case "bool":
            return core_schema.bool_schema(strict=True)


def _refuses(validator: SchemaValidator, value: Any) -> bool:
    try:
        validator.validate_python(value)
    except ValidationError:
        return True
    return False


def _error(words: str) -> PydanticCustomError:
    return PydanticCustomError("column", "{words}", {"words": words})
