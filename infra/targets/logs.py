"""Reads a local service's log: its last lines, and what is written next."""

import time
from collections.abc import Iterator
from pathlib import Path

from slipway.components.local.log import following, last_lines, log_files
from slipway.components.local.record import LOG
from slipway.infra.errors import Refused

_POLL_SECONDS = 0.2


def lines_of(folder: Path, tail: int, follow: bool) -> Iterator[str]:
    """Yield the last `tail` lines and, with `follow`, each new one, even after a restart into a new file."""
    if not log_files(folder):
        raise Refused(
            f"There is no log at {folder / LOG}: this stack was not started here. Run `slipway up`."
        )
    if not follow:
        yield from last_lines(folder, tail)
        return
    for line in following(folder, tail):
        if line is None:
            time.sleep(_POLL_SECONDS)
        else:
            yield line
