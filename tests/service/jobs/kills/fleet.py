"""A server and its workers in processes of their own, which are killed and started again."""

import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.checkout import ROOT
from tests.forked import Command, Process
from tests.service.running_server import environment

MODULES = ("service.server", "service.backends.onnx", "service.jobs.role")
# What the copy of the code has otherwise: the workflow itself, of which DBOS would compute another version.
CHANGED = ("service/jobs/executor.py", 'return "ended"', 'return "ended by the next version"')


class Code:
    """A version of the code, and the command that runs it."""

    def __init__(self, version: str, root: Path, function: str = "service.__main__:main") -> None:
        self.version = version
        self._root = root
        self._command = Command(function, MODULES, os.environ, root)

    def start(self, settings: dict[str, str], log: Path) -> Process:
        with log.open("ab") as output:
            values = environment(SERVICE_VERSION=self.version, **settings)
            return self._command.start([], self._root, values, output, output)


def this_code() -> Code:
    return Code("1.0.0", ROOT)


def next_code(folder: Path) -> Code:
    """Copy the code with a change of what a worker runs."""
    shutil.copytree(ROOT / "service", folder / "service", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests").mkdir()
    for name in ("__init__.py", "fork_server.py"):
        shutil.copy(ROOT / "tests" / name, folder / "tests" / name)
    path, old, new = CHANGED
    text = (folder / path).read_text()
    assert text.count(old) == 1, f"{path} has no {old} any more"
    (folder / path).write_text(text.replace(old, new))
    return Code("2.0.0", folder)


class Member:
    """A server or a worker, which may be started many times."""

    def __init__(self, name: str, settings: dict[str, str], log: Path, code: Code) -> None:
        self.name = name
        self.code = code
        self._settings = settings
        self._log = log
        self._process: Process | None = None
        self.is_spared = False
        """Whether the next kills are not for it."""

    def start(self) -> None:
        self._process = self.code.start(self._settings, self._log)

    def keep_running(self) -> bool:
        """Start it again if it has ended; return whether it had."""
        has_ended = self._process is None or self._process.poll() is not None
        if has_ended:
            self.start()
        return has_ended

    def kill(self) -> bool:
        """End it without a warning; return whether it was there."""
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
        return True

    def terminate(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def send(self, signal: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(signal)

    def ended(self, seconds: float) -> int:
        """Return its exit code, once it has ended."""
        assert self._process is not None
        return self._process.wait(timeout=seconds)

    @property
    def executors(self) -> Sequence[str]:
        """The executors that it said it was, the latest last."""
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        told = [json.loads(line) for line in lines if '"Taking jobs"' in line and line.endswith("}")]
        return [line["executor"] for line in told]

    @property
    def log_text(self) -> str:
        return self._log.read_text()


class Fleet:
    """One server and several workers on one database."""

    def __init__(self, address: str, folder: Path, code: Code, workers: int, **settings: str) -> None:
        self.changed = threading.Condition()
        self.port = free_port()
        shared = {
            "JOBS_DATABASE": address,
            "JOBS_PER_CALLER": "1000000",
            "JOBS_MAX_ATTEMPTS": "10",
            "METRICS": "off",
            "SERVE_PAGE": "false",
            "INFERENCE_THREADS": "2",
            **settings,
        }
        server = shared | {"PORT": str(self.port)}
        self.server = Member("server", server, folder / "server.log", code)
        self.workers = [
            Member(f"worker-{number}", shared | {"ROLE": "worker"}, folder / f"worker-{number}.log", code)
            for number in range(workers)
        ]

    @property
    def members(self) -> list[Member]:
        return [self.server, *self.workers]

    def keep_running(self) -> None:
        for member in self.members:
            member.keep_running()

    def deploy(self, code: Code) -> None:
        """Start what starts from now on with other code."""
        for member in self.members:
            member.code = code

    def kill(self) -> None:
        for member in self.members:
            member.kill()


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
