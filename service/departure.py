"""Whether a client that sends nothing more still waits for its answer, or has left.

Both look the same at first: its side of the connection has ended. What is sent now tells them apart, as the
system of one that has left resets the connection: an interim answer (RFC 9110, section 15.2: each client of
HTTP/1.1 must be able to read it), or a comment between the parts of a stream.
"""

import asyncio
import select
import socket
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# A chunk with the shortest comment of server-sent events (the HTML standard, section 9.2.5).
COMMENT = b"3\r\n:\n\n\r\n"
FIRST_LOOK_SECONDS, LONGEST_SECONDS = 0.02, 1.0


def probe_of(exchange: RequestResponseCycle) -> bytes:
    """Return what may be sent to a client that has ended its side; nothing if it would spoil the answer."""
    if exchange.response_started:
        return COMMENT if exchange.chunked_encoding and not exchange.response_complete else b""
    exchange.waiting_for_100_continue = False
    return INTERIM if exchange.scope["http_version"] == "1.1" else b""


class Departure:
    """Looks for the reset again and again until `stop`: nothing else reports it once reading has ended."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, transport: asyncio.Transport, on_left: Callable[[], object]
    ) -> None:
        self._loop = loop
        self._socket: socket.socket | None = transport.get_extra_info("socket")
        self._on_left = on_left
        self._seconds = FIRST_LOOK_SECONDS
        self._timer = loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        if self._socket is not None and was_reset(self._socket):
            self._on_left()
            return
        self._seconds = min(2 * self._seconds, LONGEST_SECONDS)
        self._timer = self._loop.call_later(self._seconds, self._look)


def was_reset(sock: socket.socket) -> bool:
    """Return whether the other side no longer knows the connection."""
    poll = select.poll()
    poll.register(sock.fileno(), 0)  # hang-ups and errors are reported in any case
    return bool(poll.poll(0))
