"""What DBOS says, in the log of this process: warnings, and each of them once in a while."""

import logging
import time
from collections.abc import Callable

LOG = logging.getLogger("dbos")
# While the database is away each of DBOS's threads says so at each of its looks.
SAME_LINE_SECONDS = 10.0


class _Repeated(logging.Filter):
    """Keeps a line that begins as one shortly before from the log."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._shown: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, beginning = self._clock(), record.getMessage()[:40]
        if now - self._shown.get(beginning, -SAME_LINE_SECONDS) < SAME_LINE_SECONDS:
            return False
        self._shown[beginning] = now
        return True


def quieten() -> None:
    """Have DBOS's log end in this process's, with its repetitions left out."""
    if not LOG.handlers:
        LOG.addHandler(logging.NullHandler())  # or DBOS adds one for the console and keeps its lines to it
        LOG.addFilter(_Repeated())
    LOG.setLevel(logging.WARNING)
