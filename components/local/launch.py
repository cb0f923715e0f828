"""How one local server is started: its environment, its sockets, and the supervisor that runs it."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ..checkout import IS_CHECKOUT, ROOT
from .control import control_listener
from .log import new_file
from .record import PROCESS, ProcessId

HOST = "127.0.0.1"
_SUPERVISOR = "slipway.components.local.supervisor"
# A start is waited for three times as long as the model should take, and never less.
LEAST_READY_SECONDS = 120.0
DRAIN_SECONDS = 25


@dataclass(frozen=True, slots=True)
class Launch:
    """How one server is started. model_folder is absolute; the key is never written to a file here."""

    folder: Path
    port: int
    threads: int
    memory_bytes: int
    timeout_seconds: float
    model_folder: Path
    version: str
    api_key: str
    expected_model: str = ""
    """The only model to serve; empty: any."""
    ready_seconds: float = LEAST_READY_SECONDS
    """How long the start may take."""
    python_path: str = ""
    """Where else it finds packages, such as torch; none: its own environment alone."""
    code: Path | None = None
    """Absolute folder with the package `slipway` that it runs; None: this one."""
    jobs: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Environment of a server, and of a worker, that works with jobs; one of them is a secret."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def environment(self) -> dict[str, str]:
        """Return a new environment, because the caller's own may hold passphrases and cloud credentials."""
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "HOST": HOST,
            "PORT": str(self.port),
            "MODEL_DIR": str(self.model_folder),
            "MODEL_API_KEY": self.api_key,
            "INFERENCE_THREADS": str(self.threads),
            "REQUEST_TIMEOUT_SECONDS": f"{self.timeout_seconds:g}",
            "DRAIN_SECONDS": str(DRAIN_SECONDS),
            "LOCAL_PAGE_SESSION": "true",
            "SERVICE_VERSION": self.version,
            **({"EXPECTED_MODEL": self.expected_model} if self.expected_model else {}),
            **({"PYTHONPATH": self.python_path} if self.python_path else {}),
            **self.jobs,
        }


def spawned(launch: Launch, listening: socket.socket) -> subprocess.Popen[bytes]:
    """Start the supervisor in its own session without inherited pipes, so that it outlives this command."""
    (launch.folder / PROCESS).unlink(missing_ok=True)
    with control_listener(launch.folder) as control, new_file(launch.folder) as log:
        sockets = {"LISTEN_FD": listening.fileno(), "CONTROL_FD": control.fileno()}
        command = [sys.executable, "-m", _SUPERVISOR]
        command += ["--code", str(launch.code)] if launch.code else []
        command += [option for number in sockets.values() for option in ("--socket", str(number))]
        command += [str(launch.folder.resolve()), str(launch.memory_bytes)]
        command += [sys.executable, "-m", "slipway.service"]
        return subprocess.Popen(
            command,
            # A checkout is imported from here; the folder of installed packages would hide Python's own.
            cwd=ROOT if IS_CHECKOUT else launch.folder,
            env={**launch.environment(), **{name: str(number) for name, number in sockets.items()}},
            pass_fds=tuple(sockets.values()),
            stdin=subprocess.DEVNULL,
            stdout=log,  # until the supervisor itself writes there
            stderr=log,
            start_new_session=True,
        )


def spawned_worker(launch: Launch, listening: socket.socket) -> subprocess.Popen[bytes]:
    """Start a supervisor as `spawned` does, of a worker that it starts again whenever it dies."""
    (launch.folder / PROCESS).unlink(missing_ok=True)
    with new_file(launch.folder) as log:
        command = [sys.executable, "-m", _SUPERVISOR, "--restart"]
        command += ["--code", str(launch.code)] if launch.code else []
        command += ["--socket", str(listening.fileno())]
        command += [str(launch.folder.resolve()), str(launch.memory_bytes)]
        command += [sys.executable, "-m", "slipway.service"]
        return subprocess.Popen(
            command,
            cwd=ROOT if IS_CHECKOUT else launch.folder,
            env={**launch.environment(), "ROLE": "worker", "LISTEN_FD": str(listening.fileno())},
            pass_fds=(listening.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def supervisors(folder: Path) -> list[ProcessId]:
    """Return the supervisors that were started for this folder, whether or not they have recorded it yet."""
    home = str(folder.resolve())
    found: list[ProcessId] = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            command = one.cmdline()
            if _SUPERVISOR in command and home in command:
                found.append(ProcessId.of(one.pid))
    return found


@contextmanager
def interrupts_held() -> Generator[None]:
    """Delay Ctrl-C to the end of the block: during a fork it would leave a child that is not recorded."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread is interrupted
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
