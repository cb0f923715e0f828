"""uvicorn's HTTP/1.1, with bounds on what a client may send and problem details for what is not HTTP."""

import asyncio
import sys
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.api.problems import CAUSES, MEDIA_TYPE, problem_json
from service.engine import Call
from service.faults import ClientLeft, HeadTooLarge, MalformedHttp, RequestFault

MAX_HEAD_BYTES = 64 << 10
# What is still read, and dropped, after an early answer such as 413, so that the client gets to see it.
MAX_LEFTOVER_BYTES = 16 << 20
# A client that takes nothing of its answer for as long as this has gone.
READ_SECONDS = 60


class JoinedHead:
    """A connection that writes the head of an answer together with what follows it.

    Two writes would be two system calls, and wake the client twice.
    """

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None:
            self._head = data
        else:
            self._transport.write(self._head + data if self._head else data)
            self._head = b""

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class HttpProtocol(HttpToolsProtocol):
    _in_head = True
    _heads = 0
    _head_bytes = 0
    _leftover_bytes = 0
    _refused = False
    _unread: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        in_head, heads = self._in_head, self._heads
        super().data_received(data)
        # Counted here: the parser keeps an unfinished header to itself.
        unfinished = in_head and heads == self._heads
        self._head_bytes = self._head_bytes + len(data) if unfinished else 0
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadTooLarge, f"request line and headers exceed {MAX_HEAD_BYTES} bytes")

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._heads += 1
        if self._is_refused_at_once():
            return
        super().on_headers_complete()
        # Answers to HEAD have no second write; where a client expects 100, the first is no head.
        if self.scope["method"] == "POST" and not self.expect_100_continue:
            self.cycle.transport = JoinedHead(self.transport)  # pyright: ignore[reportAttributeAccessIssue]

    def _is_refused_at_once(self) -> bool:
        """Answers a request for which there is no place, with no exchange begun; its body is dropped."""
        app = cast(Any, self.app)  # pyright: ignore[reportUnknownMemberType] - of no one type in uvicorn
        cycle: Any = self.cycle
        parser: Any = self.parser
        is_alone = cycle is None or cycle.response_complete
        if self.expect_100_continue or not is_alone or parser.get_method() != b"POST":
            return False
        self.scope["method"], self.scope["path"] = "POST", self.url.decode("latin-1")
        refused: tuple[list[tuple[bytes, bytes]], bytes] | None = app.refused_at_once(self.scope)
        if refused is None:
            return False
        self._refused = True
        headers, body = refused
        keep_alive: bool = parser.should_keep_alive()
        state: Any = self.server_state
        lines: list[tuple[bytes, bytes]] = [*state.default_headers, *headers]
        lines += [] if keep_alive else [(b"connection", b"close")]
        head = b"".join(b"%b: %b\r\n" % line for line in lines)
        self.transport.write(b"HTTP/1.1 429 Too Many Requests\r\n%b\r\n%b" % (head, body))
        if keep_alive:
            self.on_response_complete()
        else:
            self.transport.close()
        return True

    def on_message_complete(self) -> None:
        self._in_head = True
        if self._refused:
            self._refused = False
            return
        super().on_message_complete()
        scope: Any = self.cycle.scope
        scope["state"]["body_is_there"] = True  # nothing to wait for: no timer is needed

    def on_body(self, body: bytes) -> None:
        if self._refused or self.cycle.response_complete:
            self._leftover_bytes += len(body)
            if self._leftover_bytes > MAX_LEFTOVER_BYTES:
                self.transport.close()
        if not self._refused:
            super().on_body(body)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading(sys.maxsize)

    def _expect_reading(self, unread_bytes: int) -> None:
        """Each READ_SECONDS some of what waits must have been taken."""
        left = self.transport.get_write_buffer_size()
        if left < unread_bytes:
            self._unread = self.loop.call_later(READ_SECONDS, self._expect_reading, left)
        else:
            self.transport.abort()

    def resume_writing(self) -> None:
        self._forget_timer()
        super().resume_writing()

    def _forget_timer(self) -> None:
        if self._unread is not None:
            self._unread.cancel()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        call = self._call_under_way()
        if call is not None:
            cycle: Any = self.cycle
            if cycle.response_started:  # for the request log, whose status is that of the beginning
                cycle.scope["state"]["cut"] = CAUSES[ClientLeft].slug
            call.abandon()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        del msg
        self._refuse(MalformedHttp, "this is not HTTP/1.1")

    def _refuse(self, fault: type[RequestFault], detail: str) -> None:
        cause = CAUSES[fault]
        body = problem_json(cause, detail)
        head = (
            f"HTTP/1.1 {cause.status} {cause.title}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _call_under_way(self) -> Call | None:
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn's annotation says
        return None if cycle is None or cycle.response_complete else cycle.scope["state"].get("call")
