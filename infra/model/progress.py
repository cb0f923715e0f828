"""Reports the progress of an upload or a download. Sizes are bytes."""

import time
from collections.abc import Callable

_EVERY_SECONDS = 5.0


class TransferProgress:
    """Reports every few seconds which part of a file is done. words: what happens to which file."""

    def __init__(self, words: str, total: int, say: Callable[[str], None]) -> None:
        self._words, self._total, self._say = words, total, say
        self._done, self._last = 0, time.monotonic()

    def add(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._last >= _EVERY_SECONDS:
            self._last = time.monotonic()
            self._say(f"{self._words}: {100 * self._done // max(self._total, 1)} %")


def megabytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB"
