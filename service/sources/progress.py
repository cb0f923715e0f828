"""Logs the progress of one file's download. MB is a million bytes."""

import time
from collections.abc import Callable

from ..logs import fields, log

EVERY_SECONDS = 5.0


class DownloadProgress:
    def __init__(
        self, name: str, total_bytes: int, done_bytes: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._total_bytes = total_bytes
        self._done_bytes = self._begun_bytes = self._told_bytes = done_bytes
        self._clock = clock
        self._begun = self._told = clock()
        resumed = f", resuming at {done_bytes}" if done_bytes else ""
        log.info(
            "Fetching %s (%d bytes%s)",
            name,
            total_bytes,
            resumed,
            extra=fields(file=name, bytes=total_bytes, resumed_from_bytes=done_bytes),
        )

    def add(self, count: int) -> None:
        self._done_bytes += count
        seconds = self._clock() - self._told
        if seconds < EVERY_SECONDS:
            return
        percent = 100 * self._done_bytes // self._total_bytes
        rate = _mb_per_second(self._done_bytes - self._told_bytes, seconds)
        self._told, self._told_bytes = self._clock(), self._done_bytes
        log.info(
            "Fetching %s: %d %%, %.1f MB/s",
            self._name,
            percent,
            rate,
            extra=fields(file=self._name, percent=percent, mb_per_second=rate),
        )

    def end(self) -> None:
        seconds = self._clock() - self._begun
        rate = _mb_per_second(self._done_bytes - self._begun_bytes, seconds)
        log.info(
            "Fetched %s in %.1f s, %.1f MB/s",
            self._name,
            seconds,
            rate,
            extra=fields(
                file=self._name,
                bytes=self._total_bytes,
                fetch_seconds=round(seconds, 3),
                mb_per_second=rate,
            ),
        )


def _mb_per_second(count: int, seconds: float) -> float:
    return round(count / 1e6 / max(seconds, 1e-3), 1)
