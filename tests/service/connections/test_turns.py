"""A client that sends much holds up no other, and neither does a burst of connections."""

import asyncio
import socket
from collections import Counter
from contextlib import ExitStack

import pytest
import uvloop

from slipway.service.accepting import MOST_IN_A_ROUND, MOST_WITHOUT_ROOM, Accepting
from slipway.service.turns import FIRST_BYTES, TURN_BYTES
from tests.service.connections.test_states import POST, Server, run

BODY = b"x" * 60_000
LARGE = POST + b"content-length: %d\r\n\r\n%b" % (len(BODY), BODY)
SMALL = POST + b"content-length: 2\r\n\r\n{}"
ROUNDS = 300


async def a_round() -> None:
    await asyncio.sleep(0)


def test_a_client_that_sends_much_is_not_read_while_it_waits_for_its_turn() -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        connection.data_received(LARGE)
        assert not wire.reads
        assert not wire.written
        async with asyncio.timeout(20):
            while not wire.written:
                await a_round()
        assert wire.written.startswith(b"HTTP/1.1 200")
        assert wire.reads

    run(check)


def test_a_small_request_is_answered_before_a_large_one_that_came_first() -> None:
    async def check(server: Server) -> None:
        large, large_wire = server.connection()
        small, small_wire = server.connection()
        large.data_received(LARGE)
        small.data_received(SMALL)
        async with asyncio.timeout(20):
            while not small_wire.written:
                await a_round()
        assert not large_wire.written
        async with asyncio.timeout(20):
            while not large_wire.written:
                await a_round()

    run(check)


@pytest.mark.parametrize("more", [0, 1, FIRST_BYTES, TURN_BYTES, TURN_BYTES + FIRST_BYTES + 1])
def test_a_body_of_any_length_arrives_whole(more: int) -> None:
    body = b"y" * (FIRST_BYTES + more)

    async def check(server: Server) -> None:
        connection, wire = server.connection()
        connection.data_received(POST + b"content-length: %d\r\n\r\n%b" % (len(body), body) + SMALL)
        async with asyncio.timeout(20):
            while wire.written.count(b"HTTP/1.1 200") < 2:
                await a_round()
        assert wire.reads

    run(check)


def test_a_client_that_leaves_while_it_waits_for_its_turn_is_forgotten() -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        connection.data_received(LARGE)
        wire.close()
        connection.connection_lost(None)
        for _ in range(20):
            await a_round()
        assert server.places.account.held_bytes == 0

    run(check)


def accepted_by_round(count: int, free: int) -> list[int]:
    """Return how many of so many waiting connections are accepted, round by round."""
    rounds: Counter[int] = Counter()
    now = 0

    async def serve(listening: socket.socket) -> None:
        nonlocal now

        async def take(connection: socket.socket) -> None:
            rounds[now] += 1
            connection.close()

        accepting = Accepting(listening, take, lambda: free)
        while rounds.total() < count and now < ROUNDS:
            now += 1
            await a_round()
        accepting.stop()

    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0), backlog=count) as listening:
        listening.setblocking(False)
        for _ in range(count):
            stack.enter_context(socket.create_connection(listening.getsockname()))
        uvloop.run(serve(listening))
    assert rounds.total() == count
    return list(rounds.values())


def test_a_burst_of_connections_is_accepted_in_a_few_rounds() -> None:
    assert len(accepted_by_round(200, free=1000)) <= 200 / MOST_IN_A_ROUND + 1


def test_no_more_are_accepted_at_once_than_have_a_place() -> None:
    assert max(accepted_by_round(40, free=10)) == 10


@pytest.mark.parametrize("free", [0, -5])
def test_where_no_place_is_free_a_few_are_accepted_and_then_read(free: int) -> None:
    rounds = accepted_by_round(20, free)
    assert max(rounds) == MOST_WITHOUT_ROOM
