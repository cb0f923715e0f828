"""Predictions that wait for their true label, and what the labels said. Never a text.

Bounded by count and by age; the oldest goes first. Ages are of a clock that does not jump.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..faults import FeedbackRepeated, PredictionUnknown


@dataclass(slots=True)
class _Waiting:
    since: float
    labels: Sequence[str]
    given: set[int] | None = None
    """The places whose true label is known."""


class Feedback:
    """Event loop's thread only."""

    def __init__(self, most: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Keep at most so many predictions, for so long."""
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._held = 0
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """(predicted, true) -> predictions."""

    @property
    def held(self) -> int:
        """Return how many predictions are kept, those that are too old by now included."""
        return self._held

    @property
    def waiting(self) -> int:
        """Return how many predictions are kept whose true label is not known."""
        return sum(len(each.labels) - len(each.given or ()) for each in self._waiting.values())

    def keep(self, request_id: str, labels: Sequence[str]) -> None:
        """Keep the predictions of a call, in the order of its texts; an id that comes again replaces them."""
        if len(labels) > self._most:
            return
        if (before := self._waiting.pop(request_id, None)) is not None:
            self._held -= len(before.labels)
        self._waiting[request_id] = _Waiting(self._clock(), labels)
        self._held += len(labels)
        while self._held > self._most:
            self._held -= len(self._waiting.popitem(last=False)[1].labels)

    def _drop_old(self) -> None:
        now = self._clock()
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if now - oldest.since <= self._seconds:
                return
            self._waiting.popitem(last=False)
            self._held -= len(oldest.labels)

    def give(self, request_id: str, index: int, label: str) -> str:
        """Count the true label of a prediction; return what was predicted.

        Raises PredictionUnknown or FeedbackRepeated.
        """
        self._drop_old()
        waiting = self._waiting.get(request_id)
        if waiting is None or index >= len(waiting.labels):
            raise PredictionUnknown(
                "this server keeps no such prediction; it may be another instance's, too old, or of a call "
                "with fewer texts"
            )
        known = waiting.given = waiting.given or set()
        if index in known:
            raise FeedbackRepeated("there was feedback for this prediction already; the first one counts")
        known.add(index)
        predicted = waiting.labels[index]
        self.outcomes[predicted, label] += 1
        return predicted
