"""Which workers are alive: each counts up in its row, and others watch whether it still does.

The rows have the database's time, but no clock decides alone: one that jumps ahead would end the leases of
workers that are well, one that jumps back would keep those of dead ones. So a worker is dead if its count
stood still while another one watched, for WATCHED_SECONDS by the watcher's monotonic clock where the row is
old by the database's time as well, or for SURELY_SECONDS whatever that says.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from .database import now
from .schema import WORKERS

BEAT_SECONDS = 1.0
WATCHED_SECONDS, OLD_SECONDS, SURELY_SECONDS = 6.0, 20.0, 30.0
# Who could not look for so long, for instance because the database was away, begins to watch anew: the
# workers could not count up either.
BLIND_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Beat:
    """What a worker's row says. age_seconds: by the database's clock, and so maybe below 0."""

    beats: int
    age_seconds: float


def beat(connection: sa.Connection, executor: str, version: str) -> bool:
    """Count up, and make the row where there is none; return False if there was none."""
    update = sa.update(WORKERS).where(WORKERS.c.executor == executor)
    counted = connection.execute(update.values(beats=WORKERS.c.beats + 1, seen=now())).rowcount
    if not counted:
        values = {"executor": executor, "beats": 1, "seen": now(), "version": version}
        connection.execute(sa.insert(WORKERS).values(**values))
    return bool(counted)


def beats(connection: sa.Connection) -> dict[str, Beat]:
    """Return the rows of all workers."""
    rows = connection.execute(sa.select(WORKERS.c.executor, WORKERS.c.beats, now() - WORKERS.c.seen))
    return {row[0]: Beat(row[1], row[2]) for row in rows}


def remove(connection: sa.Connection, dead: Mapping[str, Beat]) -> None:
    """Delete the rows of workers that have not counted up since."""
    for executor, last in dead.items():
        connection.execute(
            sa.delete(WORKERS).where(WORKERS.c.executor == executor, WORKERS.c.beats == last.beats)
        )


class Watch:
    """One watcher's memory of the counts. clock: monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked: float | None = None
        self._since: dict[str, tuple[int, float]] = {}

    def dead(self, beats: Mapping[str, Beat]) -> dict[str, Beat]:
        """Return the workers that are dead, after another look at their rows."""
        now = self._clock()
        if self._looked is None or now - self._looked > BLIND_SECONDS:
            self._since.clear()
        self._looked = now
        self._since = {
            executor: (each.beats, self._stood_since(executor, each.beats, now))
            for executor, each in beats.items()
        }
        return {
            executor: each
            for executor, each in beats.items()
            if _is_dead(now - self._since[executor][1], each.age_seconds)
        }

    def _stood_since(self, executor: str, beats: int, now: float) -> float:
        known = self._since.get(executor)
        return known[1] if known is not None and known[0] == beats else now


def _is_dead(stood_seconds: float, age_seconds: float) -> bool:
    return stood_seconds >= SURELY_SECONDS or (
        stood_seconds >= WATCHED_SECONDS and age_seconds >= OLD_SECONDS
    )


def alive(connection: sa.Connection) -> Sequence[str]:
    return connection.execute(sa.select(WORKERS.c.executor)).scalars().all()


def leave(connection: sa.Connection, executor: str) -> None:
    """Delete a worker's row."""
    connection.execute(sa.delete(WORKERS).where(WORKERS.c.executor == executor))
