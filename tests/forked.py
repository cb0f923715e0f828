"""Runs a command in a process of its own without the time that its imports take.

Its arguments, environment, folder, streams, signals and exit code are its own, as a new interpreter's are.
Tests of the start itself, of what is imported and when, start an interpreter.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from tests.checkout import ROOT


class Process(Protocol):
    """What the tests ask of a `subprocess.Popen`."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int) -> None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class _Forked:
    """A run of the fork server, which has its id and status on a socket."""

    def __init__(self, answers: socket.socket, words: Sequence[str]) -> None:
        self._words = words
        self._answers = answers
        self._code: int | None = None
        first = self._line()
        if not first:
            answers.close()
            raise RuntimeError("the fork server ended; its error stands above")
        self.pid = int(first)

    @property
    def returncode(self) -> int | None:
        return self._code

    def poll(self) -> int | None:
        if self._code is None and select.select([self._answers], [], [], 0)[0]:
            self._end()
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            if not select.select([self._answers], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self._words, timeout or 0)
            return self._end()
        return self._code

    def send_signal(self, sig: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, sig)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _line(self) -> bytes:
        """Read the next answer; empty if there is none."""
        line = b""
        while not line.endswith(b"\n") and (byte := self._answers.recv(1)):
            line += byte
        return line

    def _end(self) -> int:
        self._code = os.waitstatus_to_exitcode(int(self._line()))
        self._answers.close()
        return self._code


class Command:
    """A function of a module, which runs as a command.

    imports: modules that are imported before the first run. environment: of these imports. root: the folder
    whose code they are.
    """

    def __init__(
        self, function: str, imports: Sequence[str], environment: Mapping[str, str], root: Path = ROOT
    ) -> None:
        self._root = root
        self._function = function
        self._imports = imports
        self._environment = environment
        self._requests: socket.socket | None = None

    def start(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        output: IO[bytes],
        errors: IO[bytes],
    ) -> Process:
        """Start a run that writes to these files; its standard input is empty."""
        if sys.platform != "linux":  # elsewhere a fork of what was imported may crash
            module, _, name = self._function.partition(":")
            code = f"import sys; from {module} import {name}; sys.exit({name}())"
            line = [sys.executable, "-c", code, *words]
            return subprocess.Popen(
                line,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
            )
        request = {"words": list(words), "folder": str(folder), "environment": dict(environment)}
        answers, theirs = socket.socketpair()
        with theirs:
            descriptors = [output.fileno(), errors.fileno(), theirs.fileno()]
            socket.send_fds(self._served(), [json.dumps(request).encode()], descriptors)
        return _Forked(answers, words)

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` with what is written captured as text."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = self.start(words, folder, environment, output, errors)
            try:
                code = process.wait(timeout)
            finally:
                process.kill()
                process.wait()
            written: list[str] = []
            for file in (output, errors):
                file.seek(0)
                written.append(file.read().decode())
        return subprocess.CompletedProcess(list(words), code, *written)

    def _served(self) -> socket.socket:
        if self._requests is None:
            # Whole messages: a request is never cut, nor joined with the next.
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            number = theirs.fileno()
            line = [sys.executable, "-m", "tests.fork_server", str(number), self._function, *self._imports]
            with theirs:
                server = subprocess.Popen(
                    line,
                    cwd=self._root,
                    env=dict(self._environment),
                    pass_fds=[number],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
            atexit.register(self._close, server, self._requests)
        return self._requests

    @staticmethod
    def _close(server: subprocess.Popen[bytes], requests: socket.socket) -> None:
        requests.close()
        server.wait()
