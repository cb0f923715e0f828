"""Computes rows on all inference threads, in batches of near-equal length where they pay, and in order.

Rows are handed out in chunks, one to a thread at a time; a few chunks wait, so memory is bounded whatever the
size of the input. Where texts are computed together, chunks have a fixed size, so that the same texts share a
batch in every run; where each is computed alone, many are checked and answered as one request (lists.py).
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import orjson

from ..engine import Batching, BatchWork
from ..engine.batches import neighbours
from ..faults import RequestFault
from ..tasks import Operation
from .faults import BatchFailed, BatchStopped
from .in_flight import InFlight, Slot
from .lists import LISTED_ROWS, MOST_TRIES, NotListed, computed_as_list
from .reading import shown
from .requests import Requests, RowFault
from .rows import InputRow

# A chunk takes about so long, and waits for about as many others of each thread.
CHUNK_SECONDS, CHUNKS_PER_THREAD = 0.1, 2
FIRST_ROWS, MOST_ROWS = 1, 512
# Chunks of rows that share batches, in batches.
BATCHES_PER_CHUNK = 8
# The model failing on so many rows in a row, not the rows: a GPU that is lost, for instance.
MOST_BROKEN = 100


class RowOutcome(NamedTuple):
    """What became of a row: its result or its failure, as a line of JSON."""

    is_result: bool
    line: bytes


@dataclass(slots=True)
class PreparedRow:
    tokens: int
    place: int
    work: Any


@dataclass(slots=True)
class Chunk:
    """Rows of one part, in order, and what became of them."""

    part: int
    rows: list[InputRow]
    outcomes: "Future[list[RowOutcome]] | None" = None
    found: list[RowOutcome] = field(default_factory=list[RowOutcome])
    seconds: float = 0.0


class Computer:
    """Computes rows with one operation of a loaded task. Used by one thread, and has threads of its own."""

    def __init__(
        self,
        operation: Operation,
        requests: Requests,
        files: Sequence[str],
        threads: int,
        batching: Batching | None,
        in_flight: InFlight,
    ) -> None:
        """Start the threads. files: the names of the input's, for failures."""
        self._operation, self._requests, self._files = operation, requests, files
        self._threads, self._batching, self._in_flight = threads, batching, in_flight
        self._free = deque(range(threads))
        self._local = threading.local()
        self._pool = ThreadPoolExecutor(threads, "batch", initializer=self._take_slot)
        self._stopping = False
        self._working: dict[int, Any] = {}
        self._broken = 0
        self._chunk_rows = FIRST_ROWS if batching is None else BATCHES_PER_CHUNK * batching.max_batch_size
        self.crashed: dict[int, str] = {}

    def stop(self) -> None:
        """Let the work in hand end early; `computed` then raises BatchStopped. Any thread."""
        self._stopping = True
        for work in list(self._working.values()):
            work.stop()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def computed(self, parts: Iterator[tuple[int, Iterator[InputRow]]]) -> Iterator[Chunk]:
        """Yield chunks of the parts' rows as they are done, in order; no thread waits at a part's end.

        Raises BatchStopped after `stop`, and BatchFailed where the model fails on row after row.
        """
        waiting: deque[Chunk] = deque()
        taken = self._taken(parts)
        while True:
            most = self._threads * (1 + CHUNKS_PER_THREAD) - len(waiting)
            for chunk in islice(taken, most):
                chunk.outcomes = self._pool.submit(self._outcomes, chunk)
                waiting.append(chunk)
            if not waiting:
                return
            chunk = waiting.popleft()
            assert chunk.outcomes is not None
            chunk.found = chunk.outcomes.result()
            self._refuse_stopped()
            self._adapt(chunk)
            self._in_flight.finished(len(chunk.rows))
            yield chunk

    def alone(self, row: InputRow) -> None:
        """Compute one row by itself, for what it does to the process."""
        self._pool.submit(self._outcomes, Chunk(0, [row])).result()

    def _taken(self, parts: Iterator[tuple[int, Iterator[InputRow]]]) -> Iterator[Chunk]:
        for part, rows in parts:
            while taken := list(islice(rows, self._chunk_rows)):
                yield Chunk(part, taken)

    def _adapt(self, chunk: Chunk) -> None:
        if self._batching is None and chunk.seconds:
            fitting = int(len(chunk.rows) * CHUNK_SECONDS / chunk.seconds)
            self._chunk_rows = max(1, min(MOST_ROWS, 2 * self._chunk_rows, fitting))

    def _take_slot(self) -> None:
        self._local.slot = self._in_flight.slot(self._free.popleft())

    def _outcomes(self, chunk: Chunk) -> list[RowOutcome]:
        """Compute a chunk, on one of the threads."""
        begun = time.perf_counter()
        slot: Slot = self._local.slot
        try:
            if self._batching is None:
                found = self._one_by_one(chunk.rows, slot)
            else:
                found = self._together(chunk.rows, slot, self._batching)
        finally:
            slot.ends()
        chunk.seconds = time.perf_counter() - begun
        return found

    def _one_by_one(self, rows: Sequence[InputRow], slot: Slot) -> list[RowOutcome]:
        lines: dict[int, bytes] = {}
        able = [row for row in rows if self._requests.may_be_listed(row) and row.number not in self.crashed]
        for begin in range(0, len(able), LISTED_ROWS):
            lines |= self._in_a_list(able[begin : begin + LISTED_ROWS], slot)
        return [
            RowOutcome(True, lines[row.number]) if row.number in lines else self._outcome(row, slot)
            for row in rows
        ]

    def _in_a_list(self, rows: Sequence[InputRow], slot: Slot) -> dict[int, bytes]:
        """Return the results of rows by their numbers, without those that are no part of a list."""
        for _ in range(MOST_TRIES):
            if len(rows) < 2:  # a suspect, for one, is computed as a request of its own
                break
            slot.begins_all([row.number for row in rows])
            try:
                lines = computed_as_list(self._operation, self._requests, rows, self._refuse_stopped)
            except NotListed as fault:
                rows = [row for place, row in enumerate(rows) if place not in fault.places]
            else:
                self._broken = 0
                return {row.number: line for row, line in zip(rows, lines, strict=True)}
        return {}

    def _refuse_stopped(self) -> None:
        if self._stopping:
            raise BatchStopped

    def _outcome(self, row: InputRow, slot: Slot) -> RowOutcome:
        self._refuse_stopped()
        try:
            slot.begins(row.number)
            work = self._work(row)
            self._working[id(slot)] = work
            for index in range(work.size):
                work.step(index)
            line = self._requests.result(row, work.result())
            if self._stopping:  # a text that was stopped may be cut
                raise BatchStopped
        except Exception as error:  # whatever it is, it is that row's
            return self._failure(row, error)
        self._broken = 0
        return RowOutcome(True, line)

    def _work(self, row: InputRow) -> Any:
        if (reason := self.crashed.get(row.number)) is not None:
            raise RowFault(reason)
        return self._operation.work(self._requests.body(row), time.perf_counter())

    def _together(self, rows: Sequence[InputRow], slot: Slot, batching: Batching) -> list[RowOutcome]:
        """Compute rows in batches of near-equal length. What fails in one is computed again alone."""
        found: list[RowOutcome | None] = [None] * len(rows)
        prepared: list[PreparedRow] = []
        for place, row in enumerate(rows):
            self._refuse_stopped()
            try:
                slot.begins(row.number)
                work = self._work(row)
                if not isinstance(work, BatchWork):
                    found[place] = self._outcome(row, slot)
                elif tokens := work.prepare(0):
                    prepared.append(PreparedRow(tokens, place, work))
                else:
                    found[place] = self._outcome(row, slot)  # there is nothing to compute, and it says why
            except Exception as error:
                found[place] = self._failure(row, error)
        prepared.sort(key=lambda each: (each.tokens, each.place))
        for batch in _batches(prepared, batching):
            self._compute(batch, rows, slot, found)
        return [each for each in found if each is not None]

    def _compute(
        self,
        batch: Sequence[PreparedRow],
        rows: Sequence[InputRow],
        slot: Slot,
        found: list[RowOutcome | None],
    ) -> None:
        self._refuse_stopped()
        slot.begins_all([rows[each.place].number for each in batch])
        try:
            batch[0].work.compute([(each.work, 0) for each in batch])
        except Exception:
            for each in batch:
                found[each.place] = self._outcome(rows[each.place], slot)
            return
        for each in batch:
            row = rows[each.place]
            try:
                found[each.place] = RowOutcome(True, self._requests.result(row, each.work.result()))
            except Exception as error:
                found[each.place] = self._failure(row, error)
        self._broken = 0

    def _failure(self, row: InputRow, error: Exception) -> RowOutcome:
        if isinstance(error, BatchStopped) or self._stopping:
            raise BatchStopped from None
        reason = _reason(error)
        if not isinstance(error, RequestFault | RowFault):
            self._broken += 1
            if self._broken >= MOST_BROKEN:
                raise BatchFailed(f"The model fails on row after row, last on row {row.number}: {reason}.")
        facts = {"row": row.number, "file": self._files[row.file], "line": row.mark.line, "reason": reason}
        return RowOutcome(False, orjson.dumps(facts | {"input": shown(row.values, row.text)}, default=str))


def _reason(error: Exception) -> str:
    if isinstance(error, RequestFault):
        return error.detail
    if isinstance(error, RowFault):
        return str(error)
    return f"the model failed: {type(error).__name__}: {str(error).strip()[:300]}"


def _batches(prepared: list[PreparedRow], batching: Batching) -> Iterator[list[PreparedRow]]:
    """Yield batches of near-equal length, the longest texts first. prepared: by length."""
    left = prepared
    while left:
        run = neighbours([each.tokens for each in left], len(left) - 1, batching, batching.max_batch_size)
        yield left[run]
        left = left[: run.start]
