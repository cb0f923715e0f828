"""From a row to the request that the task's own operation checks, and from its answer to a row of results."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args, get_origin

import orjson
from pydantic import BaseModel

from ..columns import Column
from ..tasks import Operation, Task
from .faults import BatchRefused
from .reading import FEATURES
from .rows import InputRow

# Of an answer what every row would repeat, or what is another in every run.
LEFT_OUT = ("latency_ms", "model_version", "id", "created")
ROW = "row"
# How the answer to one text ends; what is before it can be taken as it is, without being read.
_TIMING = re.compile(rb',"latency_ms":[0-9.e-]+,"model_version":"[^"\\]*"}')
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")
_MOST_SHOWN = 20
_DELIMITERS = {"\t": "$'\\t'"}


class RowFault(Exception):
    """A row that makes no request; the message says why."""


@dataclass(frozen=True, slots=True)
class RowOptions:
    """columns: fields, or a table's columns, to the input's. fields: of every request. keep: of the input."""

    columns: Mapping[str, str]
    fields: Mapping[str, Any]
    keep: Sequence[str]


def operation_of(task: Task, route: str) -> Operation:
    """Return the operation with this route, '' for the first. Raises BatchRefused."""
    if not route:
        return task.operations[0]
    for operation in task.operations:
        if operation.path == route:
            return operation
    paths = ", ".join(operation.path for operation in task.operations)
    raise BatchRefused(f"The model has no route {route!r}; it has {paths}.")


class Requests:
    """Makes the requests of an input's rows, and the rows of its results."""

    def __init__(
        self,
        operation: Operation,
        options: RowOptions,
        columns: tuple[str, ...] | None,
        first: Mapping[str, Any] | None,
    ) -> None:
        """Check the options. columns: of the input; None: rows have their own, as `first` has.

        Raises BatchRefused for a column or field that does not exist.
        """
        self._operation = operation
        self._given = columns if columns is not None else None if first is None else tuple(first)
        self._fields = dict(options.fields)
        self._table: Sequence[Column] = operation.columns
        self.main = next(iter(next(iter(operation.request_examples.values()))))
        self._require_fields([*self._fields, *([] if self._table else options.columns)])
        self._columns = self._mapped(options.columns)
        keep = tuple(options.keep)
        self.kept = self._given if keep == ("*",) and self._given is not None else keep
        for column in (*self._columns.values(), *self.kept):
            self._require_column(column)
        taken = {ROW, *self.answer_columns}
        self._kept_as = {name: f"input_{name}" if name in taken else name for name in self.kept}
        self._list_field = _list_field(operation.answer_models) if list(self._columns) == [self.main] else ""

    @property
    def answer_columns(self) -> tuple[str, ...]:
        """Return the names that a result may have besides those that are kept."""
        fields = self._operation.answer_models[0].model_fields
        names = [field.alias or name for name, field in fields.items()]
        return tuple(name for name in names if name not in LEFT_OUT and self._is_answered(name))

    @property
    def result_columns(self) -> tuple[str, ...]:
        return (ROW, *self._kept_as.values(), *self.answer_columns)

    def body(self, row: InputRow) -> bytes:
        """Return the request. Raises RowFault for a row that makes none."""
        if row.values is None:
            raise RowFault(row.fault)
        values = row.values
        self._require_one(values)
        try:
            if self._table and FEATURES not in self._columns:
                cells = {
                    column.name: _cell(column, values[self._columns[column.name]]) for column in self._table
                }
                return orjson.dumps(self._fields | {FEATURES: cells}, default=str)
            request = self._fields | {field: values[column] for field, column in self._columns.items()}
        except KeyError as error:
            raise RowFault(f"has no {error.args[0]!r}") from None
        return orjson.dumps(request, default=str)

    def _require_one(self, values: Mapping[str, Any]) -> None:
        """Raise RowFault where a row would be a request of several: its answer would be no row."""
        if len(self._operation.answer_models) < 2:
            return
        value = values.get(self._columns.get(self.main, ""))
        if not isinstance(value, list):
            return
        if not self._table or any(isinstance(each, list | dict) for each in cast("list[Any]", value)):
            raise RowFault(f"{self.main} is a list of several; a row has one")

    def may_be_listed(self, row: InputRow) -> bool:
        """Return whether the row may be one of several in a request; `listed` then takes it."""
        values = row.values
        return bool(self._list_field) and values is not None and type(values.get(self._source)) is str

    def listed(self, rows: Sequence[InputRow]) -> bytes:
        """Return one request with the texts of several rows."""
        texts = [(row.values or {})[self._source] for row in rows]
        return orjson.dumps(self._fields | {self.main: texts})

    def results(self, rows: Sequence[InputRow], answer: bytes) -> list[bytes]:
        """Return the rows of results of a request with several rows, as `result` would."""
        answers: list[dict[str, Any]] = orjson.loads(answer)[self._list_field]
        pairs = zip(rows, answers, strict=True)
        return [orjson.dumps(self._begun(row) | found, default=str) for row, found in pairs]

    def result(self, row: InputRow, answer: bytes) -> bytes:
        """Return the row of results as one line of JSON, without its end."""
        result = self._begun(row)
        end = answer.rfind(b',"latency_ms":')
        if end > 1 and _TIMING.fullmatch(answer, end):
            return b"%b,%b}" % (orjson.dumps(result, default=str)[:-1], answer[1:end])
        found: dict[str, Any] = orjson.loads(answer)
        result.update((name, value) for name, value in found.items() if name not in LEFT_OUT)
        return orjson.dumps(result, default=str)

    @property
    def _source(self) -> str:
        return self._columns[self.main]

    def _begun(self, row: InputRow) -> dict[str, Any]:
        """Return what a row of results begins with: its number, and what is kept of the input."""
        result: dict[str, Any] = {ROW: row.number}
        values = row.values or {}
        for name, shown in self._kept_as.items():
            result[shown] = values.get(name)
        return result

    def _is_answered(self, name: str) -> bool:
        """Return whether an answer may have the field: `top` has it only where it is in the request."""
        return name != "top" or "top" in self._fields

    def _mapped(self, columns: Mapping[str, str]) -> dict[str, str]:
        if self._table:
            unknown = next((name for name in columns if name not in self._table_names), None)
            if unknown is not None:
                raise BatchRefused(
                    f"The model has no column {unknown!r}{self._near(unknown, self._table_names)}; it takes "
                    f"{_listed(self._table_names)}."
                )
            if not columns and self._given is not None and FEATURES in self._given:
                return {FEATURES: FEATURES}
            return {name: columns.get(name, name) for name in self._table_names}
        model_fields = self._operation.request_model.model_fields
        other = columns and not model_fields[self.main].is_required()  # such as a chat's messages
        if self.main in columns or self.main in self._fields or other:
            return dict(columns)
        if self._given is None:
            return {self.main: self.main, **columns}
        if self.main in self._given:
            return {self.main: self.main, **columns}
        if len(self._given) == 1:
            self._require_one_column(self._given[0])
            return {self.main: self._given[0], **columns}
        raise BatchRefused(
            f"The input has no column {self.main!r}; it has {_listed(self._given)}. Name the one with the "
            f"{self.main}: `--column {self.main}=…`, BATCH_COLUMNS."
        )

    @property
    def _table_names(self) -> list[str]:
        return [column.name for column in self._table]

    def _require_fields(self, names: Sequence[str]) -> None:
        model_fields = self._operation.request_model.model_fields
        known = [field.alias or name for name, field in model_fields.items()]
        for name in names:
            if name not in known:
                raise BatchRefused(
                    f"A request to {self._operation.path} has no field {name!r}{self._near(name, known)}; "
                    f"it has {_listed(known)}."
                )
        if self._fields.get("stream"):
            raise BatchRefused("The field 'stream' is true; a batch takes whole answers. Leave it out.")

    def _require_column(self, column: str) -> None:
        if self._given is not None and column not in self._given:
            raise BatchRefused(
                f"The input has no column {column!r}{self._near(column, self._given)}; it has "
                f"{_listed(self._given)}."
            )

    def _require_one_column(self, column: str) -> None:
        """Raise BatchRefused where the only column's name looks like several."""
        if mark := next((mark for mark in ",;\t|" if mark in column), ""):
            raise BatchRefused(
                f"The input has one column, {column!r}. If {mark!r} separates columns: `--delimiter "
                f"{_DELIMITERS.get(mark, repr(mark))}`, BATCH_DELIMITER. If not, name the column: `--column "
                f"{self.main}={column!r}`, BATCH_COLUMNS."
            )

    def _near(self, name: str, names: Sequence[str]) -> str:
        found = difflib.get_close_matches(name, names, n=1)
        return f" (did you mean {found[0]!r}?)" if found else ""


def _list_field(answer_models: Sequence[type[BaseModel]]) -> str:
    """Return the field of a list's answer that has for each text what its own answer has; '' for none."""
    single, *several = answer_models
    for name, field in (several[0].model_fields if several else {}).items():
        item = next(iter(get_args(field.annotation)), None) if get_origin(field.annotation) is list else None
        if isinstance(item, type) and issubclass(single, item):
            return name
    return ""


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_SHOWN])
    return shown if len(names) <= _MOST_SHOWN else f"{shown}, …"


def _cell(column: Column, value: Any) -> Any:
    """Return what a CSV cell says in the column's type; what is no string, or not of the type, stays."""
    if not isinstance(value, str) or column.type == "string":
        return value
    text = value.strip()
    if not text:
        return None
    try:
        if column.type == "int":
            return int(text)
        if column.type == "bool":
            return True if text.lower() in _TRUE else False if text.lower() in _FALSE else value
        return float(text)
    except ValueError:
        return value
