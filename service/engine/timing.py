"""When a call passed from one phase to the next, and what it used. Seconds of `time.perf_counter()`."""

import time
from collections.abc import Sequence
from typing import NamedTuple

Phases = tuple[float | None, float | None, float | None]
"""Seconds in the queue, computing and encoding; None for a phase that did not end."""


class Observation(NamedTuple):
    """What is counted of one text or row: never the text. None: its task has no such thing."""

    label: str | None
    confidence: float | None
    tokens: int | None
    unknown_tokens: int
    outside: Sequence[str] | None = None
    """The columns of a row whose value the reference did not have."""


class CallFacts(NamedTuple):
    """The tokens of one answered call, and what is counted of its texts or rows."""

    input_tokens: int
    output_tokens: int = 0
    first_token_at: float | None = None
    """When the first token of the answer was there; None where none is generated."""
    observations: Sequence[Observation] = ()


class Timing:
    """Written by the thread that has the call in hand, read by the event loop once it is answered.

    A call waits until its first turn begins, and a text that is tokenised may then wait for others that share
    its batch. From its first turn to its last one it is computed, the turns of others in between included.
    """

    __slots__ = ("_waited_for_batch", "began", "computed", "encoded", "ended", "facts", "submitted")

    def __init__(self) -> None:
        self.submitted = time.perf_counter()
        self._waited_for_batch = 0.0
        self.began = self.computed = self.encoded = self.ended = 0.0
        self.facts: CallFacts | None = None

    def begins(self) -> None:
        """Mark the first turn."""
        if not self.began:
            self.began = time.perf_counter()

    def waited_for_batch(self, seconds: float) -> None:
        """Count a wait for company as one in the queue."""
        self._waited_for_batch = seconds

    @property
    def computing(self) -> float:
        """Return when computing began; 0 if it did not."""
        return self.began + self._waited_for_batch if self.began else 0.0

    def is_computed(self) -> None:
        self.computed = time.perf_counter()

    def is_encoded(self) -> None:
        self.encoded = time.perf_counter()

    def ends(self) -> None:
        """Mark that the call is answered, or that nobody waits for it."""
        self.ended = time.perf_counter()

    def phases(self) -> Phases:
        """Return the phases of a call that has ended; one that never had a turn waited until its end."""
        if not self.began:
            return self.ended - self.submitted, None, None
        waited = self._waited_for_batch
        queue = self.began - self.submitted + waited
        if not self.computed:
            return queue, None, None
        encode = self.encoded - self.computed if self.encoded else None
        return queue, max(0.0, self.computed - self.began - waited), encode
