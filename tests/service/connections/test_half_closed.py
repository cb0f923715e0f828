"""A client may end its side of the connection and still read (RFC 9293, 3.6; RFC 9112, 9.6)."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench.workload import post
from tests.service.connections.wire import ALIVE, PREDICT, all_answers, connected, statuses
from tests.service.running_server import HAM, KEY, RunningServer
from tests.service.tasks.fake_writers import FakeCausal, Served, serving_held_back

SLOW = post("/predict", {"text": [HAM * 40] * 100}, KEY)
LAST = ALIVE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
OLD = PREDICT.replace(b"HTTP/1.1", b"HTTP/1.0")
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


def answers_to(port: int, request: bytes) -> bytes:
    """Return the answers after the client has sent this and ended its side, without interim ones."""
    with connected(port) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return all_answers(connection).replace(INTERIM, b"")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (ALIVE, [200]),
        (PREDICT, [200]),
        (SLOW, [200]),
        (OLD, [200]),
        (SLOW + ALIVE, [200, 200]),
        (PREDICT * 50 + LAST, [200] * 51),
        (SLOW + b"nonsense\r\n\r\n", [200, 400]),
        (PREDICT.replace(KEY.encode(), b"wrong"), [401]),
    ],
    ids=["alive", "predict", "slow", "HTTP/1.0", "pipelined", "many", "malformed", "refused"],
)
def test_a_client_that_ends_its_side_gets_every_answer(
    server: RunningServer, request_: bytes, expected: list[int]
) -> None:
    assert statuses(answers_to(server.port, request_)) == expected


@pytest.mark.parametrize("cut", [1, 20, len(PREDICT) - 1])
def test_one_that_ends_its_side_within_a_request_is_closed(server: RunningServer, cut: int) -> None:
    begun = time.monotonic()
    answers = answers_to(server.port, SLOW + PREDICT[:cut])
    assert statuses(answers) == [200]
    assert time.monotonic() - begun < 15


@pytest.fixture
def backend() -> FakeCausal:
    return FakeCausal("x" * 20, steps=threading.Semaphore(0))


@pytest.fixture
def served(backend: FakeCausal) -> Iterator[Served]:
    with serving_held_back(backend) as served:
        yield served


@pytest.mark.parametrize("stream", [False, True])
def test_one_that_waits_is_not_taken_for_one_that_has_left(
    served: Served, backend: FakeCausal, request_log: Callable[[], dict[str, Any]], stream: bool
) -> None:
    assert backend.steps is not None
    with connected(served.port) as connection:
        connection.sendall(post("/generate", {"prompt": "What?", "max_tokens": 20, "stream": stream}, KEY))
        assert backend.under_way.acquire(timeout=20)
        if stream:
            backend.steps.release()
            assert connection.recv(1)
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.2)  # the server looks several times
        backend.steps.release(1000)
        rest = all_answers(connection)
    assert request_log()["status"] == 200
    assert rest.endswith(b"0\r\n\r\n" if stream else b"}")
