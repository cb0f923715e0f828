"""Runs a batch's worker in a process of its own, and starts it again if a row has ended it.

When a worker crashes, the rows that it was computing are suspects. The next one computes each of them alone
first: the row with which it then ends is set aside with the reason, and the batch goes on without it.
"""

import fcntl
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from ..faults import StartFault
from ..logs import fields, log
from ..stop_signals import stop_signals
from .checkpoint import Checkpoint
from .faults import CANNOT_GO_ON, COMPLETE, REFUSED, STOPPED, TOO_MANY_FAILED, BatchFailed, BatchRefused
from .identity import LOCK
from .in_flight import InFlight, Phase, shared_file
from .places import FolderPlace, Place, place_of
from .settings import BatchSettings, batch_settings

IN_FLIGHT_FD, LIFELINE_FD, SUSPECTS = "BATCH_IN_FLIGHT_FD", "BATCH_PARENT_FD", "BATCH_SUSPECTS"
ENDS = frozenset((COMPLETE, CANNOT_GO_ON, REFUSED, TOO_MANY_FAILED, STOPPED))
# Crashes after which nothing more was finished: what crashes then is no row.
MOST_CRASHES_IN_A_ROW = 4
MOST_SET_ASIDE = 100
LOCK_SECONDS = 20.0
_WORKER = [sys.executable, "-m", __package__ or "service.batch"]


def batch_exit_code() -> int:
    """Run the batch of the environment; return the exit code."""
    # The settings of a server want one; a batch has no callers.
    os.environ.setdefault("MODEL_API_KEY", secrets.token_urlsafe(24))
    try:
        settings = batch_settings()
        return Supervisor(settings, place_of(settings.batch_output)).run()
    except StartFault as fault:
        log.error("%s", fault, extra=fields(cause=fault.cause))
        return REFUSED
    except BatchFailed as failure:
        log.error("%s", failure, extra=fields(cause="batch_failed"))
        return CANNOT_GO_ON


class Supervisor:
    def __init__(self, settings: BatchSettings, place: Place, command: Sequence[str] = _WORKER) -> None:
        """Prepare. command: what runs a worker."""
        self._settings, self._place, self._command = settings, place, command
        self._descriptor = shared_file()
        self._in_flight = InFlight(self._descriptor)
        self._checkpoint = Checkpoint(place, 0)
        self._stopping = False
        self._worker: subprocess.Popen[bytes] | None = None
        self._set_aside = 0

    def run(self) -> int:
        """Run workers until one ends by itself; return its exit code. Raises BatchFailed, BatchRefused."""
        for each in stop_signals():
            signal.signal(each, self._stop)
        if self._settings.batch_lifeline_fd is not None:
            _when_closed(self._settings.batch_lifeline_fd, lambda: os.kill(os.getpid(), signal.SIGTERM))
        with _Lock(self._place, self._settings):
            suspects, crashes = list[int](), 0
            while not self._stopping:
                code = self._ended(suspects)
                if code in ENDS:
                    return code
                if self._stopping:
                    break
                crashes = 1 if self._in_flight.rows_finished else crashes + 1
                suspects = self._suspects(code, suspects)
                if crashes > MOST_CRASHES_IN_A_ROW:
                    raise BatchFailed(f"The process {_words(code)} {crashes} times without finishing a row.")
            return STOPPED

    def _ended(self, suspects: Sequence[int]) -> int:
        """Run one worker; return how it ended."""
        self._in_flight.clear()
        reading, writing = os.pipe()
        given = {
            IN_FLIGHT_FD: str(self._descriptor),
            LIFELINE_FD: str(reading),
            SUSPECTS: ",".join(map(str, suspects)),
        }
        try:
            self._worker = subprocess.Popen(
                list(self._command),
                env={**os.environ, **given},
                pass_fds=(self._descriptor, reading),
                stdin=subprocess.DEVNULL,
            )
            if self._stopping:
                self._worker.terminate()
            return self._worker.wait()
        finally:
            os.close(reading)
            os.close(writing)

    def _suspects(self, code: int, before: Sequence[int]) -> list[int]:
        """Return the rows that the next worker computes alone, after setting aside the one that is proven."""
        rows = self._in_flight.rows()
        if self._in_flight.phase is Phase.ALONE and len(rows) == 1:
            self._checkpoint.set_aside(rows[0], f"{_words(code)} when it was computed alone")
            self._set_aside += 1
            log.error("A row ended the process and is set aside", extra=fields(row=rows[0], exit_code=code))
            if self._set_aside > MOST_SET_ASIDE:
                raise BatchFailed(f"{self._set_aside} rows have ended the process; it is no longer theirs.")
            return [row for row in before if row > rows[0]]
        log.error("The process crashed and starts again", extra=fields(exit_code=code, suspects=len(rows)))
        return rows or list(before)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self._stopping = True
        if self._worker is not None and self._worker.poll() is None:
            self._worker.terminate()


class _Lock:
    """Keeps two processes from writing one shard to one folder; in a bucket both would write the same."""

    def __init__(self, place: Place, settings: BatchSettings) -> None:
        self._place, self._settings = place, settings
        self._file: Any = None

    def __enter__(self) -> None:
        if not isinstance(self._place, FolderPlace):
            return
        path = self._place.folder / f"{LOCK}-{self._settings.batch_shard:05}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise BatchRefused(f"{path} cannot be written: {error.strerror}.") from None
        end = time.monotonic() + LOCK_SECONDS
        while not _locked(self._file):
            if time.monotonic() > end:
                raise BatchRefused(f"Another batch is writing to {self._place.address}; wait until it ends.")
            time.sleep(0.1)
        if self._settings.batch_shards == 1:
            self._place.drop_temporary()

    def __exit__(self, *_: object) -> None:
        if self._file is None:
            return
        path = Path(self._file.name)
        if not (path.parent / "run.json").exists():  # refused: nothing is left of it
            path.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()
                path.parent.parent.rmdir()
        self._file.close()


def _locked(file: Any) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _when_closed(descriptor: int, call: Callable[[], object]) -> None:
    def wait() -> None:
        with open(descriptor, "rb", buffering=0) as lifeline:
            lifeline.read(1)
        call()

    threading.Thread(target=wait, daemon=True).start()


def _words(code: int) -> str:
    if code == -signal.SIGKILL:
        return "was killed, as the system does when memory runs out,"
    if code < 0:
        return f"crashed ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"
