"""Reads the rows of a file from its start, or from the mark of any row: CSV, JSON Lines or Parquet."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol, cast

import orjson

from .faults import BatchRefused
from .lines import Lines, known_encoding
from .rows import InputRow, Mark
from .settings import FileFormat
from .sources import InputSource

# Of one cell; the csv module's own limit is 128 KiB.
MOST_CELL_CHARACTERS = 16 << 20
PARQUET_ROWS = 512
BEGIN = Mark()
# What the csv module says, in part, and what it means.
_CSV_CAUSES = {
    "end of data": "a quote that opens here is not closed",
    "field limit": f"a cell has more than {MOST_CELL_CHARACTERS >> 20} Mi characters",
    "new-line character": "a carriage return is no line end by itself. Convert the file: `tr '\\r' '\\n'`",
}
# Larger whole numbers would be rounded.
_LEAST_INTEGER, _MOST_INTEGER = -(1 << 63), 1 << 64
# What a line of JSON that is a string, or a list of a table's values, is a column of.
TEXT, FEATURES = "text", "features"


class RowFile(Protocol):
    """The rows of one file."""

    def columns(self) -> tuple[str, ...] | None:
        """Return the names of the columns; None where rows have their own. Raises BatchRefused."""
        ...

    def rows(self, mark: Mark, number: int) -> Iterator[InputRow]:
        """Yield the rows from a mark on, the first of them with this number. Raises BatchRefused."""
        ...


@dataclass(frozen=True, slots=True)
class TextOptions:
    """How the text of a file is read. delimiter: of CSV."""

    encoding: str = "utf-8"
    delimiter: str = ","


def row_files(
    sources: Sequence[InputSource],
    form: FileFormat,
    options: TextOptions = TextOptions(),
) -> list[RowFile]:
    """Return the files of an input, to be read in this order. Raises BatchRefused."""
    if form == "parquet":
        require_parquet()
        return [ParquetFile(source, place) for place, source in enumerate(sources)]
    if form == "jsonl":
        return [JsonLinesFile(source, place, options) for place, source in enumerate(sources)]
    return [CsvFile(source, place, options) for place, source in enumerate(sources)]


def require_parquet() -> None:
    """Raise BatchRefused where the library that reads and writes Parquet is not installed."""
    if find_spec("pyarrow") is None:
        raise BatchRefused(
            "Parquet needs pyarrow, which is not installed. Build the image with --build-arg PARQUET=1, or "
            "install service/requirements-parquet.txt; CSV and JSON Lines need nothing."
        )


class CsvFile:
    """CSV with a header, as RFC 4180 has it."""

    def __init__(self, source: InputSource, place: int, options: TextOptions) -> None:
        self._source, self._place = source, place
        self._encoding = known_encoding(options.encoding)
        tabs = source.name.lower().endswith(".tsv") and options.delimiter == ","
        self._delimiter = "\t" if tabs else options.delimiter
        self._header: tuple[str, ...] | None = None

    def columns(self) -> tuple[str, ...]:
        if self._header is None:
            with self._source.open() as file:
                lines = Lines(file, self._source.name, self._encoding, BEGIN)
                self._header = self._read_header(lines)
                self._begin = lines.mark
        return self._header

    def rows(self, mark: Mark, number: int) -> Iterator[InputRow]:
        header = self.columns()
        with self._source.open() as file:
            lines = Lines(file, self._source.name, self._encoding, mark if mark.offset else self._begin)
            cells = self._reader(lines)
            while True:
                begin = Mark(lines.offset, lines.line)
                try:
                    row = next(cells)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise self._broken(begin.line, error) from None
                if row:  # an empty line is none
                    yield self._row(number, begin, header, row)
                    number += 1

    def _reader(self, lines: Lines) -> Iterator[list[str]]:
        csv.field_size_limit(MOST_CELL_CHARACTERS)
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def _row(self, number: int, begin: Mark, header: tuple[str, ...], cells: list[str]) -> InputRow:
        if len(cells) == len(header) > 1 and tuple(cells) == header:
            return InputRow(
                number, self._place, begin, None, "repeats the header", self._delimiter.join(cells)
            )
        if len(cells) == len(header):
            return InputRow(number, self._place, begin, dict(zip(header, cells, strict=True)))
        fault = f"has {len(cells)} cells; the header has {len(header)}"
        return InputRow(number, self._place, begin, None, fault, self._delimiter.join(cells))

    def _read_header(self, lines: Lines) -> tuple[str, ...]:
        name = self._source.name
        try:
            header = next(filter(None, self._reader(lines)), list[str]())
        except csv.Error as error:
            raise self._broken(1, error) from None
        if not header:
            raise BatchRefused(f"{name} is empty; a CSV file begins with a line of column names.")
        for column in header:
            if not column.strip():
                raise BatchRefused(f"{name}: a column has no name; the first line names every column.")
            if header.count(column) > 1:
                raise BatchRefused(f"{name}: the column {column!r} is there {header.count(column)} times.")
        return tuple(header)

    def _broken(self, line: int, error: csv.Error) -> BatchRefused:
        words = str(error)
        cause = next((ours for theirs, ours in _CSV_CAUSES.items() if theirs in words), words)
        return BatchRefused(f"{self._source.name}, line {line} is not CSV: {cause}.")


class JsonLinesFile:
    """One JSON value per line: an object, a string, or a list of a table's values."""

    def __init__(self, source: InputSource, place: int, options: TextOptions) -> None:
        self._source, self._place = source, place
        self._encoding = known_encoding(options.encoding)

    def columns(self) -> None:
        return None

    def rows(self, mark: Mark, number: int) -> Iterator[InputRow]:
        with self._source.open() as file:
            lines = Lines(file, self._source.name, self._encoding, mark)
            begin = lines.mark
            for line in lines:
                if text := line.strip():
                    if text in ("[", "{"):
                        self._refuse_document(begin)
                    yield self._row(number, begin, text)
                    number += 1
                begin = lines.mark

    def _refuse_document(self, mark: Mark) -> None:
        raise BatchRefused(
            f"{self._source.name}, line {mark.line} begins JSON of several lines; here each line is a row. "
            "Convert the file: `jq -c '.[]'` for a list, `jq -c .` for objects."
        )

    def _row(self, number: int, begin: Mark, text: str) -> InputRow:
        try:
            value: Any = orjson.loads(text)
        except ValueError as error:
            fault = f"is not JSON: {_plain(error)}"
            if "NaN" in text or "Infinity" in text:
                fault += " (JSON has no NaN and no Infinity)"
            return InputRow(number, self._place, begin, None, fault, text)
        if isinstance(value, dict):
            values = cast("dict[str, Any]", value)
            if (name := _rounded(values, text)) is not None:
                fault = f"{name!r} is a whole number of more than 64 bits; write it as a string"
                return InputRow(number, self._place, begin, None, fault, text)
            return InputRow(number, self._place, begin, values)
        if isinstance(value, str):
            return InputRow(number, self._place, begin, {TEXT: value})
        if isinstance(value, list):
            return InputRow(number, self._place, begin, {FEATURES: value})
        return InputRow(number, self._place, begin, None, "is no object, string or list", text)


