"""How far an instance is: counted while it computes, and logged for whoever follows."""

import logging
import time
from collections.abc import Callable

from ..logs import fields, log

MESSAGE = "Batch"
# The rate is that of the last so many seconds.
RATE_SECONDS = 30.0


class Progress:
    """Rows and parts of one shard. Times are the clock's seconds."""

    def __init__(
        self, shard: int, shards: int, every_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._facts = {"shard": shard, "shards": shards}
        self._every, self._clock = every_seconds, clock
        self.rows = self.done = self.failed = self.parts = self.parts_done = 0
        self._logged_at = clock()
        self._counts: list[tuple[float, int]] = []
        self.begun_at = self._logged_at

    def begins(self) -> None:
        """Begin to compute: rows of earlier starts and the model's load are in no rate."""
        self.begun_at = self._clock()
        self._counts = [(self.begun_at, self.done)]

    def found(self, rows: int, failed: int) -> None:
        """Count rows that an earlier start has computed."""
        self.done += rows
        self.failed += failed
        self._counts = [(at, count + rows) for at, count in self._counts]

    def add(self, rows: int, failed: int) -> None:
        self.done += rows
        self.failed += failed
        now = self._clock()
        if now - self._logged_at >= self._every:
            self._logged_at = now
            self.log("running")

    def log(self, state: str) -> None:
        """Log a line. state: running, stopped, failed or complete."""
        rate = self._rate()
        left = round((self.rows - self.done) / rate, 1) if rate else None
        counts = {
            "batch_state": state,
            "batch_rows": self.rows,
            "batch_rows_done": self.done,
            "batch_rows_failed": self.failed,
            "batch_parts": self.parts,
            "batch_parts_done": self.parts_done,
            "batch_rows_per_second": round(rate, 2),
            "batch_seconds_left": left,
        }
        log.log(logging.INFO, MESSAGE, extra=fields(**self._facts, **counts))

    def _rate(self) -> float:
        now = self._clock()
        self._counts.append((now, self.done))
        while len(self._counts) > 2 and now - self._counts[1][0] > RATE_SECONDS:
            del self._counts[0]
        begun, before = self._counts[0]
        return (self.done - before) / (now - begun) if now > begun else 0.0
