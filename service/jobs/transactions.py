"""Transactions that write, and calls that wait for a database which is away."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

from ..logs import fields, log
from .database import passes, reason_of

T = TypeVar("T")

FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 0.2, 2.0
# A database that is away is reported so often by each thread that waits for it.
REPORT_SECONDS = 10.0


@contextmanager
def writing(engine: sa.Engine) -> Generator[sa.Connection]:
    """Begin a transaction that writes; what it reads before holds until its commit."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


class Away(Exception):
    """The process ends while the database is away."""


class DatabaseWait:
    """Repeats what a database that is away refused, until it is back or the process ends.

    stopping: set when nothing should wait any more.
    """

    def __init__(self, stopping: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._stopping = stopping
        self._clock = clock
        self._reported: float | None = None
        self._lock = threading.Lock()

    def until_back(self, act: Callable[[], T]) -> T:
        """Return what `act` returns. Raises Away if the process ends first, and errors that do not pass."""
        wait_seconds = FIRST_WAIT_SECONDS
        while True:
            try:
                result = act()
            except Exception as error:
                if not passes(error):
                    raise
                self._report(error)
            else:
                self._back()
                return result
            if self._stopping.wait(wait_seconds):
                raise Away("the process ends while the database of jobs is away")
            wait_seconds = min(LONGEST_WAIT_SECONDS, wait_seconds * 2)

    def _report(self, error: Exception) -> None:
        with self._lock:
            now = self._clock()
            if self._reported is not None and now - self._reported < REPORT_SECONDS:
                return
            self._reported = now
        log.warning("Waiting for the database of jobs", extra=fields(reason=reason_of(error)))

    def _back(self) -> None:
        if self._reported is not None:
            with self._lock:
                self._reported = None
            log.info("The database of jobs is back")
