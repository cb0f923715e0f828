"""A client that takes its answers slowly holds a counted number of bytes, and not for long."""

import socket
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from bench.workload import post
from slipway.service.account import Account, Holding
from slipway.service.departure import was_reset
from tests.service.connections.wire import ALIVE, PREDICT, answer_to, connected, statuses
from tests.service.running_server import KEY, RunningServer, running_server

MIB = 1 << 20
WRITE_SECONDS = 1.0
# Its answer has some 60 KB, which no small receive buffer takes.
LONG = post("/predict", {"text": ["a b"] * 1000}, KEY)
# Answered without a key: some 10 KB.
DOCUMENT = ALIVE.replace(b"/alive", b"/openapi.json")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(log, WRITE_TIMEOUT_SECONDS=str(WRITE_SECONDS)) as server:
        yield server


@contextmanager
def narrow(port: int) -> Generator[socket.socket]:
    """Connect a client whose system buffers little."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", port))
        yield connection


def cuts(server: RunningServer) -> int:
    return sum(line["message"].startswith("Cut off a client that takes") for line in server.log)


def is_cut_off(connection: socket.socket, bytes_a_second: int) -> bool:
    """Whether the server closes a client that reads at this rate, within ten of the server's time limits."""
    end = time.monotonic() + 10 * WRITE_SECONDS
    while time.monotonic() < end:
        connection.recv(max(1, bytes_a_second // 20))
        if was_reset(connection):  # what the client's own system has taken it may still read
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("bytes_a_second", [20, 200, 2000])
def test_a_client_that_drips_is_cut_off_with_a_line(server: RunningServer, bytes_a_second: int) -> None:
    before = cuts(server)
    with narrow(server.port) as connection:
        connection.sendall(LONG * 4)
        assert is_cut_off(connection, bytes_a_second)
    server.wait_for(lambda: [{}] * (cuts(server) - before), 1)


def test_a_client_that_takes_its_answers_at_an_allowed_rate_gets_them_all(server: RunningServer) -> None:
    with narrow(server.port) as connection:
        last = ALIVE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        connection.sendall(LONG * 4 + last)
        answers = b""
        while part := connection.recv(8192):
            answers += part
            time.sleep(0.02)  # 400 KB a second
    assert statuses(answers) == [200] * 5


@pytest.mark.parametrize("asked", [DOCUMENT, PREDICT.replace(KEY.encode(), b"wrong"), LONG], ids=len)
def test_requests_sent_ahead_of_their_answers_wait_until_these_are_read(
    server: RunningServer, asked: bytes
) -> None:
    process = psutil.Process(server.process.pid)
    with ExitStack() as stack, connected(server.port) as other:
        before = process.memory_info().rss
        for _ in range(20):
            connection = stack.enter_context(narrow(server.port))
            connection.setblocking(False)
            sent = 0
            while sent < 200_000:
                try:
                    sent += connection.send(asked * 20)
                except BlockingIOError:  # the server reads no more: its answers are not read
                    break
        assert answer_to(other, ALIVE)[0] == 200
        assert process.memory_info().rss - before < 16 * MIB


def test_early_refusals_of_a_full_queue_wait_for_the_client_too(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", MAX_QUEUE_CALLS="1", INFERENCE_THREADS="1") as server:
        busy = post("/predict", {"text": ["word " * 380] * 1000}, KEY)
        refused = PREDICT.partition(b"Content-Length")[0] + b"Content-Length: 0\r\n\r\n"
        with connected(server.port) as working, narrow(server.port) as connection:
            working.sendall(busy)
            time.sleep(0.2)
            connection.setblocking(False)
            end = time.monotonic() + 3
            while time.monotonic() < end:
                try:
                    connection.send(refused * 100)
                except BlockingIOError:
                    time.sleep(0.01)
            answered = [line for line in server.log if line.get("status") == 429]
            assert 0 < len(answered) < 1000  # what the kernel's buffers take, and no more
            connection.setblocking(True)
            assert connection.recv(12) == b"HTTP/1.1 429"


def test_what_is_held_is_counted_once_and_let_go_with_its_connection() -> None:
    account = Account(limit_bytes=100)
    first, second = Holding(account), Holding(account)
    assert first.fits(1000)  # one alone may always
    first.hold_body(60)
    first.hold_answer(30)
    first.hold_answer(10)
    assert account.held_bytes == first.bytes == 70
    assert second.fits(30)
    assert not second.fits(31)
    second.hold_unread(20)
    assert not first.fits(11)
    first.let_go()
    first.hold_answer(50)  # of a call that ended just then
    assert account.held_bytes == 20
    second.let_go()
    assert account.held_bytes == 0
