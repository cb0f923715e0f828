"""Passes what a client sends to the parser, in order and within bounds.

What is not parsed yet, and an unfinished head, count in the account. A head, and what surrounds a chunked
body (sizes, extensions, trailers), may have MAX_HEAD_BYTES each. Trailers are dropped: RFC 9110, section
6.5.1, forbids merging one whose meaning is not known into the headers. Upgrade is ignored, as section 7.8
allows. What follows a request that is under way waits unparsed.
"""

import asyncio
from abc import ABC, abstractmethod
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .account import HEAD_COPIES, SMALL_HEAD_BYTES, Holding
from .faults import (
    HeadTimeout,
    HeadTooLarge,
    MalformedHttp,
    MemoryFull,
    MethodNotAllowed,
    RequestFault,
)
from .heads import KNOWN_VERSIONS, fault_of_head, fault_of_version
from .turns import FIRST_BYTES, TURN_BYTES, Turns

MAX_HEAD_BYTES = 64 << 10
# Each takes some 150 bytes in addition to its own, and may have as few as 5.
MAX_HEADERS = 128
# The parser cannot be stopped: what it has in hand when a bound is passed, or a request is complete, it works
# off. A larger piece would let more requests begin behind one that is under way, 2 KB each.
PIECE_BYTES = 4 << 10
# Around each chunk: at most 16 hexadecimal digits and two line ends. Any more is counted against the bound.
CHUNK_FRAMING_BYTES = 20
# As the parser reports it before it has read one.
NO_VERSION_YET = "0.0"
# What may wait behind a request that is under way. Past it nothing is read, and a client that leaves is not
# noticed before the answer.
MAX_WAITING_BYTES = 64 << 10


class TurnFlow(FlowControl):
    """Flow control that resumes no reading while its connection waits for a turn."""

    waits_for_turn = False

    def resume_reading(self) -> None:
        if not self.waits_for_turn:
            super().resume_reading()


