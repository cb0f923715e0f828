"""Rows as the libraries take them, and as the comparison makes them up."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .original import TrainedColumn, Value

ROWS, ROWS_WITHOUT = 64, 16
UNKNOWN_CATEGORY = "none of these"
# service/columns.py
MOST_VALUES = 1000
_DTYPES = {"float": np.float64, "int": np.int64, "string": object, "bool": bool}


def frame(columns: Sequence[TrainedColumn], rows: Sequence[Sequence[Value]]) -> Any:
    """Return the rows as a table with the columns' names and types; a missing number is NaN."""
    import pandas as pd  # where a model was trained without names, it may not be installed

    return pd.DataFrame(
        {
            column.name: pd.Series(
                [np.nan if row[place] is None else row[place] for row in rows], dtype=_DTYPES[column.type]
            )
            for place, column in enumerate(columns)
        }
    )


def array(columns: Sequence[TrainedColumn], rows: Sequence[Sequence[Value]]) -> Any:
    """Return the rows without names: numbers, or objects where a column has others."""
    kind = np.float64 if all(column.type != "string" for column in columns) else object
    return np.array([[np.nan if value is None else value for value in row] for row in rows], kind)


def made_rows(columns: Sequence[TrainedColumn]) -> list[list[Value]]:
    """Return rows in the columns' ranges and categories, of a fixed seed; numbers are float32 exactly.

    The last ones have an unknown category, in each column in turn. None has a missing value.
    """
    random = np.random.default_rng(0)
    rows = [[_value(column, random) for column in columns] for _ in range(ROWS)]
    for place, column in enumerate(columns):
        if column.type in ("string", "int"):
            odd = list(rows[place % ROWS])
            odd[place] = _unknown(column)
            rows.append(odd)
    return rows


def rows_without(place: int, rows: Sequence[Sequence[Value]]) -> list[list[Value]]:
    """Return some of the rows that are complete, without the value of one column."""
    whole = [list(row) for row in rows if None not in row][:ROWS_WITHOUT]
    return [[*row[:place], None, *row[place + 1 :]] for row in whole]


def is_closed(column: TrainedColumn, answered: Sequence[Value]) -> bool:
    """Return whether the model takes no other values than those it knows: it did not answer another."""
    is_category = column.type in ("string", "int") and 0 < len(column.values) <= MOST_VALUES
    return is_category and set(answered) <= set(column.values)


def _unknown(column: TrainedColumn) -> Value:
    return UNKNOWN_CATEGORY if column.type == "string" else max(map(int, column.values), default=0) + 1


def _value(column: TrainedColumn, random: np.random.Generator) -> Value:
    if column.values:
        return column.values[int(random.integers(len(column.values)))]
    if column.type == "bool":
        return bool(random.integers(2))
    if column.type == "int":
        return int(random.integers(100))
    if column.type == "string":
        return UNKNOWN_CATEGORY
    if column.numbers:
        low, high = min(column.numbers), max(column.numbers)
        margin = (high - low) * 0.1 or 1.0
        return float(np.float32(random.uniform(low - margin, high + margin)))
    return float(np.float32(random.normal(scale=(1, 10, 100)[int(random.integers(3))])))
