"""Reads rows of a CSV file as the model's columns."""

import csv
from collections.abc import Sequence
from pathlib import Path

from slipway.service.faults import BadSettings

from .original import TrainedColumn, Value

MOST_ROWS = 1000
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


def given_rows(path: Path, columns: Sequence[TrainedColumn]) -> list[list[Value]]:
    """Return up to 1,000 rows in the model's order. Raises BadSettings if a column is missing or wrong."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            lines = [line for line, _ in zip(reader, range(MOST_ROWS), strict=False)]
            header = list(reader.fieldnames or ())
    except (OSError, ValueError, csv.Error) as error:
        raise BadSettings(f"--examples: {path} cannot be read: {str(error)[:200]}.") from None
    missing = [column.name for column in columns if column.name not in header]
    if missing or not lines:
        raise BadSettings(
            f"--examples: {path} has the columns {', '.join(header[:20]) or 'none'} and {len(lines)} rows; "
            f"expected a first line with {', '.join(column.name for column in columns[:20])}, and rows below."
        )
    return [
        [_value(column, line[column.name], f"{path}, row {number}") for column in columns]
        for number, line in enumerate(lines, 1)
    ]


def _value(column: TrainedColumn, text: str | None, place: str) -> Value:
    if not text:
        return None
    try:
        if column.type == "string":
            return text
        if column.type == "bool":
            return _BOOLEANS[text.lower()]
        return int(text) if column.type == "int" else float(text)
    except (KeyError, ValueError):
        raise BadSettings(
            f"--examples: {place}: {column.name} is {text[:60]!r}; the model takes {column.type}."
        ) from None
