"""What the page's live view shows: a point for every five seconds of the last five minutes.

A thread of its own reads what the instruments have counted, so a request pays nothing for it, and points
come while the event loop is full. Failures are answers with 429 or 5xx; latency is that of good answers.
"""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..engine.readings import QueueReading
from ..quality import Quality
from .instruments import Instruments, is_failure

SECONDS_OF_A_POINT = 5.0
POINTS = 60
# Requests that an orchestrator and the live view itself send.
UNCOUNTED_ROUTES = frozenset({"/alive", "/ready", "/health", "/live"})
# Causes of early refusals that are the server's own.
FULL = ("memory-full", "connections-full")


class HasQueue(Protocol):
    """What the queue is read from."""

    def queue(self) -> QueueReading: ...


@dataclass(frozen=True, slots=True)
class Total:
    """What was counted up to a moment. buckets: good answers up to each bound in seconds, in order."""

    at: float
    requests: int
    failures: int
    buckets: tuple[tuple[float, float], ...]


class Live:
    """Keeps the points. Any thread may read them."""

    def __init__(
        self,
        instruments: Instruments,
        engine: HasQueue,
        quality: Quality,
        refusals: Mapping[str, int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read from these. refusals: by cause, of the requests that were refused while they were read."""
        self._instruments = instruments
        self._engine = engine
        self._quality = quality
        self._refusals = refusals
        self._clock = clock
        self._points: deque[dict[str, Any]] = deque(maxlen=POINTS)
        self._before = self._total()

    def start(self) -> None:
        """Take a point every five seconds until the process ends."""
        threading.Thread(target=self._run, name="live", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(SECONDS_OF_A_POINT)
            self.take_point()

    def take_point(self) -> None:
        """Add what was counted since the last point; the oldest falls out."""
        now, before = self._total(), self._before
        self._before = now
        seconds = now.at - before.at
        if seconds <= 0:
            return
        earlier = dict(before.buckets)
        buckets = [(bound, count - earlier.get(bound, 0)) for bound, count in now.buckets]
        self._points.append(
            {
                "seconds": round(seconds, 2),
                "requests_per_second": round((now.requests - before.requests) / seconds, 2),
                "failures_per_second": round((now.failures - before.failures) / seconds, 2),
                "p50_ms": quantile_ms(buckets, 0.5),
                "p99_ms": quantile_ms(buckets, 0.99),
                "queue_calls": self._engine.queue().calls,
            }
        )

    def report(self) -> dict[str, Any]:
        """Return the points, the oldest first, and what holds now, as JSON."""
        queue = self._engine.queue()
        drift = {
            name: {
                "has_reference": signal.reference is not None,
                "has_drifted": signal.has_drifted,
                "alarms": signal.alarms,
            }
            for name, signal in self._quality.signals.items()
        }
        return {
            "seconds_of_a_point": SECONDS_OF_A_POINT,
            "most_points": POINTS,
            "points": list(self._points),
            "queue_calls": queue.calls,
            "queue_calls_limit": queue.max_calls,
            "drift": drift,
        }

    def _total(self) -> Total:
        requests = failures = sum(self._refusals.get(cause, 0) for cause in FULL)
        buckets: dict[float, float] = {}
        for route, status, counts in self._instruments.counted():
            if route in UNCOUNTED_ROUTES:
                continue
            answers = int(counts[math.inf])
            requests += answers
            failures += answers if is_failure(status) else 0
            if status < 400:
                for bound, count in counts.items():
                    buckets[bound] = buckets.get(bound, 0) + count
        return Total(self._clock(), requests, failures, tuple(sorted(buckets.items())))


def quantile_ms(buckets: Sequence[tuple[float, float]], share: float) -> float | None:
    """Return a quantile as histogram_quantile of Prometheus does: linear within a bucket.

    buckets: bounds in seconds, in order, the last infinite, with how many are up to each. None without any.
    """
    if not buckets or not buckets[-1][1]:
        return None
    wanted, low, below = share * buckets[-1][1], 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > below:
            inside = 0.0 if math.isinf(bound) else (bound - low) * (wanted - below) / (count - below)
            return round((low + inside) * 1000, 2)
        low, below = bound, count
    return None
