"""Real databases of jobs: a SQLite file, and a PostgreSQL of Debian's package."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest
import sqlalchemy as sa

from bench import postgresql
from slipway.service.jobs.database import address_of, engine_of

KINDS = ("sqlite", "postgresql")


class Database(Protocol):
    """A database of jobs. kind: one of KINDS."""

    kind: str
    address: str

    def kill(self) -> bool:
        """End it without a warning; return whether there was anything to end."""
        ...

    def keep_running(self) -> None:
        """Start it again if it has ended."""
        ...


class Sqlite:
    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.address = f"sqlite:///{folder / 'jobs.sqlite'}"

    def kill(self) -> bool:
        return False  # it is a part of the processes that use it

    def keep_running(self) -> None: ...


class Postgresql:
    kind = "postgresql"

    def __init__(self, cluster: postgresql.Postgresql) -> None:
        self.address = cluster.address
        self.kill = cluster.kill
        self.keep_running = cluster.keep_running
        self.wait_until_up = cluster.wait_until_up


@contextmanager
def running(kind: str, folder: Path) -> Generator[Database]:
    """Run a new database; skip the test, and say so, where there is no PostgreSQL to run."""
    if kind == "sqlite":
        yield Sqlite(folder)
        return
    try:
        postgresql.programs()
    except postgresql.Missing as missing:
        pytest.skip(str(missing))
    with postgresql.running_postgresql() as cluster:
        yield Postgresql(cluster)


def engine_to(database: Database) -> sa.Engine:
    """Return connections of the test's own."""
    return engine_of(address_of(database.address), connections=3)
