"""A server under measurement in a process tree of its own: started, paused, weighed and ended as a whole.

Every process of the tree carries a mark in its environment, which a daemon that has left the tree keeps too.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

MARK = "SLIPWAY_BENCH_RUN"
READY_SECONDS, STOP_SECONDS = 90, 10


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to measure.

    name: of the software. variant: how it is configured. setup: what that means, in words. command and env:
    start it, in `folder`, listening on 127.0.0.1; {port} is filled in, and in env {second} and {third}, ports
    too, and {scratch}, an empty folder. request: returns one text as a whole HTTP/1.1 request. numbers:
    extracts the model's numbers from the answer.
    """

    name: str
    variant: str
    setup: str
    version: str
    folder: Path
    command: Sequence[str]
    env: Mapping[str, str]
    request: Callable[[str], bytes]
    numbers: Callable[[Any], Sequence[float]]


class Running:
    """One started contender."""

    def __init__(self, port: int, mark: str, ready_seconds: float) -> None:
        self.port = port
        self.ready_seconds = ready_seconds
        self._mark = mark

    def processes(self) -> list[psutil.Process]:
        return marked(self._mark)

    def pss_mb(self) -> float:
        total = 0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_full_info().pss
        return total / 1e6

    def cpu_seconds(self) -> float:
        """Return the CPU time of the processes that exist now, each since it began."""
        total = 0.0
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        for process in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)


def marked(mark: str) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == mark:
                found.append(process)
    return found


@contextmanager
def running(contender: Contender, probe: bytes) -> Generator[Running]:
    """Start a contender and wait until it answers `probe` with 200. Raises NotReady with its log."""
    mark = uuid4().hex
    with tempfile.TemporaryDirectory(prefix="sb") as scratch, tempfile.TemporaryFile() as log:
        port, *more = free_ports(3)
        places = {"port": port, "second": more[0], "third": more[1], "scratch": scratch}
        env = {name: value.format_map(places) for name, value in contender.env.items()}
        begun = time.perf_counter()
        process = subprocess.Popen(
            [part.format_map(places) for part in contender.command],
            cwd=contender.folder,
            env={**os.environ, **env, MARK: mark},
            stdout=log,
            stderr=log,
            start_new_session=True,  # Linux shares a busy machine out by session: sched(7), autogroup
        )
        try:
            if fault := _fault_before_ready(process, port, probe, begun):
                log.seek(0)
                tail = log.read().decode(errors="replace")[-1500:]
                raise NotReady(f"{contender.name} ({contender.variant}): {fault}; its log ends:\n{tail}")
            yield Running(port, mark, time.perf_counter() - begun)
        finally:
            _end(process, mark)


class NotReady(Exception):
    pass


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def ask(port: int, request: bytes, timeout: float = 30) -> tuple[int, bytes]:
    """Return status and body of one request on a new connection; a refusal's body may be incomplete.

    Raises OSError.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
            head, separator, body = answer.partition(b"\r\n\r\n")
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            if separator and not head.startswith(b"HTTP/1.1 200 "):
                return int(head[9:12]), body
            if separator and length and len(body) >= int(length):
                return 200, body
    raise ConnectionError(f"no whole answer, but {answer[:200]!r}")


def numbers_of(contender: Contender, port: int, text: str) -> Sequence[float]:
    status, body = ask(port, contender.request(text))
    if status != 200:
        raise NotReady(f"{contender.name} ({contender.variant}) answered {status}: {body[:300]!r}")
    return contender.numbers(json.loads(body))


def _fault_before_ready(process: subprocess.Popen[bytes], port: int, probe: bytes, begun: float) -> str:
    """Wait until the server answers; return why it will not, or ''."""
    while time.perf_counter() - begun < READY_SECONDS:
        with contextlib.suppress(OSError):
            if ask(port, probe, timeout=10)[0] == 200:
                return ""
        if process.poll() is not None:
            return f"ended with exit code {process.returncode} before it was ready"
        time.sleep(0.005)
    return f"gave no answer with status 200 within {READY_SECONDS} s"


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    for each in marked(mark):
        with contextlib.suppress(psutil.NoSuchProcess):
            each.send_signal(signal.SIGCONT)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    while left := marked(mark):
        for each in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(left, timeout=STOP_SECONDS)
    process.wait()
