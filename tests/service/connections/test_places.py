"""Connections have a place before a byte of them is read, and each stage of a request its time."""

import socket
from collections.abc import Generator
from contextlib import ExitStack

import pytest

from tests.service.connections.wire import (
    ALIVE,
    CHUNKED,
    PREDICT,
    all_answers,
    answer_to,
    connected,
    statuses,
)
from tests.service.running_server import RunningServer, running_server

PLACES = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    log = tmp_path_factory.mktemp("server") / "log"
    with running_server(log, MAX_CONNECTIONS=str(PLACES), HEAD_TIMEOUT_SECONDS="1") as server:
        yield server


def is_closed(connection: socket.socket) -> bool:
    return all_answers(connection) == b""


@pytest.mark.parametrize(
    "begun", [b"", ALIVE[:1], ALIVE[:-1], PREDICT[:20]], ids=["idle", "1", "all but 1", "20"]
)
def test_what_has_waited_longest_for_a_request_makes_room(server: RunningServer, begun: bytes) -> None:
    with ExitStack() as held:
        waiting = [held.enter_context(connected(server.port)) for _ in range(PLACES)]
        for connection in waiting:
            connection.sendall(begun)
        with connected(server.port) as newcomer:
            assert answer_to(newcomer, PREDICT)[0] == 200
        assert is_closed(waiting[0])


def test_an_idle_connection_that_was_answered_makes_room_too_and_after_those_before_it(
    server: RunningServer,
) -> None:
    with ExitStack() as held:
        waiting = [held.enter_context(connected(server.port)) for _ in range(PLACES)]
        assert answer_to(waiting[0], PREDICT)[0] == 200
        held.enter_context(connected(server.port)).sendall(ALIVE)
        assert is_closed(waiting[1])
        assert answer_to(waiting[0], PREDICT)[0] == 200


@pytest.mark.parametrize(
    ("asked", "status"), [(ALIVE, 200), (ALIVE.replace(b"/alive", b"/ready?a=1"), 200), (PREDICT, 503)]
)
def test_where_each_place_has_a_request_only_the_probes_are_answered(
    server: RunningServer, asked: bytes, status: int
) -> None:
    with ExitStack() as held:
        for _ in range(PLACES):
            holder = held.enter_context(connected(server.port))
            holder.sendall(CHUNKED.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"))
            assert holder.recv(100).startswith(b"HTTP/1.1 100 ")  # it is read; its body does not come
        with connected(server.port) as newcomer:
            found, body = answer_to(newcomer, asked)
            assert found == status
            assert (b"connections-full" in body) is (status == 503)
    taken = [line for line in server.log if line["message"] == "All places for connections are taken"]
    assert taken[0]["max_connections"] == PLACES


@pytest.mark.parametrize("begun", [ALIVE[:1], ALIVE[:-1], PREDICT[:60], b"\r\n" + ALIVE[:5]])
def test_a_head_that_does_not_end_is_refused_in_time(server: RunningServer, begun: bytes) -> None:
    with connected(server.port) as connection:
        connection.sendall(begun)
        answers = all_answers(connection)
        assert statuses(answers) == [408]
        assert b"head-timeout" in answers


@pytest.mark.parametrize("before", [ALIVE, PREDICT, ALIVE + ALIVE])
def test_so_is_one_behind_requests_that_were_answered(server: RunningServer, before: bytes) -> None:
    with connected(server.port) as connection:
        connection.sendall(before + ALIVE[:10])
        assert statuses(all_answers(connection))[-1] == 408


def test_a_connection_between_two_requests_has_all_the_time(server: RunningServer) -> None:
    with connected(server.port) as connection:
        assert answer_to(connection, ALIVE)[0] == 200
        connection.settimeout(1.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert answer_to(connection, ALIVE)[0] == 200
