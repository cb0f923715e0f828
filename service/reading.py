"""What a client sends, handed to the parser in order and within bounds.

A head, and what surrounds a chunked body (sizes, extensions, trailers), may have MAX_HEAD_BYTES each.
Trailers are dropped: RFC 9110, section 6.5.1, forbids merging one whose meaning is not known into the
headers. Upgrade is ignored, as section 7.8 allows. What follows a request that is under way waits unparsed.
"""

from abc import ABC, abstractmethod
from typing import Any

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .faults import HeadTooLarge, MalformedHttp, MethodNotAllowed, RequestFault

MAX_HEAD_BYTES = 64 << 10
# The parser cannot be stopped: what it has in hand when a bound is passed, or a request is complete, it works
# off. A larger piece would let more requests begin behind one that is under way, 2 KB each.
PIECE_BYTES = 4 << 10
# Around each chunk: at most 16 hexadecimal digits and two line ends. Any more is counted against the bound.
CHUNK_FRAMING_BYTES = 20
# What may wait behind a request that is under way. Past it nothing is read, and a client that leaves is not
# noticed before the answer.
MAX_WAITING_BYTES = 64 << 10


class RequestReader(HttpToolsProtocol, ABC):
    """Reads the requests of one connection; a subclass answers them."""

    active: RequestResponseCycle | None = None  # the exchange that the app has begun and not completed
    _in_head = True  # or between two requests
    _waiting = b""
    _stops_reading = False
    _bounds_passed = 0  # ends of heads and of requests
    _framing_bytes = 0
    _data_bytes = 0

    @abstractmethod
    def refuse(self, fault: type[RequestFault], detail: str) -> None:
        """Answer what cannot be read, in its turn, and read no more."""

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._read(self._waiting + data if self._waiting else data)

    def go_on(self) -> None:
        """Read what has waited for an answer."""
        if self._waiting:
            self._unset_keepalive_if_required()
            self._read(self._waiting)

    def _read(self, data: bytes) -> None:
        at, end = 0, len(data)
        if end <= PIECE_BYTES and self._may_parse():  # almost always
            at = self._parse(data)
        while at < end and self._may_parse():
            at += self._parse(data[at : at + PIECE_BYTES])
        if self.transport.is_closing():
            self._waiting = b""
            return
        self._waiting = b"" if at == end or self._stops_reading else data[at:]
        cycle: Any = self.cycle  # None between requests, whatever uvicorn's annotation says
        is_full = cycle is not None and cycle.more_body and len(cycle.body) > HIGH_WATER_LIMIT
        if is_full or len(self._waiting) > MAX_WAITING_BYTES:
            self.flow.pause_reading()
        elif self.flow.read_paused:
            self.flow.resume_reading()

    def _may_parse(self) -> bool:
        """Whether the next bytes belong to no request yet, or to the body of the one under way."""
        if self._stops_reading or self.transport.is_closing():
            return False
        return self.active is None or (self.active is self.cycle and not self._in_head)

    def _parse(self, piece: bytes) -> int:
        """Returns how many bytes were taken: all, unless a head with Upgrade ends before them."""
        passed, self._data_bytes, taken = self._bounds_passed, 0, len(piece)
        try:
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                taken = int(upgrade.args[0])
                self._ignore_upgrade()
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self._stop(MalformedHttp, "this is not HTTP/1.1")
        framing = self._framing_bytes + taken - self._data_bytes
        self._framing_bytes = max(0, framing) if passed == self._bounds_passed else 0
        if self._framing_bytes > MAX_HEAD_BYTES and not self._stops_reading:
            what = "request line and headers" if self._in_head else "trailers and chunk extensions"
            self._stop(HeadTooLarge, f"{what} exceed {MAX_HEAD_BYTES} bytes")
        return taken

    def _ignore_upgrade(self) -> None:
        """Read the head once more, without Upgrade: behind it the parser no longer looks for a body."""
        if self.parser.get_method() == b"CONNECT":
            self._stop(MethodNotAllowed, "CONNECT is not supported: this server is no proxy")
            return
        lines = [b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"]
        version = self.parser.get_http_version().encode()
        lines.insert(0, b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, version))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))

    def _stop(self, fault: type[RequestFault], detail: str) -> None:
        self._stops_reading = True
        self.refuse(fault, detail)

    # What the parser calls, in this order for each request:

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # a trailer
            return
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():  # comes again, without it
            return
        self.on_head()
        self._in_head = False  # not before: a head that fails in there is still one
        self._bounds_passed += 1

    @abstractmethod
    def on_head(self) -> None:
        """The request may begin; its body is yet to come."""

    def begin(self) -> None:
        """Start the exchange of the request whose head is there, or put it in line."""
        super().on_headers_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.active = cycle
        super()._start_asgi_task(cycle, app)

    def on_chunk_header(self) -> None:
        self._data_bytes += CHUNK_FRAMING_BYTES

    def on_body(self, body: bytes) -> None:
        self._data_bytes += len(body)
        self.on_data(body)

    @abstractmethod
    def on_data(self, data: bytes) -> None:
        """Some of the body has come."""

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._in_head = True
        self._bounds_passed += 1
        self.on_end()

    @abstractmethod
    def on_end(self) -> None:
        """The request is complete."""
