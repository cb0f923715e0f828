"""Starts, watches and stops the one server process of a local service. Knows nothing of Pulumi.

Times are seconds, memory is bytes. Everything lives in the service's run folder (record.py).
"""

import http.client
import json
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from ..fault import ComponentError, in_words
from ..load_time import LOADS_OF_A_START
from ..printable import printable
from .control import CONTROL, Control, ControlError
from .control import is_ready as control_is_ready
from .launch import DRAIN_SECONDS, HOST, LEAST_READY_SECONDS, Launch, interrupts_held, spawned, supervisors
from .private import make_private
from .record import (
    LEASE,
    LOG,
    LOOK,
    PROCESS,
    RELEASES,
    Lease,
    ProcessId,
    ProcessRecord,
    serving_folder,
    worker_folders,
)

# For versions that no longer have the traffic, when the service is stopped.
_OTHERS_SECONDS = 3.0
_BACKLOG = 2048
_POLL_SECONDS = 0.02
_LAST_LINES = 10
# Held so that a caller that lives on can reap the ones that ended.
_SUPERVISORS: list[subprocess.Popen[bytes]] = []


class StartFailed(ComponentError):
    """The server did not become ready; the message, for a terminal, has the cause and the last log lines."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class PortTaken(StartFailed):
    """Another process listens on the service's port."""


class OwnedByOther(ComponentError):
    """The service was started another way; the message names the command that stops it."""


def ready_seconds(load_seconds: float) -> float:
    """Return how long to wait for the start of a model that should take `load_seconds`."""
    return max(LOADS_OF_A_START * load_seconds, LEAST_READY_SECONDS)


def new_api_key() -> str:
    return secrets.token_urlsafe(24)


def refuse_other_owner(folder: Path, owner: str, stop_commands: Mapping[str, str]) -> None:
    """Raise OwnedByOther if a running service in this folder was started by someone else."""
    lease = Lease.read(folder)
    if lease and lease.owner != owner and running(folder):
        raise OwnedByOther(
            f"The service {lease.service} at {lease.url} was started by `{lease.owner}`. "
            f"Stop it first: {stop_commands[lease.owner]}."
        )


def refuse_taken_port(port: int) -> None:
    """Raise PortTaken if another process already listens there, naming it if the system reveals it."""
    listener(port).close()


def listener(port: int) -> socket.socket:
    """Listen on the port. Raises PortTaken if another process already does, naming it if that is known."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise PortTaken(
            f"Port {port} on {HOST} cannot be used: {error.strerror}{_listener(port)}. "
            "Stop what uses it, or choose another `port` in the stack's settings."
        ) from None
    return sock


def start(launch: Launch, owner: str, service: str, model: str) -> ProcessRecord:
    """Start a server that is no release and wait until it is ready.

    Raises StartFailed, leaving no process behind.
    """
    make_private(launch.folder)
    try:
        Lease(owner, service, launch.url, model, launch.version).write(launch.folder)
        with listener(launch.port) as listening:
            return begin(launch, listening, takes_traffic=True)
    except BaseException:
        stop(launch.folder, patience_seconds=1)
        raise


def begin(launch: Launch, listening: socket.socket, *, takes_traffic: bool) -> ProcessRecord:
    """Start a server with this listening socket and wait until it is ready.

    takes_traffic: whether it accepts at once, with 503 until it is ready; else when it is told to. Raises
    StartFailed, leaving no process of it behind.
    """
    supervisor = None
    make_private(launch.folder)
    try:
        with interrupts_held():
            supervisor = spawned(launch, listening)
            _SUPERVISORS.append(supervisor)
        return _ready(launch, takes_traffic=takes_traffic)
    except BaseException:
        if supervisor:
            supervisor.terminate()
            with suppress(subprocess.TimeoutExpired):
                supervisor.wait(timeout=5)
        end(launch.folder, patience_seconds=1)
        raise


def end(folder: Path, patience_seconds: float = DRAIN_SECONDS + 5) -> None:
    """End the server whose process is in this folder, if any; its log stays."""
    record = ProcessRecord.read(folder)
    if record:
        _end([record.supervisor, record.server], patience_seconds)
    elif (folder / CONTROL).exists():
        _end(supervisors(folder), patience_seconds)
    _SUPERVISORS[:] = [one for one in _SUPERVISORS if one.poll() is None]
    for name in (PROCESS, CONTROL):
        (folder / name).unlink(missing_ok=True)


def retire(folder: Path) -> None:
    """Let a server go once its open connections have ended, without waiting; end one that is not reached."""
    try:
        if alive(folder) is not None:  # else it is dead or still starts, and would not answer
            with Control(folder) as control:
                control.retire()
                return
    except ControlError:
        pass
    end(folder, patience_seconds=1)


def stop(folder: Path, patience_seconds: float = DRAIN_SECONDS + 5) -> None:
    """End the server, its worker and their supervisors, letting what runs finish; logs and jobs stay.

    A pid that has since been given to an unrelated process is never signalled.
    """
    for worker in worker_folders(folder):
        end(worker, patience_seconds)
    serving = serving_folder(folder)
    for other in process_folders(folder):
        if other != serving:  # first: it must not take the listening socket along
            retire(other)
            end(other, min(patience_seconds, _OTHERS_SECONDS))
    end(serving, patience_seconds)
    for name in (LEASE, LOOK):
        (folder / name).unlink(missing_ok=True)


def process_folders(folder: Path) -> list[Path]:
    """Return the folders below a service's that have the record of a process, or one that is starting."""
    homes = (folder, *sorted(folder.glob(f"{RELEASES}/*")))
    return [home for home in homes if (home / PROCESS).exists() or (home / CONTROL).exists()]


