"""Reads a local service's log: its last lines, and what is written next."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from slipway.components.local.log import following, last_lines, log_files
from slipway.components.local.record import LOG, serving_folder
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
        yield from last_lines(home, tail)
        return
    while True:
        for line in following(home, tail):
            if line is not None:
                yield line
            elif (now := serving_folder(folder)) != home and log_files(now):
                home, tail = now, sys.maxsize  # of the next release, all that it has written
                break
            else:
                time.sleep(_POLL_SECONDS)