class ParquetFile:
    """Parquet. The offset of a mark is in rows."""

    def __init__(self, source: InputSource, place: int) -> None:
        self._source, self._place = source, place

    def columns(self) -> tuple[str, ...]:
        with self._source.open() as file:
            return tuple(self._opened(file).schema_arrow.names)

    def count(self) -> int:
        """Return the number of rows, which the file's end says."""
        with self._source.open() as file:
            return self._opened(file).metadata.num_rows

    def rows(self, mark: Mark, number: int) -> Iterator[InputRow]:
        with self._source.open() as file:
            parquet = self._opened(file)
            groups, passed = self._groups_from(parquet, mark.offset)
            try:
                for batch in parquet.iter_batches(batch_size=PARQUET_ROWS, row_groups=groups):
                    rows = batch.to_pylist()
                    for place, values in enumerate(rows, start=passed):
                        if place >= mark.offset:
                            yield InputRow(number, self._place, Mark(place, place + 1), values)
                            number += 1
                    passed += len(rows)
            except (OSError, ValueError) as error:  # as pyarrow's own errors are
                raise self._damaged(error) from None

    def _groups_from(self, parquet: Any, offset: int) -> tuple[list[int], int]:
        """Return the row groups from the one with this row on, and the number of rows before them."""
        passed, count = 0, parquet.metadata.num_row_groups
        for group in range(count):
            rows = parquet.metadata.row_group(group).num_rows
            if passed + rows > offset:
                return list(range(group, count)), passed
            passed += rows
        return [], passed

    def _opened(self, file: Any) -> Any:
        import pyarrow.parquet  # pyright: ignore[reportMissingTypeStubs] - the package ships no types

        parquet: Any = pyarrow.parquet
        try:
            return parquet.ParquetFile(file)
        except (OSError, ValueError) as error:
            raise self._damaged(error) from None

    def _damaged(self, error: Exception) -> BatchRefused:
        return BatchRefused(f"{self._source.name} is no whole Parquet file: {_plain(error)[:300]}.")


def _rounded(values: dict[str, Any], text: str) -> str | None:
    """Return the name of a whole number that was read as a float, because it has more than 64 bits."""
    for name, value in values.items():
        is_large = type(value) is float and not _LEAST_INTEGER < value < _MOST_INTEGER
        if is_large and type(json.loads(text)[name]) is int:
            return name
    return None


def _plain(error: Exception) -> str:
    return str(error).partition(": line ")[0].rstrip(".")


def shown(values: dict[str, Any] | None, text: str) -> Any:
    """Return a row's input as JSON can hold it, for the file of failed rows."""
    if values is None:
        return text
    try:
        json.dumps(values)
    except (TypeError, ValueError):
        return {name: value if _is_json(value) else str(value) for name, value in values.items()}
    return values


def _is_json(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | None)
