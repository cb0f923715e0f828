"""One row of an input file, and where in the file it begins."""

from dataclasses import dataclass
from typing import Any, NamedTuple


class Mark(NamedTuple):
    """Where a row begins. offset: in bytes, or in rows for Parquet. line: the file's, from 1."""

    offset: int = 0
    line: int = 1


@dataclass(slots=True)
class Row:
    """One row. number: among all rows of the input, from 1. file: its number among the input's.

    values: its columns; None where the row cannot be read, and `fault` says why.
    """

    number: int
    file: int
    mark: Mark
    values: dict[str, Any] | None
    fault: str = ""
    text: str = ""
    """Of a row that cannot be read: what is there."""
