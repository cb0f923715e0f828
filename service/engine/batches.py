"""Chooses the waiting texts to compute together: near-equal lengths, led by the longest waiting one.

Lengths are in tokens. A batch costs its padded tokens, its number of texts times the longest of them, so only
texts of near-equal length share one. As the oldest always leads, none starves.
"""

import threading
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from .call import Call
from .work import BatchWork

# The pool takes as much as this many full batches: enough to find neighbours in, little to wait behind.
POOLED_BATCHES = 2


@dataclass(frozen=True, slots=True)
class Batching:
    max_batch_size: int
    max_batch_tokens: int
    """Padded. A text that has more is computed alone."""
    max_padding_share: float
    """Of the padded tokens, 0 to 1."""
    max_wait_ms: float
    """How long a text waits for others of its length while the model is free."""
    forward_threads: int
    """Threads that only compute, one batch each; 0: the threads that tokenise compute as well."""


@dataclass(slots=True, order=True)
class Prepared:
    """One tokenised text of a call."""

    tokens: int
    since: float
    call: Call = field(compare=False)
    work: BatchWork = field(compare=False)
    index: int = field(compare=False)


def neighbours(lengths: Sequence[int], lead: int, limits: Batching, most: int) -> slice:
    """Return the largest run of `lengths`, ascending, that includes the index `lead` and keeps the limits.

    most: maximum number of texts, if fewer than the limits allow.
    """
    most = max(1, min(most, limits.max_batch_size))
    low = max(0, lead - most + 1)
    totals = list(accumulate(lengths[low : lead + most], initial=0))
    best = slice(lead, lead + 1)
    for end in range(lead + 1, low + len(totals)):
        longest = lengths[end - 1]

        def fits(begin: int, end: int = end, longest: int = longest) -> bool:
            count = end - begin
            padded = count * longest
            padding = padded - (totals[end - low] - totals[begin - low])
            return (
                count <= most
                and padded <= limits.max_batch_tokens
                and padding <= limits.max_padding_share * padded
            )

        # A shorter text more adds padding and tokens: where one place fits, those above it do.
        begin = bisect_left(range(low, lead + 1), True, key=fits) + low
        if end - begin > best.stop - best.start and begin <= lead:
            best = slice(begin, end)
    return best


class Pool:
    """Tokenised texts on their way to a batch. Any number of threads put and take."""

    def __init__(self, limits: Batching, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._by_length: list[Prepared] = []
        self._tokens = 0
        self._closed = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._by_length)

    def put(self, call: Call, work: BatchWork, index: int, tokens: int) -> None:
        """Wait while the pool is full, then add a text. After `close` it is dropped."""
        with self._changed:
            while self.is_full() and not self._closed:
                self._changed.wait()
            if not self._closed:
                insort(self._by_length, Prepared(tokens, self._clock(), call, work, index))
                self._tokens += tokens
                self._changed.notify_all()

    def take(self) -> list[Prepared]:
        """Wait for a batch that is full, or whose oldest text has waited long enough. [] once closed."""
        with self._changed:
            while not self._closed:
                self._drop_stopped()
                if not self._by_length:
                    self._changed.wait()
                    continue
                lead = self._oldest()
                run = self._run(lead, self._limits.max_batch_size)
                wait = self._by_length[lead].since + self._limits.max_wait_ms / 1000 - self._clock()
                if wait <= 0 or self.is_full() or run.stop - run.start == self._limits.max_batch_size:
                    return self._taken(run)
                self._changed.wait(wait)
            return []

    def take_now(self, most: int) -> list[Prepared]:
        """Return a batch of at most so many texts, without waiting; [] if there is none."""
        with self._changed:
            self._drop_stopped()
            return self._taken(self._run(self._oldest(), most)) if self._by_length else []

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def is_full(self) -> bool:
        return self._tokens >= POOLED_BATCHES * self._limits.max_batch_tokens

    def _oldest(self) -> int:
        return min(range(len(self._by_length)), key=lambda place: self._by_length[place].since)

    def _run(self, lead: int, most: int) -> slice:
        return neighbours([each.tokens for each in self._by_length], lead, self._limits, most)

    def _taken(self, run: slice) -> list[Prepared]:
        batch = self._by_length[run]
        del self._by_length[run]
        self._tokens -= sum(each.tokens for each in batch)
        self._changed.notify_all()
        return batch

    def _drop_stopped(self) -> None:
        """Drop the texts of calls that no client waits for."""
        kept = [each for each in self._by_length if not each.call.stopped]
        if len(kept) < len(self._by_length):
            self._by_length = kept
            self._tokens = sum(each.tokens for each in kept)
            self._changed.notify_all()
