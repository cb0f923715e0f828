"""What the columns of a table held in a model's reference, and which of a row's values lie outside."""

from collections.abc import Sequence
from typing import Any

from ..columns import Cell
from ..manifest import Reference


class Ranges:
    """Knows the ranges of the columns that a reference has them for."""

    def __init__(self, columns: Sequence[str], reference: Reference | None) -> None:
        ranges = reference.columns if reference is not None else {}
        known = [(place, name, ranges[name]) for place, name in enumerate(columns) if name in ranges]
        self._values = [
            (place, name, frozenset(each.values)) for place, name, each in known if each.values is not None
        ]
        self._numbers: list[tuple[int, str, float, float]] = [
            (place, name, each.least, each.most)
            for place, name, each in known
            if each.least is not None and each.most is not None
        ]

    def outside(self, row: Sequence[Cell]) -> tuple[str, ...] | None:
        """Return the columns whose value the reference did not have; None without ranges. NaN is in any."""
        if not self._numbers and not self._values:
            return None
        values: Sequence[Any] = row
        far = [name for place, name, least, most in self._numbers if _is_outside(values[place], least, most)]
        unknown = [name for place, name, known in self._values if values[place] not in known]
        return (*far, *unknown)


def _is_outside(value: float | None, least: float, most: float) -> bool:
    return value is not None and (value < least or value > most)
