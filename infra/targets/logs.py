"""Reads a local service's log: its last lines, and what is written next; its worker's lines among them."""

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from slipway.components.local.log import following, last_lines, log_files
from slipway.components.local.record import LOG, WORKER, serving_folder
from slipway.infra.errors import Refused

_POLL_SECONDS = 0.2


def lines_of(folder: Path, tail: int, follow: bool) -> Iterator[str]:
    """Yield the last `tail` lines and, with `follow`, each new one, even after a restart into a new file."""
    home = serving_folder(folder)
    if not log_files(home):
        raise Refused(
            f"There is no log at {folder / LOG}: this stack was not started here. Run `slipway up`."
        )
    if not follow:
        yield from _together(last_lines(home, tail), last_lines(home / WORKER, tail), tail)
        return
    while True:
        worker = _Followed(home / WORKER, tail)
        for line in following(home, tail):
            if line is not None:
                yield line
            elif (now := serving_folder(folder)) != home and log_files(now):
                yield from worker.lines()
                home, tail = now, sys.maxsize  # of the next release, all that it has written
                break
            else:
                yield from worker.lines()
                time.sleep(_POLL_SECONDS)


class _Followed:
    """The log of a worker, which may not be there yet."""

    def __init__(self, folder: Path, tail: int) -> None:
        self._folder, self._tail = folder, tail
        self._lines: Iterator[str | None] | None = None

    def lines(self) -> Iterator[str]:
        """Yield what was written since."""
        if self._lines is None and log_files(self._folder):
            self._lines = following(self._folder, self._tail)
        for line in self._lines or ():
            if line is None:
                return
            yield line


def _together(first: Iterable[str], second: Iterable[str], tail: int) -> list[str]:
    """Return the last lines of two logs in the order of their times. The sort keeps lines of one time."""
    lines = sorted((*_timed(first), *_timed(second)), key=lambda each: each[0])
    return [line for _, line in lines][max(0, len(lines) - tail) :]


def _timed(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each line with its time; one that has none, such as of a crash, belongs to the line before."""
    at = ""
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            at = str(json.loads(line)["time"])
        yield at, line
