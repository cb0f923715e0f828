"""Real databases of jobs: a SQLite file, and a PostgreSQL of Debian's package in a folder of its own.

PostgreSQL refuses to run as root, so it runs as the user that its package or this one's brings.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import psycopg
import pytest
import sqlalchemy as sa

from slipway.service.jobs.database import address_of, engine_of

START_SECONDS = 60


class Database(Protocol):
    """A database of jobs. kind: as in the names of tests."""

    kind: str
    address: str

    def kill(self) -> bool:
        """End it without a warning; return whether there was anything to end."""
        ...

    def keep_running(self) -> None:
        """Start it again if it has ended."""
        ...


def engine_to(database: Database) -> sa.Engine:
    """Return connections of the test's own."""
    return engine_of(address_of(database.address), connections=3)


class Sqlite:
    kind = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.address = f"sqlite:///{folder / 'jobs.sqlite'}"

    def kill(self) -> bool:
        return False  # it is a part of the processes that use it

    def keep_running(self) -> None: ...


def postgresql_programs() -> Path | None:
    """Return the folder of PostgreSQL's programs: as named, on PATH or where Debian puts it."""
    named = os.environ.get("SLIPWAY_TEST_POSTGRESQL")
    found = shutil.which("initdb", path=named) if named else shutil.which("initdb")
    if found is None:
        debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
        found = str(debian[-1]) if debian else None
    return None if found is None else Path(found).resolve().parent


class Postgresql:
    """A cluster in a folder of its own. Its processes end with `stop`."""

    kind = "postgresql"

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._folder = folder
        self._data = folder / "data"
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--no-sync")

    def keep_running(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        options = (
            *("-D", str(self._data), "-p", str(self._port), "-h", "127.0.0.1", "-k", str(self._folder)),
            *("-c", "max_connections=120", "-c", "shared_buffers=32MB"),
        )
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", *options],
                stdout=log,
                stderr=log,
                user=self._user,
                extra_groups=[] if self._user else None,
                cwd=self._folder,
            )

    def wait_until_up(self) -> None:
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            self.keep_running()
            if time.monotonic() > end:
                raise AssertionError((self._folder / "log").read_text()[-4000:])

    def _answers(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.address, connect_timeout=2):
            return True
        return False

    def kill(self) -> bool:
        process = self._process
        if process is None or process.poll() is not None:
            return False
        children = _children(process.pid)
        process.kill()
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        return True

    def stop(self) -> None:
        """Stop it as an operator does."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown
            self._process.wait(timeout=START_SECONDS)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._programs / program, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
        )


@contextmanager
def running_postgresql() -> Generator[Postgresql]:
    """Run a new cluster; skip the test, and say so, where there is no PostgreSQL to run."""
    programs = postgresql_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: no `initdb` on PATH, nor in SLIPWAY_TEST_POSTGRESQL")
    if os.geteuid() == 0 and not _has_user("postgres"):
        pytest.skip("PostgreSQL does not run as root, and there is no user `postgres`")
    # pytest's own folders are open to their owner alone, and that is not PostgreSQL's user.
    folder = Path(tempfile.mkdtemp(prefix="slipway-postgresql-"))
    postgresql = Postgresql(programs, folder)
    try:
        postgresql.wait_until_up()
        yield postgresql
    finally:
        postgresql.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _has_user(name: str) -> bool:
    with contextlib.suppress(KeyError):
        return bool(pwd.getpwnam(name))
    return False


def _children(pid: int) -> Iterator[int]:
    """Return the processes that this one has started."""
    tasks = Path(f"/proc/{pid}/task/{pid}/children")
    return iter([int(each) for each in tasks.read_text().split()] if tasks.exists() else [])


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
