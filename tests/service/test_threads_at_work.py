"""Threads that break off or get stuck, as callers and probes see it."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from slipway.service.api import problems
from slipway.service.api.probes import probes
from slipway.service.api.progress import Progress
from slipway.service.device import CPU
from slipway.service.engine import Batching, BatchWork, Engine
from slipway.service.engine.threads import MOST_FAILURES_IN_A_ROW, Post, Threads
from slipway.service.faults import RequestFault, WorkBroke
from slipway.service.lifecycle import Lifecycle
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from tests.conftest import ROOT
from tests.service.running_server import KEY, RunningServer, environment, running_server
from tests.service.test_service_engine import FOREVER, FakeWork, with_engine

TIMEOUT_SECONDS = 10


class Panic(BaseException):
    """As pyo3's PanicException, by which the tokenizers panic: no Exception."""


class Raising(FakeWork):
    def __init__(self, error: BaseException, where: str) -> None:
        super().__init__("raising", 1, [])
        self._error, self._where = error, where

    def step(self, index: int) -> None:
        if self._where == "step":
            raise self._error

    def result(self) -> bytes:
        if self._where == "result":
            raise self._error
        return b"done"


@pytest.mark.parametrize("where", ["step", "result"])
@pytest.mark.parametrize(
    "error",
    [
        Panic("the tokenizer panicked"),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        asyncio.CancelledError(),
        StopIteration(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_a_call_raises_ends_that_call_and_no_thread(error: BaseException, where: str):
    async def test(engine: Engine) -> None:
        for _ in range(2 * MOST_FAILURES_IN_A_ROW):
            with pytest.raises(WorkBroke, match=type(error).__name__):
                await asyncio.wait_for(engine.submit(Raising(error, where), FOREVER).answer, 10)
        assert await engine.submit(FakeWork("good", 3, []), FOREVER).answer == b"good done"

    with_engine(test)


class Panicking(BatchWork):
    size = tokens = 1
    answer_bytes = 0

    def __init__(self, panics: bool) -> None:
        self.panics = panics

    def prepare(self, index: int) -> int:
        return 5

    def compute(self, batch: Sequence[tuple[Any, int]]) -> None:
        if any(work.panics for work, _ in batch):
            raise Panic

    def result(self) -> bytes:
        return b"done"

    def stop(self) -> None: ...


@pytest.mark.parametrize("forward_threads", [0, 1])
def test_a_batch_that_panics_fails_the_text_that_made_it_panic_and_no_other(forward_threads: int):
    async def test(engine: Engine) -> None:
        calls = [engine.submit(Panicking(panics), FOREVER) for panics in (False, True, False)]
        assert await asyncio.wait_for(calls[0].answer, 10) == b"done"
        with pytest.raises(WorkBroke, match="Panic"):
            await asyncio.wait_for(calls[1].answer, 10)
        assert await asyncio.wait_for(calls[2].answer, 10) == b"done"

    engine = Engine(1, 100, 100, Batching(8, 100, 1, 50, forward_threads))
    try:
        asyncio.run(test(engine))
    finally:
        assert engine.stop(timeout_seconds=20)


def test_a_thread_that_breaks_off_outside_of_a_call_starts_over():
    begun: list[int] = []
    over = threading.Event()

    def work(post: Post) -> None:
        begun.append(1)
        if len(begun) < MOST_FAILURES_IN_A_ROW:
            raise Panic
        with post.turn():
            over.set()

    threads = Threads()
    threads.start("test", 1, work)
    assert over.wait(20)
    assert threads.join(20)


def test_a_thread_that_breaks_off_again_and_again_is_reported_once_with_its_reason():
    reasons: list[Exception] = []

    def work(post: Post) -> None:
        raise Panic("no memory for a queue")

    threads = Threads()
    threads.when_failed(reasons.append)
    threads.start("test", 2, work)
    assert threads.join(20)
    assert [str(reason) for reason in reasons] == ["Panic: no memory for a queue"]
    threads.when_failed(reasons.append)  # who asks later hears it too
    assert len(reasons) == 2


def test_breaking_off_now_and_then_between_good_turns_is_no_failure():
    turns: list[int] = []
    reasons: list[Exception] = []

    def work(post: Post) -> None:
        while len(turns) < 4 * MOST_FAILURES_IN_A_ROW:
            with post.turn():
                turns.append(1)
            raise Panic

    threads = Threads()
    threads.when_failed(reasons.append)
    threads.start("test", 1, work)
    assert threads.join(20)
    assert reasons == []


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Probed:
    """An engine whose turns wait for a gate each, and the probes over it. The clock stands still."""

    def __init__(self, threads: int, batching: Batching | None = None) -> None:
        self.clock = Clock()
        self.engine = Engine(threads, 100, 1000, batching, self.clock)
        self.lifecycle = Lifecycle()
        self.lifecycle.device = CPU
        self.lifecycle.model_is_warm()
        app = FastAPI(exception_handlers={RequestFault: problems.on_request_fault})
        manifest = Manifest.read(BUNDLED_MODEL, TASKS)
        app.include_router(probes(self.lifecycle, manifest, "dev", Progress(self.engine, TIMEOUT_SECONDS)))
        self._client = TestClient(app)

    def said(self) -> tuple[int, int, str]:
        """Status of /alive and /ready, and the state in /health."""
        alive, ready = (self._client.get(path).status_code for path in ("/alive", "/ready"))
        return alive, ready, self._client.get("/health").json()["state"]

    async def began(self, gate: threading.Event) -> Any:
        """Start a call whose one turn occupies a thread until the gate opens."""
        work = FakeWork("stuck", 1, [], gate)
        call = self.engine.submit(work, FOREVER)
        await asyncio.to_thread(work.begun.wait, 20)
        return call


@contextmanager
def probed(threads: int, batching: Batching | None = None) -> Generator[Probed]:
    made = Probed(threads, batching)
    try:
        yield made
    finally:
        assert made.engine.stop(timeout_seconds=20)


def test_an_idle_server_is_alive_and_ready_however_long_nobody_calls():
    with probed(2) as server:
        server.clock.now = 1e6
        assert server.said() == (200, 200, "ready")


def test_a_stuck_turn_ends_readiness_after_the_requests_limit_and_life_after_three_times_as_long():
    async def test() -> None:
        gate = threading.Event()
        call = await server.began(gate)
        said = {}
        for seconds in (
            0,
            TIMEOUT_SECONDS,
            TIMEOUT_SECONDS + 1,
            3 * TIMEOUT_SECONDS,
            3 * TIMEOUT_SECONDS + 1,
        ):
            server.clock.now = seconds
            said[seconds] = server.said()
        gate.set()
        await call.answer
        assert said == {
            0: (200, 200, "ready"),
            10: (200, 200, "ready"),
            11: (200, 503, "stuck"),
            30: (200, 503, "stuck"),
            31: (503, 503, "stuck"),
        }
        await until(lambda: server.said() == (200, 200, "ready"))

    with probed(1) as server:
        asyncio.run(test())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.001)


def test_while_another_thread_finishes_turns_a_stuck_one_costs_readiness_but_not_life():
    async def test() -> None:
        gate = threading.Event()
        call = await server.began(gate)
        server.clock.now = 10 * TIMEOUT_SECONDS
        await server.engine.submit(FakeWork("good", 1, []), FOREVER).answer
        await until(lambda: server.said()[0] == 200)
        assert server.said() == (200, 503, "stuck")
        server.clock.now += 3 * TIMEOUT_SECONDS + 1  # and then no thread did
        assert server.said() == (503, 503, "stuck")
        gate.set()
        await call.answer

    with probed(2) as server:
        asyncio.run(test())


def test_a_forward_that_is_stuck_costs_life_though_the_threads_that_tokenise_go_on():
    gate = threading.Event()
    begun = threading.Event()

    class Waiting(Panicking):
        def compute(self, batch: Sequence[tuple[Any, int]]) -> None:
            begun.set()
            assert gate.wait(20)

    async def test() -> None:
        calls = [server.engine.submit(Waiting(panics=False), FOREVER)]
        await asyncio.to_thread(begun.wait, 20)
        server.clock.now = 3 * TIMEOUT_SECONDS + 1
        calls.append(server.engine.submit(Waiting(panics=False), FOREVER))
        await until(lambda: server.engine.pooled() == 1)
        assert server.said() == (503, 503, "stuck")
        gate.set()
        await asyncio.gather(*(call.answer for call in calls))

    with probed(1, Batching(1, 100, 1, 0, forward_threads=1)) as server:
        asyncio.run(test())


def test_while_it_loads_or_drains_that_is_what_the_probes_say():
    with probed(1) as server:
        server.lifecycle.drain()
        assert server.said() == (200, 503, "draining")


@pytest.mark.parametrize("stop", [signal.SIGHUP, signal.SIGQUIT])
def test_a_hangup_and_a_quit_drain_as_sigterm_does(tmp_path: Path, stop: signal.Signals):
    with running_server(tmp_path / "log") as server, begun_request(server):
        os.kill(server.process.pid, stop)
        [line] = server.wait_for(lambda: draining(server), 1)
        assert line["signal"] == stop.name
        assert server.process.poll() is None  # the request that has begun is waited for
        server.process.kill()


@pytest.mark.parametrize("stop", [signal.SIGHUP, signal.SIGQUIT])
def test_a_hangup_and_a_quit_end_it_with_exit_code_0(tmp_path: Path, stop: signal.Signals):
    with running_server(tmp_path / "log") as server:
        os.kill(server.process.pid, stop)
        assert server.process.wait(timeout=30) == 0
        assert server.log[-1]["message"] == "Stopped"


def test_a_server_that_was_started_to_outlive_its_terminal_does(tmp_path: Path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does; children inherit it
    try:
        # A path of its own means an interpreter of its own, which inherits; a fork does from the fork server.
        with running_server(tmp_path / "log", PYTHONPATH=str(tmp_path)) as server:
            os.kill(server.process.pid, signal.SIGHUP)
            os.kill(server.process.pid, signal.SIGTERM)
            assert server.process.wait(timeout=30) == 0
            assert [line["signal"] for line in draining(server)] == ["SIGTERM"]
    finally:
        signal.signal(signal.SIGHUP, before)


def draining(server: RunningServer) -> list[dict[str, Any]]:
    return [line for line in server.log if line["message"].startswith("Draining")]


@contextmanager
def begun_request(server: RunningServer, count: int = 1) -> Generator[None]:
    """Begin requests whose bodies never arrive."""
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(count)]
    for connection in connections:
        connection.sendall(head.encode() + b"{")
    time.sleep(0.05)
    try:
        yield
    finally:
        for connection in connections:
            connection.close()


@pytest.mark.parametrize("requests", [0, 3])
def test_a_second_sigterm_ends_it_at_once_and_says_how_many_requests_it_drops(tmp_path: Path, requests: int):
    with running_server(tmp_path / "log") as server, begun_request(server, requests):
        server.process.terminate()
        server.wait_for(lambda: draining(server), 1)
        server.process.terminate()
        begun = time.monotonic()
        assert server.process.wait(timeout=30) == 0
        assert time.monotonic() - begun < 10  # the drain would last 25 s
        [line] = [line for line in server.log if line["message"].startswith("Stopping at once")]
        assert line["level"] == "warning"
        assert line["dropped_requests"] == requests


def test_a_server_whose_threads_cannot_go_on_says_why_and_ends(tmp_path: Path):
    broken = """
import sys
from service.engine.engine import Engine

def out_of_memory(self, post):
    raise MemoryError("for the queue")

Engine._work_off = out_of_memory
from service.__main__ import main
sys.exit(main())
"""
    ended = subprocess.run(
        [sys.executable, "-c", broken], env=environment(), cwd=ROOT, capture_output=True, timeout=60
    )
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert (lines[-1]["level"], lines[-1]["cause"]) == ("critical", "server_failed")
    assert any("MemoryError: for the queue" in line.get("exception", "") for line in lines)
