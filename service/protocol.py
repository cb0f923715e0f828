"""uvicorn's HTTP/1.1, which drops an exchange with its answer or its client, and answers problem details."""

import asyncio
import sys
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from .api.problems import CAUSES, MEDIA_TYPE, problem_json
from .engine import Call
from .faults import ClientLeft, MethodNotAllowed, RequestFault
from .reading import RequestReader

# What is still read, and dropped, after an early answer such as 413, so that the client gets to see it.
MAX_DROPPED_BYTES = 16 << 20
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


class HttpProtocol(RequestReader):
    _dropped_bytes = 0
    _refusal: bytes | None = None
    _unread: asyncio.TimerHandle | None = None

    def on_head(self) -> None:
        self._dropped_bytes = 0
        if self._is_refused_at_once():
            self._release(self.scope)
            return
        self.begin()
        # Answers to HEAD have no second write; where a client expects 100, the first is no head.
        if self.scope["method"] == "POST" and not self.expect_100_continue:
            self.cycle.transport = JoinedHead(self.transport)  # pyright: ignore[reportAttributeAccessIssue]

    def _is_refused_at_once(self) -> bool:
        """Answers a request for which there is no place, with no exchange begun; its body is dropped."""
        app = cast(Any, self.app)  # pyright: ignore[reportUnknownMemberType] - of no one type in uvicorn
        parser: Any = self.parser
        if self.expect_100_continue or self.active is not None or parser.get_method() != b"POST":
            return False
        self.scope["method"], self.scope["path"] = "POST", self.url.decode("latin-1")
        refused: tuple[list[tuple[bytes, bytes]], bytes] | None = app.refused_at_once(self.scope)
        if refused is None:
            return False
        headers, body = refused
        keep_alive: bool = parser.should_keep_alive()
        state: Any = self.server_state
        lines: list[tuple[bytes, bytes]] = [*state.default_headers, *headers]
        lines += [] if keep_alive else [(b"connection", b"close")]
        head = b"".join(b"%b: %b\r\n" % line for line in lines)
        self.transport.write(b"HTTP/1.1 429 Too Many Requests\r\n%b\r\n%b" % (head, body))
        if keep_alive:
            super().on_response_complete()
        else:
            self.transport.close()
        return True

    def on_data(self, data: bytes) -> None:
        cycle: Any = self.cycle
        if cycle is None:
            self._dropped_bytes += len(data)
            if self._dropped_bytes > MAX_DROPPED_BYTES:
                self.transport.close()
            return
        cycle.body += data
        cycle.message_event.set()

    def on_end(self) -> None:
        cycle: Any = self.cycle
        if cycle is None:
            return
        cycle.more_body = False
        cycle.message_event.set()
        cycle.scope["state"]["body_is_there"] = True  # nothing to wait for: no timer is needed

    def on_response_complete(self) -> None:
        answered, self.active = self.active, None
        if answered is not None:
            if self.cycle is answered:
                self.cycle = cast(Any, None)  # as before the first request: what still comes is dropped
            self._release(answered.scope)
        super().on_response_complete()
        if self.active is None and self._refusal is not None:
            self.transport.write(self._refusal)
            self.transport.close()
        else:
            self.go_on()

    def _release(self, scope: Any) -> None:
        """A connection may idle for long: it must not hold what a request was answered from."""
        if self.scope is scope:  # else the next head has begun
            self.scope, self.headers, self.url = cast(Any, None), [], b""

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
        self._unset_keepalive_if_required()  # after a reset uvicorn would keep it, and so this connection
        self.pipeline.clear()
        if self.active is not None:
            self._give_up(self.active)
        super().connection_lost(exc)

    def _give_up(self, active: RequestResponseCycle) -> None:
        state: dict[str, Any] = cast(Any, active.scope)["state"]
        call: Call | None = state.get("call")
        if call is not None:
            if active.response_started:  # for the request log, whose status is that of the beginning
                state["cut"] = CAUSES[ClientLeft].slug
            call.abandon()
        active.disconnected = True
        active.message_event.set()

    def refuse(self, fault: type[RequestFault], detail: str) -> None:
        """Answer what cannot be read, once what came before it is answered, and close."""
        cycle: Any = self.cycle
        is_answered = cycle is None or (cycle is self.active and cycle.response_started)
        if not self._in_head and is_answered:
            self.transport.close()
            return
        if not self._in_head and cycle is not self.active:
            self.pipeline.popleft()  # the last in line: it is refused in its own place
        if self.active is None or (cycle is self.active and not self._in_head):
            self.transport.write(_refusal(fault, detail))
            self.transport.close()
            if self.active is not None:
                self._give_up(self.active)  # or the app would answer as well
        else:
            self._refusal = _refusal(fault, detail)


def _refusal(fault: type[RequestFault], detail: str) -> bytes:
    cause = CAUSES[fault]
    body = problem_json(cause, detail)
    lines = [
        f"HTTP/1.1 {cause.status} {cause.title}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        *(["allow:"] if fault is MethodNotAllowed else []),  # RFC 9110, 10.2.1: empty, no method is allowed
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