class RequestReader(HttpToolsProtocol, ABC):
    """Reads the requests of one connection; a subclass answers them."""

    active: RequestResponseCycle | None = None  # the exchange that the app has begun and not completed
    _in_head = True  # or between two requests
    _head_has_begun = False
    _waiting = b""
    _stops_reading = False
    _bounds_passed = 0  # ends of heads and of requests
    _framing_bytes = 0
    _data_bytes = 0
    _late: asyncio.TimerHandle | None = None  # of a head that has begun, or of a body that is dropped
    head_seconds = 30.0
    lingers = False  # this side is ended; what the client still sends is dropped
    holding: Holding
    turns: Turns
    flow: TurnFlow  # pyright: ignore[reportIncompatibleVariableOverride] - more than uvicorn's

    @abstractmethod
    def refuse(self, fault: type[RequestFault], detail: str) -> None:
        """Answer a request that cannot be read, in its turn, and read no more."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self.flow = TurnFlow(transport)  # pyright: ignore[reportIncompatibleVariableOverride] - as above

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._read(self._waiting + data if self._waiting else data, FIRST_BYTES)

    def go_on(self) -> None:
        """Read what has waited until the answer was sent."""
        if self._waiting:
            self._unset_keepalive_if_required()
            self._read(self._waiting, TURN_BYTES)

    def take_turn(self) -> None:
        """Read on after others had their turns."""
        self.flow.waits_for_turn = False
        if self.transport.is_closing():
            return
        if self.lingers:  # a refusal came between
            self._waiting = b""
        if self._waiting:
            self.go_on()
        else:
            self.flow.resume_reading()

    def _read(self, data: bytes, most: int) -> None:
        at, end = 0, len(data)
        if end <= PIECE_BYTES and self._may_parse():  # almost always
            at = self._parse(data)
        while at < min(end, most) and self._may_parse():
            at += self._parse(data[at : at + PIECE_BYTES])
        is_over = at == end or self._stops_reading or self.transport.is_closing()
        self._waiting = b"" if is_over else data[at:]
        self._count_unparsed()
        if self.lingers or self.transport.is_closing():
            return
        if self._head_has_begun:
            self.time_head()
        cycle: Any = self.cycle  # None between requests, whatever uvicorn's annotation says
        is_full = cycle is not None and cycle.more_body and len(cycle.body) > HIGH_WATER_LIMIT
        if self._waiting and self._may_parse():
            self._wait_for_turn()
        elif is_full or len(self._waiting) > MAX_WAITING_BYTES:
            self.flow.pause_reading()
        elif self.flow.read_paused:
            self.flow.resume_reading()

    def _wait_for_turn(self) -> None:
        self.flow.pause_reading()
        if not self.flow.waits_for_turn:
            self.flow.waits_for_turn = True
            self.turns.add(self)

    def _count_unparsed(self) -> None:
        head = HEAD_COPIES * self._framing_bytes if self._head_has_begun and not self._stops_reading else 0
        held, before = len(self._waiting) + head, self.holding.head_bytes
        if held > max(before, SMALL_HEAD_BYTES) and not self.holding.fits(held - before):
            self._waiting, held = b"", 0
            self._stop_without_memory()
        if held != before:
            self.holding.hold_head(held)

    def time_head(self) -> None:
        """Start the timer of a head that has begun, once what came before it is answered."""
        if self._head_has_begun and self._late is None and self.active is None:
            self._late = self.loop.call_later(self.head_seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        self._late = None
        if self._in_head and not self.transport.is_closing():
            self._stop(HeadTimeout, f"the request head did not arrive within {self.head_seconds:g} seconds")

    def in_time(self) -> None:
        """Stop the timer: the stage that was timed is over."""
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _may_parse(self) -> bool:
        """Return whether the next bytes belong to no request yet, or to the body of the one in progress."""
        if self._stops_reading or self.transport.is_closing():
            return False
        if self.active is None:  # no further answer before the last one is taken
            return not (self._in_head and self.flow.write_paused)
        return self.active is self.cycle and not self._in_head

    def _parse(self, piece: bytes) -> int:
        """Parse the bytes and return how many: all, unless a head with Upgrade ends before them."""
        passed, self._data_bytes, taken = self._bounds_passed, 0, len(piece)
        try:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                taken = int(upgrade.args[0])
                self._ignore_upgrade()
        except httptools.HttpParserError:
            self._stop_unreadable()
        framing = self._framing_bytes + taken - self._data_bytes
        self._framing_bytes = max(0, framing) if passed == self._bounds_passed else 0
        if self._framing_bytes > MAX_HEAD_BYTES and not self._stops_reading:
            what = "request line and headers" if self._in_head else "trailers and chunk extensions"
            self._stop(HeadTooLarge, f"{what} exceed {MAX_HEAD_BYTES} bytes")
        return taken

    def _stop_unreadable(self) -> None:
        version: str = self.parser.get_http_version()
        if self._in_head and version not in (*KNOWN_VERSIONS, NO_VERSION_YET):
            self._stop(*fault_of_version(version))
        else:
            self._stop(MalformedHttp, "this is not HTTP/1.1")

    def _ignore_upgrade(self) -> None:
        """Read the head once more, without Upgrade: behind it the parser no longer looks for a body."""
        if self.parser.get_method() == b"CONNECT":
            self._stop(MethodNotAllowed, "CONNECT is not supported: this server is not a proxy")
            return
        lines = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        lines.insert(0, b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))

    def _stop(self, fault: type[RequestFault], detail: str) -> None:
        if not self._stops_reading:  # once: what the parser has in hand may be wrong in more than one way
            self._stops_reading = True
            self.refuse(fault, detail)

    def _stop_without_memory(self) -> None:
        self._stop(MemoryFull, "other requests fill the memory available for requests")

    # What the parser calls, in this order for each request:

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head or self._stops_reading:  # a trailer, or of a head that is refused
            return
        value = value.rstrip(b" \t")  # RFC 9112, section 5: the parser strips the leading part alone
        if len(self.headers) == MAX_HEADERS:
            self._stop(HeadTooLarge, f"there are more than {MAX_HEADERS} headers")
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():  # comes again, without it
            return
        self._head_has_begun = False
        if not self._stops_reading:  # else the timer is that of an end that is under way
            self.in_time()
            fault = fault_of_head(self.parser.get_http_version(), self.url, self.headers)
            if fault is None:
                self.on_head()
            else:
                self._stop(*fault)
        self._in_head = False  # not before: a head that fails in there is still one
        self._bounds_passed += 1

    @abstractmethod
    def on_head(self) -> None:
        """Handle a head: the request may begin; its body is yet to come."""

    def begin(self) -> None:
        """Start the exchange of the request whose head has arrived, or queue it."""
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.active = cycle
        super()._start_asgi_task(cycle, app)

    def on_chunk_header(self) -> None:
        self._data_bytes += CHUNK_FRAMING_BYTES

    def on_body(self, body: bytes) -> None:
        self._data_bytes += len(body)
        if not self._stops_reading:
            self.on_data(body)

    @abstractmethod
    def on_data(self, data: bytes) -> None:
        """Handle a piece of the body."""

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = True
        self._bounds_passed += 1
        if not self._stops_reading:
            self.in_time()
            self.on_end()

    @abstractmethod
    def on_end(self) -> None:
        """Handle the end of the request."""