def running(folder: Path) -> ProcessRecord | None:
    """Return the record of the live server that serves, or None."""
    return alive(serving_folder(folder))


def alive(folder: Path) -> ProcessRecord | None:
    """Return the record of the live server whose process is in this folder, or None."""
    record = ProcessRecord.read(folder)
    return record if record and record.server.process() else None


def is_ready(url: str) -> bool:
    """Return whether `/ready` answers 200."""
    host, _, port = url.removeprefix("http://").partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def reap_later(child: subprocess.Popen[bytes]) -> None:
    """Hold a process that this one does not wait for, so that it is reaped when it has ended."""
    _SUPERVISORS.append(child)


def last_log_lines(folder: Path, count: int = _LAST_LINES) -> list[str]:
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:] if count else []


def late(ready_seconds: float) -> str:
    """Return the message for a start that took too long, with how to give it longer."""
    text = f"The server was not ready within {ready_seconds:.0f} s. If the model needs longer, raise "
    return in_words(f"{text}`load_seconds`.")


def _ready(launch: Launch, *, takes_traffic: bool) -> ProcessRecord:
    deadline, is_told = time.monotonic() + launch.ready_seconds, not takes_traffic
    while time.monotonic() < deadline:
        record = ProcessRecord.read(launch.folder)
        if record and record.ended:
            raise StartFailed(_why(launch.folder, record))
        if record and not is_told:
            with suppress(ControlError), Control(launch.folder) as control:
                control.accept()
                is_told = True
        if record and is_told and control_is_ready(launch.folder) and record.server.process():
            return record
        time.sleep(_POLL_SECONDS)
    raise StartFailed(f"{late(launch.ready_seconds)}\n{_log_tail(launch.folder)}")


def _why(folder: Path, record: ProcessRecord) -> str:
    """Return the server's own last error if it logged one, else how it ended."""
    crashed = record.ended and record.ended.cause == "crashed"
    own_words = last_error(last_log_lines(folder)) if crashed else ""
    return f"{own_words or record.end_in_words()}\n{_log_tail(folder)}"


def last_error(lines: list[str]) -> str:
    """Return the message of the last of the server's log lines that carries a cause; '' if none does."""
    for line in reversed(lines):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and "cause" in entry:
            return str(entry.get("message", ""))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return ""


def _log_tail(folder: Path) -> str:
    lines = last_log_lines(folder)
    return "\n".join([f"Last lines of {folder / LOG}:", *(f"  {line}" for line in lines or ["(empty)"])])


def _end(ids: list[ProcessId], patience_seconds: float) -> None:
    """Ask the supervisor, the first, to stop, which asks the server; then kill what is left."""
    for process in _alive(ids)[:1]:
        _signal(process, signal.SIGTERM)
    for process in reversed(_alive_after(ids, patience_seconds)):
        _signal(process, signal.SIGKILL)
    _alive_after(ids, 5)


def _alive(ids: list[ProcessId]) -> list[psutil.Process]:
    return [process for process in (one.process() for one in ids) if process]


def _alive_after(ids: list[ProcessId], patience_seconds: float) -> list[psutil.Process]:
    """Return those of the processes that have not ended by then.

    psutil.wait_procs would wait for zombies too.
    """
    deadline = time.monotonic() + patience_seconds
    while (alive := _alive(ids)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return alive


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    with suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def _listener(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp4"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                name = psutil.Process(connection.pid).name() if connection.pid else "another user's process"
                return f" ({name}, pid {connection.pid})" if connection.pid else f" ({name})"
    except (psutil.Error, OSError):
        pass
    return ""
