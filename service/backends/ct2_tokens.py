"""Hands the engine's tokens to the rows of a batch as they are written."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from .ct2_lanes import WritingRow


def longest_first(rows: Sequence[WritingRow]) -> list[WritingRow]:
    """Return the rows in the order in which the engine counts them.

    It sorts a batch by length, and its callback counts in that order: src/batch_reader.cc, rebatch_input.
    """
    return sorted(rows, key=lambda row: -len(row.prompt) - len(row.answer))


class TokenFlow:
    """The callback of one call, on the engine's thread."""

    def __init__(
        self,
        rows: Sequence[WritingRow],
        ends: Collection[int],
        goes_on: Callable[[WritingRow], bool],
        passes_end: bool,
        given: int | None = None,
    ) -> None:
        """Make it for rows in the engine's order.

        passes_end: whether the token that ends an answer is part of it. given: how many known tokens of each
        row the engine passes on first; None: those it has written.
        """
        self._rows = rows
        self._ends = ends
        self._goes_on = goes_on
        self._passes_end = passes_end
        self._given = [len(row.answer) if given is None else given for row in rows]
        self._left: set[int] = set()

    def take(self, step: Any) -> bool:
        """Take a token, and return whether its row leaves the batch."""
        place: int = step.batch_id
        row: WritingRow = self._rows[place]
        if step.step < self._given[place]:
            return False
        if step.token_id in self._ends:
            row.is_ended_by_model = True
        if not row.is_ended_by_model or self._passes_end:
            row.take(step.token_id)
        if row.is_ended_by_model:
            row.has_ended = True
        if row.has_ended:
            return True
        if self._goes_on(row):
            return False
        self._left.add(place)
        return True

    def end(self) -> None:
        """End the rows that did not leave; the engine writes nothing for a prompt of special tokens alone."""
        for place, row in enumerate(self._rows):
            if place not in self._left:
                row.has_ended = True
