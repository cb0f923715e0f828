"""The files of one local service's run folder, and the processes they refer to.

`lease.json`: who owns the service (`slipway up` or `pulumi up`), how it is run and which release serves.
`rollout.json`: the last rollout and what came of it (rollout.py).
`server.log`: a link to the log of the release that serves.
`releases/<number>/`: a release (release.py), each with
    `process.json`: the supervisor's and server's process, and how the server ended, by the supervisor,
    `control`: the server's control socket (control.py),
    `server.log`: the server's log, by the supervisor (log.py),
    `worker/`: its worker, where the service takes jobs, with the same files and `worker.json` (worker.py).
`jobs.sqlite`, with its journals: the jobs, which `down` leaves. `webhook-secret`: the key of webhooks.
A server that is no release, such as one that is measured, has these three next to its lease.
`look.json`: what the metrics page had counted at the last `slipway status`, by that command.
All but the log are replaced whole, so that a reader never sees half of one.
"""

import errno
import json
import os
import signal
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

import psutil

from ..fault import ComponentError

LEASE, PROCESS, LOG, LOOK = "lease.json", "process.json", "server.log", "look.json"
RELEASES, WORKER = "releases", "worker"
# Clocks of the same process read twice differ by rounding only; a reused pid started later.
_SAME_START_SECONDS = 0.05


class RecordError(ComponentError):
    """A file of the run folder cannot be read or written; the message is for its owner."""


@dataclass(frozen=True, slots=True)
class ProcessId:
    """The pid and the start time of a process: a pid alone may have been given to another one since."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self:
        return cls(pid, psutil.Process(pid).create_time())

    def process(self) -> psutil.Process | None:
        """Return the process; None if it is gone or the pid is another process's."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.created) < _SAME_START_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


@dataclass(frozen=True, slots=True)
class ServerExit:
    """How the server ended. cause: `stopped`, `out_of_memory` or `crashed`; sizes in bytes."""

    cause: str
    exit_code: int
    peak_bytes: int
    at: float


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """The supervisor's record. limit in bytes; enforced_by: `cgroup v2`, `cgroup v1` or `watchdog`."""

    supervisor: ProcessId
    server: ProcessId
    limit_bytes: int
    enforced_by: str
    started_at: float
    ended: ServerExit | None = None

    def with_end(self, ended: ServerExit) -> Self:
        return replace(self, ended=ended)

    def end_in_words(self) -> str:
        """Return why the server ended, and what to change. Only for a record with an end."""
        assert self.ended
        if self.ended.cause == "out_of_memory":
            return out_of_memory(self.limit_bytes, self.ended.peak_bytes)
        if self.ended.cause == "stopped":
            return "The server was stopped."
        code = self.ended.exit_code
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        return f"The server ended {how}."

    def write(self, folder: Path) -> None:
        write_json(folder / PROCESS, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        data = read_json(folder / PROCESS)
        if data is None:
            return None
        try:
            ended = data.pop("ended")
            ids = {key: ProcessId(**data.pop(key)) for key in ("supervisor", "server")}
            return cls(**ids, **data, ended=ServerExit(**ended) if ended else None)
        except (KeyError, TypeError):
            raise _corrupt(folder / PROCESS) from None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who owns the service, and how it was started. Holds no secret."""

    owner: str
    service: str
    url: str
    model: str
    version: str
    release: int = 0
    """The number of the release that serves; 0: the server is none."""

    def write(self, folder: Path) -> None:
        write_json(folder / LEASE, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        data = read_json(folder / LEASE)
        try:
            return None if data is None else cls(**data)
        except TypeError:
            raise _corrupt(folder / LEASE) from None


def release_folder(folder: Path, number: int) -> Path:
    """Return the folder of a release; that of the service for 0, a server that is none."""
    return folder / RELEASES / str(number) if number else folder


def serving_folder(folder: Path) -> Path:
    """Return the folder with the process and the log of what serves."""
    lease = Lease.read(folder)
    return release_folder(folder, lease.release if lease else 0)


def worker_folder(folder: Path, number: int) -> Path:
    """Return the folder of a release's worker."""
    return release_folder(folder, number) / WORKER


def worker_folders(folder: Path) -> list[Path]:
    """Return the folders of the workers of a service that have the record of a process."""
    return sorted(path.parent for path in folder.glob(f"{RELEASES}/*/{WORKER}/{PROCESS}"))


def out_of_memory(limit_bytes: int, peak_bytes: int) -> str:
    """Return the message about a server that was killed because of its memory."""
    return (
        f"The server ran out of memory: its limit is {_mib(limit_bytes)}, it reached {_mib(peak_bytes)} and "
        "was killed. Raise `memory` in the stack's settings."
    )


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the file's object; None if there is no file. Raises RecordError if it is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise _corrupt(path) from None
    if not isinstance(data, dict):
        raise _corrupt(path)
    return data  # pyright: ignore[reportUnknownVariableType]  JSON objects have text keys


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Replace the file whole, readable by its owner alone. Raises RecordError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(data, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise unwritable(path.parent, error) from None


def unwritable(folder: Path, error: OSError) -> RecordError:
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "free some space" if is_full else "make the folder writable"
    return RecordError(
        f"{folder} cannot be written: {error.strerror or error}. "
        f"The service keeps its log and state there; {advice}."
    )


def _corrupt(path: Path) -> RecordError:
    return RecordError(
        f"{path} is damaged. Look for a process that still listens on "
        f"the service's port and stop it, delete {path.name}, and start the service again."
    )
