"""Answers and unfinished requests that together would fill the memory that `slipway fit` recommends.

Each attack is bounded and talks to this machine alone. While it goes on probes are answered; after it the
server lives, is ready and answers others.
"""

import socket
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager

import pytest

from bench.workload import post
from tests.service.attacks.limited_server import ALIVE, LimitedServer, limited_server
from tests.service.connections.wire import CHUNKED, all_answers, answer_to, connected, statuses
from tests.service.running_server import HAM, KEY
from tests.service.tasks.embedding_model import embedding_model

MIB = 1 << 20
WIDTH = 1024
# An answer of some 12 MB.
LARGE_ANSWER = post("/embed", {"text": ["log in"] * 1000}, KEY)
# On a busy machine; `make bench PIECES=attack` measures it.
WORST_PROBE_SECONDS = 5.0


@pytest.fixture(scope="module")
def embedding(tmp_path_factory: pytest.TempPathFactory) -> Generator[LimitedServer]:
    folder = tmp_path_factory.mktemp("embedding")
    model = embedding_model(folder / "model", WIDTH)
    with limited_server(str(model), {"text": "log in"}, "/embed") as server:
        yield server


@pytest.fixture(scope="module")
def classifying() -> Generator[LimitedServer]:
    with limited_server("bundled:sms-spam", {"text": HAM}) as server:
        yield server


@contextmanager
def probed(server: LimitedServer) -> Generator[None]:
    """Ask /alive again and again meanwhile, on a connection of its own each time."""
    over, waits = threading.Event(), list[float]()

    def probe() -> None:
        while True:
            begun = time.monotonic()
            with connected(server.port) as connection:
                assert answer_to(connection, ALIVE)[0] == 200
            waits.append(time.monotonic() - begun)
            if over.wait(0.05):
                return

    probing = threading.Thread(target=probe)
    probing.start()
    try:
        yield
    finally:
        over.set()
        probing.join()
    assert waits
    assert sorted(waits)[len(waits) * 9 // 10] < WORST_PROBE_SECONDS


def at_once(count: int, each: Callable[[], None]) -> None:
    threads = [threading.Thread(target=each) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_many_large_answers_at_once_kill_nothing(embedding: LimitedServer) -> None:
    found: list[int] = []

    def call() -> None:
        with connected(embedding.port) as connection:
            connection.settimeout(60)
            found.append(answer_to(connection, LARGE_ANSWER)[0])

    with embedding.within_its_limit(), probed(embedding):
        at_once(48, call)
    assert set(found) <= {200, 429}
    assert 200 in found
    embedding.assert_well()


@pytest.mark.parametrize("requests", [1, 4])
def test_clients_that_do_not_read_their_large_answers_kill_nothing(
    embedding: LimitedServer, requests: int
) -> None:
    with ExitStack() as stack, embedding.within_its_limit(), probed(embedding):
        for _ in range(24):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.connect(("127.0.0.1", embedding.port))
            connection.sendall(LARGE_ANSWER * requests)
        time.sleep(5)
    embedding.assert_well()


def unfinished(server: LimitedServer, begun: bytes, count: int) -> None:
    with ExitStack() as stack, server.within_its_limit(), probed(server):
        for _ in range(count):
            connection = stack.enter_context(connected(server.port))
            try:
                connection.sendall(begun)
            except ConnectionError:  # refused before all was sent
                continue
        time.sleep(0.5)  # the system takes all of it at once; the server then reads
    server.assert_well()


def test_unfinished_heads_of_many_headers_kill_nothing(classifying: LimitedServer) -> None:
    unfinished(classifying, ALIVE[:-2] + b"a:b\r\n" * 12_000, 400)


def test_unfinished_heads_of_one_header_kill_nothing(classifying: LimitedServer) -> None:
    unfinished(classifying, ALIVE[:-2] + b"a: " + b"b" * 60_000, 400)


@pytest.mark.parametrize("size", [300_000, 2_000_000])
def test_unfinished_uploads_kill_nothing(classifying: LimitedServer, size: int) -> None:
    unfinished(classifying, CHUNKED + b"%x\r\n%b" % (size + 1, b" " * size), 300)


def test_requests_waiting_behind_a_slow_one_on_every_connection_kill_nothing(
    classifying: LimitedServer,
) -> None:
    slow = post("/predict", {"text": ["word " * 380] * 8}, KEY)
    unfinished(classifying, slow + ALIVE[:-2] + b"a: " + b"b" * 60_000, 200)


def test_an_upload_that_finds_no_memory_is_told_so(classifying: LimitedServer) -> None:
    with ExitStack() as stack:
        answers: list[bytes] = []
        for _ in range(40):
            connection = stack.enter_context(connected(classifying.port))
            connection.sendall(CHUNKED + b"1e8481\r\n" + b" " * 1_900_000)
            connection.settimeout(0.2)
            try:
                answers.append(all_answers(connection))
            except TimeoutError:  # it is held, and its rest is waited for
                continue
        assert answers
        assert {status for answer in answers for status in statuses(answer)} == {429}
        assert all(b"urn:slipway:problem:memory-full" in answer for answer in answers)
    classifying.assert_well()
