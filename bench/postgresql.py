"""A PostgreSQL of Debian's package with a new cluster in a folder of its own.

PostgreSQL refuses to run as root, so there it runs as the user that its package brings, or as nobody.
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
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_SECONDS = 60
SUPERUSER = "postgres"


class Missing(Exception):
    """PostgreSQL cannot be run here; the message says why."""


def programs() -> Path:
    """Return the folder of PostgreSQL's programs: as named, on PATH or where Debian puts it.

    Raises Missing.
    """
    named = os.environ.get("SLIPWAY_TEST_POSTGRESQL")
    found = shutil.which("initdb", path=named) if named else shutil.which("initdb")
    if found is None:
        debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        found = str(debian[-1]) if debian and not named else None
    if found is None:
        raise Missing("PostgreSQL is not installed: no `initdb` on PATH, nor in SLIPWAY_TEST_POSTGRESQL")
    return Path(found).resolve().parent


class Postgresql:
    """A cluster. Its processes end with `stop` or `kill`."""

    def __init__(self, folder: Path) -> None:
        """Make a cluster in an empty folder. Raises Missing."""
        self._programs = programs()
        self._folder = folder
        self._data = folder / "data"
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.address = f"postgresql://{SUPERUSER}@127.0.0.1:{self._port}/postgres"
        self._user = _user()
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", str(self._data), "-U", SUPERUSER, "--auth=trust", "--no-sync")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def keep_running(self) -> None:
        """Start it again if it has ended; it may not answer yet."""
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
                env=_environment(self._programs),
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
        """End all its processes without a warning; return whether there were any."""
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
        """Stop it at once: what it has not written is deleted next."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)  # its immediate shutdown, without a checkpoint
            self._process.wait(timeout=START_SECONDS)

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._programs / program, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self._folder,
            env=_environment(self._programs),
        )


@contextmanager
def running_postgresql() -> Generator[Postgresql]:
    """Run a new cluster. Raises Missing."""
    programs()
    # pytest's own folders are open to their owner alone, and that is not PostgreSQL's user.
    folder = Path(tempfile.mkdtemp(prefix="slipway-postgresql-"))
    try:
        postgresql = Postgresql(folder)
        try:
            postgresql.wait_until_up()
            yield postgresql
        finally:
            postgresql.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """Return the user to run as; None: as this one."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


def _environment(programs: Path) -> dict[str, str]:
    """Return the environment of its programs, which find their library where they were unpacked with it."""
    libraries = [str(path.parent) for path in programs.parents[2].glob("*/libpq.so.5")]
    return {**os.environ, **({"LD_LIBRARY_PATH": libraries[0]} if libraries else {})}


def _children(pid: int) -> Sequence[int]:
    """Return the processes that this one has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
