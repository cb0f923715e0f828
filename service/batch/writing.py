"""Encodes the rows of a part, given as lines of JSON, in the format of the output."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import orjson
from pydantic import BaseModel

from .settings import FileFormat

ENDINGS: Mapping[FileFormat, str] = {"csv": ".csv", "jsonl": ".jsonl", "parquet": ".parquet"}


def part_name(part: int, parts: int, form: FileFormat) -> str:
    """Return the name of a part: `part-00000-of-00005.csv`."""
    return f"part-{part:05}-of-{parts:05}{ENDINGS[form]}"


class PartWriter:
    """Encodes parts; all of a run have the same columns. columns: in order, of every result."""

    def __init__(self, form: FileFormat, columns: Sequence[str], answer: type[BaseModel]) -> None:
        """Prepare. answer: the model of an answer, whose types are the columns' in Parquet."""
        self._form: FileFormat = form
        self._columns = columns
        self._answer = answer

    def encoded(self, lines: Sequence[bytes]) -> bytes:
        """Return the content of a part. lines: its rows, each an object of JSON."""
        if self._form == "jsonl":
            return b"".join(line + b"\n" for line in lines)
        rows = [orjson.loads(line) for line in lines]
        return self._csv(rows) if self._form == "csv" else self._parquet(rows)

    def _csv(self, rows: Sequence[dict[str, Any]]) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self._columns)
        writer.writerows([_cell(row.get(column)) for column in self._columns] for row in rows)
        return text.getvalue().encode()

    def _parquet(self, rows: Sequence[dict[str, Any]]) -> bytes:
        import pyarrow  # pyright: ignore[reportMissingTypeStubs] - the package ships no types
        import pyarrow.parquet as parquet  # pyright: ignore[reportMissingTypeStubs]

        arrow: Any = pyarrow
        tables: Any = parquet
        types = [self._type_of(arrow, column) for column in self._columns]
        arrays = [
            arrow.array([_fitting(row.get(column), kind is None) for row in rows], kind or arrow.string())
            for column, kind in zip(self._columns, types, strict=True)
        ]
        content = io.BytesIO()
        tables.write_table(arrow.Table.from_arrays(arrays, names=list(self._columns)), content)
        return content.getvalue()

    def _type_of(self, arrow: Any, column: str) -> Any:
        """Return the type of a column; None: text, or JSON for what is none."""
        if column == "row":
            return arrow.int64()
        field = self._answer.model_fields.get(column)
        kinds = {float: arrow.float64(), int: arrow.int64(), bool: arrow.bool_()}
        if field is None:
            return None
        if get_origin(field.annotation) is list and get_args(field.annotation) == (float,):
            return arrow.list_(arrow.float32())
        return kinds.get(field.annotation) if isinstance(field.annotation, type) else None


def _cell(value: Any) -> Any:
    """Return a value as a CSV cell has it: nothing for null, JSON for what is no plain value."""
    if value is None or isinstance(value, str | float):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, int) else orjson.dumps(value).decode()


def _fitting(value: Any, as_text: bool) -> Any:
    if not as_text or value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()
