"""uvicorn's HTTP/1.1, which drops an exchange with its answer or its client, and answers problem details."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from .account import BODY_COPIES
from .api.probes import PROBES
from .api.problems import CAUSES
from .connections import Connections
from .ends import DROP_SECONDS, EndingConnection
from .engine import Call
from .faults import ClientLeft, ConnectionsFull, RequestFault
from .refusals import refusal
from .turns import Turns
from .writing import JoinedHead


class HttpProtocol(EndingConnection):
    """One connection. places: of this process; set by `protocol_for`."""

    _has_place = True
    _refusal: bytes | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._has_place = self.places.add(self)
        if not self._has_place and not self.places.has_room:
            self.transport.close()

    def on_head(self) -> None:
        self.dropped_bytes = 0
        self._unset_keepalive_if_required()
        self.places.begins(self)
        if self._has_no_room():
            return
        if self._is_refused_at_once():
            self._release(self.scope)
            if not self.lingers:  # else its timer runs
                self._late = self.loop.call_later(DROP_SECONDS, self.cut_body)  # until its body has ended
            return
        cast(Any, self.scope)["state"]["holding"] = self.holding
        self.begin()
        # Answers to HEAD have no second write; where a client expects 100, the first is no head.
        joins = self.scope["method"] == "POST" and not self.expect_100_continue
        self.cycle.transport = JoinedHead(self.transport, self.close_after_answer, joins)  # pyright: ignore[reportAttributeAccessIssue]

    def _has_no_room(self) -> bool:
        """Refuse what asks for more than a probe where places or memory are taken."""
        if self._has_place and self.holding.fits(1):
            return False
        if self.url.partition(b"?")[0].decode("latin-1") in PROBES:
            return False
        if self._has_place:
            self._stop_without_memory()
        else:
            self._stop(ConnectionsFull, "all places for connections are taken")
        return True

    def _is_refused_at_once(self) -> bool:
        """Answer a request that finds no place, without beginning an exchange; its body is dropped."""
        app = cast(Any, self.app)  # pyright: ignore[reportUnknownMemberType] - of no one type in uvicorn
        parser: Any = self.parser
        if self.expect_100_continue or self.active is not None or parser.get_method() != b"POST":
            return False
        self.scope["method"], self.scope["path"] = "POST", self.url.decode("latin-1")
        refused: tuple[list[tuple[bytes, bytes]], bytes] | None = app.refused_at_once(self.scope)
        if refused is None:
            return False
        headers, body = refused
        keep_alive: bool = parser.should_keep_alive() and parser.get_http_version() != "1.0"  # as uvicorn
        state: Any = self.server_state
        lines: list[tuple[bytes, bytes]] = [*state.default_headers, *headers]
        lines += [] if keep_alive else [(b"connection", b"close")]
        head = b"".join(b"%b: %b\r\n" % line for line in lines)
        self.transport.write(b"HTTP/1.1 429 Too Many Requests\r\n%b\r\n%b" % (head, body))
        if keep_alive:
            super().on_response_complete()
        else:
            self.close_gently()
        return True

    def on_data(self, data: bytes) -> None:
        cycle: Any = self.cycle
        if cycle is None:
            self.drop(data)
            return
        if not self.holding.fits(BODY_COPIES * len(data)):
            self._stop_without_memory()
            return
        self.holding.hold_body(self.holding.body_bytes + BODY_COPIES * len(data))
        cycle.body += data
        cycle.message_event.set()

    def on_end(self) -> None:
        cycle: Any = self.cycle
        if cycle is None:  # answered already: what was still to come has come
            if self.active is None and not self.lingers:
                self._wait_for_next()
                self._unset_keepalive_if_required()
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
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
        self.holding.hold_answer(0)
        if not self.pipeline:  # else some bodies may be of the next in line
            self.holding.hold_body(0)
        super().on_response_complete()
        if self.active is None and self._refusal is not None:
            self.transport.write(self._refusal)
            self.close_gently()
        else:
            self.go_on()
            self._wait_for_next()
            self.end_if_answered()

    def _wait_for_next(self) -> None:
        """Wait for the next request, or for the rest of a body that is no longer needed."""
        if self.active is not None or self.lingers or self.transport.is_closing():
            return
        if self._in_head:
            if not self.flow.write_paused:  # else its answer is still under way
                self.places.waits(self)
            self.time_head()
        elif self._late is None:
            self._late = self.loop.call_later(DROP_SECONDS, self.cut_body)

    def _release(self, scope: Any) -> None:
        """Drop what a request was answered from, because a connection may idle for long."""
        if self.scope is scope:  # else the next head has begun
            self.scope, self.headers, self.url = cast(Any, None), [], b""

    def connection_lost(self, exc: Exception | None) -> None:
        self.places.remove(self)
        self.pipeline.clear()
        self._unset_keepalive_if_required()  # after a reset uvicorn would keep it, and so this connection
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
        state["has_left"] = True
        active.waiting_for_100_continue = False
        active.disconnected = True
        active.message_event.set()

    def refuse(self, fault: type[RequestFault], detail: str) -> None:
        """Answer a request that cannot be read, after those before it, and close."""
        cycle: Any = self.cycle
        is_answered = cycle is None or (cycle is self.active and cycle.response_started)
        if not self._in_head and is_answered:
            self.transport.close()
            return
        if not self._in_head and cycle is not self.active:
            self.pipeline.popleft()  # the last in line: it is refused in its own place
        if self.active is None or (cycle is self.active and not self._in_head):
            self.transport.write(self._counted_refusal(fault, detail))
            self.close_gently()
            if self.active is not None:
                self._give_up(self.active)  # or the app would answer as well
                self.active.body = bytearray()
                self.holding.hold_body(0)
        else:
            self._refusal = self._counted_refusal(fault, detail)

    def _counted_refusal(self, fault: type[RequestFault], detail: str) -> bytes:
        self.places.refusals[CAUSES[fault].slug] += 1
        return refusal(fault, detail)


def protocol_for(connections: Connections) -> type[HttpProtocol]:
    """Return the protocol class of one process, whose connections share these places."""
    shared = {"places": connections, "turns": Turns()}
    return cast("type[HttpProtocol]", type("Http", (HttpProtocol,), shared))
