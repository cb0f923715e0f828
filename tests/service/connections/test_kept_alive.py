"""A connection that is kept open keeps nothing of the requests that it was answered."""

import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from bench.workload import post
from tests.fuzz.connection import KEY as FUZZED_KEY
from tests.fuzz.connection import Server
from tests.service.connections.wire import (
    ALIVE,
    PREDICT,
    all_answers,
    answer_to,
    connected,
    splits,
    statuses,
)
from tests.service.running_server import KEY, RunningServer, running_server
from tests.service.tasks.fake_writers import FakeCausal, generating, serving

MIB = 1 << 20
REFUSED = b"POST /predict HTTP/1.1\r\nhost: a\r\n\r\n"
# Few tokens in 80 KB: one character beyond the basic plane makes each of a text's take 4 bytes.
SPACED = {"text": ["a" + " " * 19_998 + "\U0001f600"] * 60}
TOO_LONG = {"text": [*SPACED["text"], "spam " * 600]}
LONG_HEADERS = b"host: a\r\n" + b"".join(b"x-%d: %b\r\n" % (number, b"a" * 500) for number in range(100))


def with_body(request: bytes, body: bytes) -> bytes:
    return request.replace(b"\r\n\r\n", b"\r\ncontent-length: %d\r\n\r\n" % len(body)) + body


REQUESTS = {
    "a call of 1 MB": (post("/predict", SPACED, KEY), 200, 8),
    "a call of 1 MB that failed": (post("/predict", TOO_LONG, KEY), 422, 8),
    "a body that no one reads": (with_body(ALIVE, b"a" * (60 << 10)), 200, 400),
    "a body that came before its refusal": (
        with_body(REFUSED, b"a" * 60_000),
        401,
        400,
    ),
    "long headers": (b"GET /alive HTTP/1.1\r\n" + LONG_HEADERS + b"\r\n", 200, 100),
}


@pytest.mark.parametrize("kind", REQUESTS)
def test_an_idle_connection_holds_nothing_of_its_last_request(tmp_path: Path, kind: str):
    request, status, count = REQUESTS[kind]
    with running_server(tmp_path / "log", INFERENCE_THREADS="1") as server, ExitStack() as stack:
        process = psutil.Process(server.process.pid)
        for _ in range(3):
            with connected(server.port) as connection:
                assert answer_to(connection, request)[0] == status
        before = process.memory_info().rss
        for _ in range(count):
            connection = stack.enter_context(connected(server.port))
            assert answer_to(connection, request)[0] == status
        assert process.memory_info().rss - before < 12 * MIB


def test_a_connection_kept_alive_may_have_any_number_of_refused_bodies(server: RunningServer):
    refused = with_body(REFUSED, b"a" * MIB)
    with connected(server.port) as connection:
        for _ in range(20):
            assert answer_to(connection, refused)[0] == 401
        assert answer_to(connection, PREDICT)[0] == 200


def test_thousands_of_requests_that_wait_behind_a_slow_one_cost_no_more_than_their_bytes():
    backend = FakeCausal("x", steps=threading.Semaphore(0))
    slow = post("/generate", {"prompt": "What?"}, KEY)
    with serving(generating(backend), threads=8) as served, ExitStack() as stack:
        assert backend.steps is not None
        stack.callback(backend.steps.release, 1000)
        before = psutil.Process().memory_info().rss
        for _ in range(8):
            connection = stack.enter_context(connected(served.port))
            connection.sendall(slow + b"GET /alive HTTP/1.1\r\nhost: a\r\n\r\n" * 4000)
            assert backend.under_way.acquire(timeout=20)
        with connected(served.port) as other:  # by now all is read that was sent before
            assert answer_to(other, ALIVE)[0] == 200
        assert psutil.Process().memory_info().rss - before < 12 * MIB


def test_thousands_of_requests_sent_at_once_are_answered_in_turn(server: RunningServer):
    requests = [
        ALIVE,
        PREDICT,
        with_body(ALIVE, b"a" * 100),
        b"GET /nothing HTTP/1.1\r\nhost: a\r\n\r\n",
    ] * 500
    last = b"GET /alive HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    with connected(server.port) as connection:
        reader = Reader(connection)
        reader.start()
        connection.sendall(b"".join(requests) + last)
        reader.join(timeout=60)
    assert statuses(reader.answers) == [200, 200, 200, 404] * 500 + [200]


def test_what_follows_the_last_request_of_a_connection_is_dropped(server: RunningServer):
    last = PREDICT.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    with connected(server.port) as connection:
        connection.sendall(last + ALIVE * 10_000)
        assert answer_to(connection)[0] == 200
    assert "Traceback" not in server.log_text


class Reader(threading.Thread):
    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self.answers = b""

    def run(self) -> None:
        self.answers = all_answers(self._connection)


def test_what_is_malformed_is_refused_only_after_the_answers_before_it():
    server = Server()
    try:
        request = post("/predict", {"text": "hi"}, FUZZED_KEY)
        for parts in splits(request + ALIVE + b"nonsense\r\n\r\n"):
            answers = server.answers(parts)
            assert statuses(answers) == [200, 200, 400], answers
    finally:
        server.stop()
