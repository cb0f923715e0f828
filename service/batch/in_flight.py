"""Which rows are being computed now, where another process can read it after this one has crashed.

Shared memory of whole numbers: the phase, how many rows are finished, then for each thread a count and that
many numbers of rows. A thread writes its own ones only, the count last.
"""

import mmap
import os
import tempfile
from collections.abc import Sequence
from enum import IntEnum

_PHASE, _FINISHED, _HEADER = 0, 1, 2
MOST_THREADS, MOST_ROWS = 256, 1024
_SLOT = 1 + MOST_ROWS
_BYTES = 8 * (_HEADER + MOST_THREADS * _SLOT)


class Phase(IntEnum):
    """What the process does: load, compute suspects one by one, or compute all."""

    LOADING = 0
    ALONE = 1
    ALL = 2


class InFlight:
    def __init__(self, descriptor: int) -> None:
        """Open. descriptor: of a file that `shared_file` made; both processes map it."""
        self._map = mmap.mmap(descriptor, _BYTES)
        self._numbers = memoryview(self._map).cast("q")

    def begin(self, phase: Phase) -> None:
        self._numbers[_PHASE] = phase

    def slot(self, thread: int) -> "Slot":
        return Slot(self._numbers, _HEADER + thread * _SLOT)

    def finished(self, rows: int) -> None:
        """Count rows that are finished. One thread only."""
        self._numbers[_FINISHED] += rows

    def clear(self) -> None:
        for thread in range(MOST_THREADS):
            self._numbers[_HEADER + thread * _SLOT] = 0
        self._numbers[_PHASE] = Phase.LOADING
        self._numbers[_FINISHED] = 0

    @property
    def phase(self) -> Phase:
        return Phase(self._numbers[_PHASE])

    @property
    def rows_finished(self) -> int:
        return self._numbers[_FINISHED]

    def rows(self) -> list[int]:
        """Return the rows that are being computed, in order."""
        found: set[int] = set()
        for thread in range(MOST_THREADS):
            base = _HEADER + thread * _SLOT
            count = self._numbers[base]
            found.update(self._numbers[base + 1 : base + 1 + count])
        return sorted(found)


class Slot:
    """One thread's own numbers."""

    __slots__ = ("_base", "_numbers")

    def __init__(self, numbers: memoryview, base: int) -> None:
        self._numbers, self._base = numbers, base

    def begins(self, row: int) -> None:
        self._numbers[self._base + 1] = row
        self._numbers[self._base] = 1

    def begins_all(self, rows: Sequence[int]) -> None:
        self._numbers[self._base] = 0
        for place, row in enumerate(rows[:MOST_ROWS], start=self._base + 1):
            self._numbers[place] = row
        self._numbers[self._base] = min(len(rows), MOST_ROWS)

    def ends(self) -> None:
        self._numbers[self._base] = 0


def shared_file() -> int:
    """Return the descriptor of a file without a name, in memory where the system has such."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("slipway-batch")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, _BYTES)
    return descriptor
