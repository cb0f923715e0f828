"""What once killed the server, or held it up, at the memory that `slipway fit` recommends. Loopback only.

Each attack is bounded, and after it the server lives, is ready and answers others.
"""

import time
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.workload import post
from tests.service.attacks.limited_server import LimitedServer, limited_server
from tests.service.connections.wire import (
    ALIVE,
    PIECE,
    all_answers,
    answer_to,
    connected,
    sent_until_closed,
    statuses,
)
from tests.service.running_server import HAM, KEY
from tests.service.tasks.table_model import EXAMPLE, classifier

MIB = 1 << 20
TRAILERS = b"GET /alive HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n"
# 75 texts of 80 KB, as one character beyond the basic plane makes each of a text's take 4 bytes; few tokens.
LARGE_CALL = post("/predict", {"text": ["a" + " " * 19_998 + "\U0001f600"] * 75}, KEY)
# Some 100 ms, and few enough tokens for the queue to hold eight.
SLOW_CALL = post("/predict", {"text": ["word " * 380] * 8}, KEY)
LONG_CALL = post("/predict", {"text": ["word " * 380] * 1000}, KEY)


@pytest.fixture(scope="module")
def running() -> Generator[tuple[ExitStack, list[LimitedServer]]]:
    with ExitStack() as stack:
        yield stack, []


@pytest.fixture
def server(running: tuple[ExitStack, list[LimitedServer]]) -> LimitedServer:
    """One for all attacks; another where one killed it."""
    stack, started = running
    if not started or not started[-1].is_running:
        started.append(stack.enter_context(limited_server("bundled:sms-spam", {"text": HAM})))
    return started[-1]


@pytest.mark.parametrize("endless", [b"a:b\r\n" * (PIECE // 5), b"a" * PIECE], ids=["many", "one"])
def test_endless_trailers_that_need_no_key_kill_nothing(server: LimitedServer, endless: bytes):
    for _ in range(4):
        with connected(server.port) as connection:
            sent_until_closed(connection, TRAILERS, endless, 24 * MIB)
    server.assert_well()


def test_idle_connections_that_were_answered_large_calls_kill_nothing(server: LimitedServer):
    with ExitStack() as stack:
        for _ in range(16):
            connection = stack.enter_context(connected(server.port))
            assert answer_to(connection, LARGE_CALL)[0] == 200
        server.assert_well()


def test_idle_connections_whose_bodies_no_one_read_kill_nothing(server: LimitedServer):
    request = ALIVE.replace(b"\r\n\r\n", b"\r\ncontent-length: 65536\r\n\r\n") + b"a" * 65536
    with ExitStack() as stack:
        for _ in range(900):
            connection = stack.enter_context(connected(server.port))
            assert answer_to(connection, request)[0] == 200
        server.assert_well()


def test_thousands_of_requests_sent_behind_a_call_kill_nothing(server: LimitedServer):
    with ExitStack() as stack:
        for _ in range(8):
            connection = stack.enter_context(connected(server.port))
            connection.sendall(SLOW_CALL + b"GET /alive HTTP/1.1\r\nhost: a\r\n\r\n" * 8000)
        server.assert_well()


def test_requests_hidden_in_the_bodies_of_upgrades_are_not_answered(server: LimitedServer):
    hidden = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n"
    head = b"GET /alive HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n"
    last = b"GET /alive HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
    request = head + b"content-length: %d\r\n\r\n%b" % (len(hidden), hidden)
    for _ in range(20):
        with connected(server.port) as connection:
            assert answer_to(connection, request[:-10], request[-10:])[0] == 200
            connection.sendall(request * 10 + last)
            assert statuses(all_answers(connection)) == [200] * 11
    server.assert_well()


def test_a_text_that_is_forty_times_as_long_after_normalisation_kills_nothing(server: LimitedServer):
    request = post("/predict", {"text": "\ufdfa" * 20_000}, KEY)
    for _ in range(4):
        with connected(server.port) as connection:
            assert answer_to(connection, request)[0] in (413, 422)
    server.assert_well()


def test_a_table_of_690_000_empty_rows_kills_nothing(tmp_path: Path):
    model = classifier(tmp_path / "iris")
    rows = b'{"features": [' + b",".join([b"[]"] * 690_000) + b"]}"
    head = f"POST /predict HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\n".encode()
    head += b"content-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(rows)
    with limited_server(str(model), {"features": EXAMPLE}) as server:
        for _ in range(3):
            with connected(server.port) as attacker, connected(server.port) as other:
                assert answer_to(other, ALIVE)[0] == 200
                attacker.sendall(head + rows)
                assert answer_to(attacker)[0] in (413, 422)
        server.assert_well()


def test_a_client_that_leaves_its_long_call_holds_up_neither_others_nor_a_stop():
    with limited_server("bundled:sms-spam", {"text": HAM}) as server:
        with connected(server.port) as connection:
            connection.sendall(LONG_CALL)
        assert server.wait_for_request("/predict")["status"] == 499
        server.assert_well()
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < 15  # the drain that is allowed takes 25
