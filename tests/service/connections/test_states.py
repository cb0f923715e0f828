"""What a connection holds, waits for and still reads after each end of a request, without a socket."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from slipway.service.connections import ConnectionLimits, Connections
from slipway.service.protocol import HttpProtocol, protocol_for
from tests.fuzz import connection as wire

HELD_BYTES = 300_000
POST = b"POST /predict HTTP/1.1\r\nhost: a\r\n"
ANSWER = (
    {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]},
    {"type": "http.response.body", "body": b"ok"},
)


class Wire(wire.Wire):
    """A client that takes everything at once, unless `unread` says what it has not taken."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.is_ended, self.was_reset = True, False, False
        self.unread = 0

    def write(self, data: Any) -> None:
        assert not self.is_ended, "written after this side was ended"
        super().write(data)

    def write_eof(self) -> None:
        self.is_ended = True

    def abort(self) -> None:
        self.was_reset = True
        self.close()

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class App:
    """Answers 200 once it has the whole body."""

    is_full = False

    def refused_at_once(self, _scope: Any) -> Any:
        return ([(b"content-length", b"2")], b"{}") if self.is_full else None

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        while message["type"] == "http.request" and message["more_body"]:
            message = await receive()
        for part in ANSWER if message["type"] == "http.request" else ():
            await send(part)


class Server:
    """Connections to the app, each with its wire."""

    def __init__(self) -> None:
        self.app = App()
        self.places = Connections(ConnectionLimits(2, HELD_BYTES, 30, 60))
        protocol = protocol_for(self.places)
        app = cast(Any, self.app)
        self._config = uvicorn.Config(app, http=protocol, lifespan="off", log_config=None)
        self._config.load()
        self._config.loaded_app = app
        self._state = ServerState()
        self._made: list[HttpProtocol] = []

    def connection(self) -> tuple[HttpProtocol, Wire]:
        made, wire = protocol_for(self.places)(self._config, self._state, {}), Wire()
        made.connection_made(wire)
        self._made.append(made)
        return made, wire

    def end(self) -> None:
        for made in self._made:
            made.connection_lost(None)


Check = Callable[[Server], Coroutine[Any, Any, None]]


def run(check: Check) -> None:
    async def within() -> None:
        server = Server()
        try:
            await check(server)
        finally:
            server.end()

    asyncio.run(within())


def timer(connection: HttpProtocol) -> Any:
    return cast(Any, connection)._late


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nhost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % place for place in range(140)) + b"\r\n",
        b"GET / HTTP/1.1\r\nhost: a\r\nexpect: cake\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
    ids=["host", "many", "expect", "no host"],
)
def test_a_refused_request_that_came_whole_is_waited_for_no_longer_than_another(request_: bytes) -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        connection.data_received(request_)
        assert wire.written.startswith(b"HTTP/1.1 4")
        assert connection.lingers
        assert timer(connection) is not None

    run(check)


def test_a_body_that_finds_no_memory_is_let_go_of_and_its_rest_is_read() -> None:
    async def check(server: Server) -> None:
        other, _ = server.connection()
        other.holding.hold_body(10_000)
        connection, wire = server.connection()
        connection.data_received(POST + b"content-length: 1000000\r\n\r\n" + b"x" * 200_000)
        async with asyncio.timeout(20):
            while not wire.written or not wire.reads:  # one turn after the other
                await asyncio.sleep(0)
        assert wire.written.startswith(b"HTTP/1.1 429")
        assert connection.holding.body_bytes == 0

    run(check)


def test_after_an_early_answer_the_connection_idles_no_longer_than_another() -> None:
    async def check(server: Server) -> None:
        server.app.is_full = True
        connection, wire = server.connection()
        connection.data_received(POST + b"content-length: 4\r\n\r\n")
        connection.data_received(b"abcd")
        assert wire.written.startswith(b"HTTP/1.1 429")
        assert connection.timeout_keep_alive_task is not None

    run(check)


def test_an_early_answer_to_http_1_0_closes_as_every_other_does() -> None:
    async def check(server: Server) -> None:
        server.app.is_full = True
        connection, wire = server.connection()
        old = POST.replace(b"1.1", b"1.0") + b"connection: keep-alive\r\ncontent-length: 4\r\n\r\nabcd"
        connection.data_received(old)
        assert b"connection: close" in wire.written
        assert wire.is_ended

    run(check)


@pytest.mark.parametrize(
    "header", [b"host: a \t", b"host: a\r\nexpect: 100-continue "], ids=["host", "expect"]
)
def test_white_space_behind_a_header_is_no_part_of_it(header: bytes) -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        connection.data_received(b"POST / HTTP/1.1\r\n" + header + b"\r\ncontent-length: 2\r\n\r\nab")
        await asyncio.sleep(0.01)
        assert b"HTTP/1.1 200 " in wire.written

    run(check)


def test_nothing_is_written_behind_the_refusal_of_a_body_that_was_expected() -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        expecting = b"expect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n"
        connection.data_received(POST + expecting)
        await asyncio.sleep(0.01)
        assert wire.written.startswith(b"HTTP/1.1 400")
        assert b"100 Continue" not in wire.written

    run(check)


def test_a_client_that_does_not_take_its_answer_is_reset_when_its_place_is_needed() -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        wire.unread = 1000
        connection.evict()
        assert wire.was_reset

    run(check)


@pytest.mark.parametrize("at", range(1, len(POST) + 20, 7))
def test_nothing_is_held_once_a_request_is_answered_however_it_came(at: int) -> None:
    async def check(server: Server) -> None:
        connection, wire = server.connection()
        request = POST + b"content-length: 5\r\n\r\nhello"
        for _ in range(2):
            connection.data_received(request[:at])
            connection.data_received(request[at:])
            await asyncio.sleep(0.01)
        assert wire.written.count(b"HTTP/1.1 200 ") == 2
        assert connection.holding.bytes == 0

    run(check)
