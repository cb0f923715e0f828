"""The engines of the writers' table, each behind one interface: ours, the bare loop, torch and llama.cpp."""

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import httpx
import psutil

from bench.contender import NotReady, free_ports
from bench.slipway import KEY, serving
from bench.writers.folders import INPUT_TOKENS, OUTPUT_TOKENS, text_of

READY_SECONDS = 120
# torch may take longer than the server's own default for eight answers on a busy machine.
PATIENT = {"REQUEST_TIMEOUT_SECONDS": "600"}
# No text comes twice: llama.cpp keeps what it has read.
NUMBERS = itertools.count()


class TextWriter(Protocol):
    @property
    def ready_seconds(self) -> float: ...

    @property
    def pss_mb(self) -> float: ...

    def milliseconds(self, kind: str, count: int) -> float:
        """Return how long so many texts at once took. kind: `whole` answers, or their `first` token."""
        ...


@dataclass(slots=True)
class OverHttp:
    """A server. texts: whether it summarises; else it goes on with a prompt, and streams."""

    client: httpx.Client
    process: psutil.Process
    ready_seconds: float
    summarizes: bool
    path: str
    text: Callable[[int], str] = partial(text_of, INPUT_TOKENS)

    @property
    def pss_mb(self) -> float:
        return self.process.memory_full_info().pss / 1e6

    def milliseconds(self, kind: str, count: int) -> float:
        begun = time.perf_counter()
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(self.ask, [kind] * count))
        return (time.perf_counter() - begun) * 1000

    def ask(self, kind: str) -> None:
        text, most = self.text(next(NUMBERS)), 1 if kind == "first" else OUTPUT_TOKENS
        if self.summarizes:
            body: dict[str, Any] = {"text": text, "max_tokens": most, "min_tokens": most}
        else:
            body = {"prompt": text, "max_tokens": most, "temperature": 0}
        self.client.post(self.path, json=body).raise_for_status()


@contextmanager
def slipway(folder: Path, **settings: str) -> Generator[OverHttp]:
    with (
        serving(folder, **PATIENT | settings) as server,
        httpx.Client(
            base_url=f"http://127.0.0.1:{server.port}",
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=600,
        ) as client,
    ):
        task = server.manifest.task
        route = "/summarize" if task == "summarize" else "/generate"
        yield OverHttp(client, server.process, server.ready_seconds, task == "summarize", route)


class Alone:
    """The bare loop, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        begun = time.perf_counter()
        self._process = process
        if self._line() != "ready":
            raise NotReady("the engine's own loop did not start")
        self.ready_seconds = time.perf_counter() - begun

    @property
    def pss_mb(self) -> float:
        return psutil.Process(self._process.pid).memory_full_info().pss / 1e6

    def milliseconds(self, kind: str, count: int) -> float:
        if self._process.stdin is None:
            raise RuntimeError("the loop has no input")
        self._process.stdin.write(f"{kind} {count}\n")
        self._process.stdin.flush()
        return float(self._line())

    def _line(self) -> Any:
        if self._process.stdout is None:
            raise RuntimeError("the loop has no output")
        line = self._process.stdout.readline()
        if not line:
            raise NotReady("the engine's own loop ended")
        return json.loads(line)


@contextmanager
def alone(folder: Path) -> Generator[Alone]:
    command = [sys.executable, "-m", "bench.writers.loop", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Alone(process)
        finally:
            process.terminate()


@contextmanager
def llama_cpp(python: Path, gguf: Path, threads: int) -> Generator[OverHttp]:
    """Run llama-cpp-python's server. python: of an environment that has it."""
    (port,) = free_ports(1)
    more = ["--n_threads", str(threads), "--n_ctx", "2048", "--port", str(port), "--verbose", "false"]
    command = [str(python), "-m", "llama_cpp.server", "--model", str(gguf), *more]
    begun = time.perf_counter()
    quiet: Mapping[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=600) as client:
                _wait(client, process)
                ready = time.perf_counter() - begun
                server = psutil.Process(process.pid)
                yield OverHttp(client, server, ready, False, "/v1/completions", letters_of)
        finally:
            process.terminate()


def letters_of(number: int) -> str:
    """Return a text that is as many tokens for llama_of_gguf.py's vocabulary, in which each letter is one."""
    return "".join(
        chr(ord("a") + (number * 7 + place * 5 + place // 26) % 26) for place in range(INPUT_TOKENS)
    )


def _wait(client: httpx.Client, process: "subprocess.Popen[Any]") -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if client.get("/v1/models").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise NotReady("llama.cpp's server did not start")
