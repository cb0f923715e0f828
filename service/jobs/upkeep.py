"""What a worker does beside its jobs: it shows that it lives, takes over from the dead, and deletes."""

import asyncio
import threading
from collections.abc import Callable

import sqlalchemy as sa

from ..logs import log
from . import claims, leases
from .runner import Runner
from .transactions import Away, Patience, writing


class Every:
    """Does something again and again on a thread of its own, until the process ends."""

    def __init__(
        self,
        name: str,
        seconds: float,
        act: Callable[[], object],
        patience: Patience,
        stopping: threading.Event,
    ) -> None:
        self._seconds = seconds
        self._act = act
        self._patience = patience
        self._stopping = stopping
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while not self._stopping.wait(self._seconds):
            try:
                self._patience.until_back(self._act)
            except Away:
                return
            except Exception:
                log.error("The upkeep of jobs failed, and is tried again", exc_info=True)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)


class Pulse:
    """Renews the lease of a worker, shows the progress of its jobs, and notices those it has lost."""

    def __init__(
        self, engine: sa.Engine, executor: str, version: str, runner: Runner, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._version = version
        self._runner = runner
        self._loop = loop
        self._shown: dict[tuple[str, int], int] = {}
        self._has_left = False

    def register(self) -> None:
        """Make the row of this worker, before it takes its first job."""
        with writing(self._engine) as connection:
            leases.beat(connection, self._executor, self._version)

    def beat(self) -> None:
        """Beat once."""
        if self._has_left:
            return
        held = dict(self._runner.held)  # before the database is read: what is begun later is no loss
        progress = {
            each.claim: (each.progress.done, each.progress.total)
            for each in held.values()
            if each.progress.done != self._shown.get((each.claim.id, each.claim.attempt), 0)
        }
        with writing(self._engine) as connection:
            was_there = leases.beat(connection, self._executor, self._version)
            claims.show_progress(connection, progress)
            mine = claims.held(connection, self._executor)
        if not was_there:
            log.warning("This worker was taken for dead, and goes on without the jobs it had")
        self._shown = {(each.claim.id, each.claim.attempt): each.progress.done for each in held.values()}
        lost = {id: each for id, each in held.items() if mine.get(id) != each.claim.attempt}
        if lost:
            self._loop.call_soon_threadsafe(self._runner.lost, lost)

    def leave(self) -> None:
        """Delete the row of this worker, so that what it leaves is taken over at once."""
        self._has_left = True
        with writing(self._engine) as connection:
            leases.leave(connection, self._executor)
