"""Reads a service's log file: its last lines, and what is written next."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from slipway.infra.errors import Refused

_POLL_SECONDS = 0.2


def lines_of(path: Path, tail: int, follow: bool) -> Iterator[str]:
    """The last `tail` lines, then with `follow` each new one, also of a restarted service's new file."""
    try:
        file = path.open(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise Refused(
            f"There is no log at {path}: this stack was not started here. Run `slipway up`."
        ) from None
    try:
        yield from deque(file, maxlen=tail)
        while follow:
            line = file.readline()
            if line:
                yield line
            elif _replaced(file, path):
                file.close()
                file = path.open(encoding="utf-8", errors="replace")
            else:
                time.sleep(_POLL_SECONDS)
    finally:
        file.close()


def _replaced(file: TextIO, path: Path) -> bool:
    try:
        return path.stat().st_ino != os.fstat(file.fileno()).st_ino
    except OSError:
        return False
