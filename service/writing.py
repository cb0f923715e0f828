"""What a connection writes: in as few calls as it takes, and no faster than its client takes it."""

import asyncio
import contextlib
import fcntl
import socket
import struct
import sys
import termios
from collections.abc import Callable

# A client takes at least this much of its answer, or the rest of it, in each WRITE_TIMEOUT_SECONDS.
LEAST_TAKEN_BYTES = 64 << 10
# Up to here head and body are joined; a longer body is not copied for it.
JOINED_BYTES = 64 << 10
# What the kernel takes of an answer that it cannot send yet; the rest waits here, where it is counted.
UNSENT_BYTES = 16 << 10
# linux/tcp.h; the socket module has no name for it. A connection inherits it from its listening socket.
TCP_NOTSENT_LOWAT = 25


class JoinedHead:
    """A connection that writes the head of an answer together with what follows it.

    Two writes would be two system calls, and wake the client twice.
    """

    __slots__ = ("_close", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], object], joins: bool = True) -> None:
        """Write to the transport. close: the connection, once all is written. joins: else writes pass."""
        self._transport = transport
        self._close = close
        self._head: bytes | None = None if joins else b""

    def write(self, data: bytes) -> None:
        if self._head is None:
            self._head = data
        elif self._head and len(data) > JOINED_BYTES:
            self._transport.writelines((self._head, data))
            self._head = b""
        else:
            self._transport.write(self._head + data if self._head else data)
            self._head = b""

    def close(self) -> None:
        if self._head:
            self._transport.write(self._head)
        self._close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class Pace:
    """Watches how fast a client takes what waits for it, from `start` to `stop`. Seconds are of one look."""

    __slots__ = ("_loop", "_on_look", "_seconds", "_timer", "_transport", "_unread_bytes")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        transport: asyncio.Transport,
        seconds: float,
        on_look: Callable[[bool], object],
    ) -> None:
        """on_look: gets whether the client has taken enough since the last look."""
        self._loop = loop
        self._transport = transport
        self._seconds = seconds
        self._on_look = on_look
        self._timer: asyncio.TimerHandle | None = None
        self._unread_bytes = 0

    def start(self) -> None:
        self.stop()
        self._unread_bytes = unread_bytes(self._transport)
        self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        before, self._unread_bytes = self._unread_bytes, unread_bytes(self._transport)
        self._timer = self._loop.call_later(self._seconds, self._look)
        self._on_look(before - self._unread_bytes >= LEAST_TAKEN_BYTES)


def unread_bytes(transport: asyncio.Transport) -> int:
    """Return how much the client has not taken of what was written to it: here, and in the kernel."""
    waiting = transport.get_write_buffer_size()
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is None or sys.platform != "linux":
        return waiting
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4)
    except OSError:  # gVisor knows no such request of a socket
        return waiting
    return waiting + struct.unpack("i", answer)[0]


def reset(transport: asyncio.Transport) -> None:
    """Close at once, and have the kernel too drop what the client has not taken."""
    sock: socket.socket | None = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):  # the client was quicker
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def hand_the_kernel_little(sock: socket.socket) -> None:
    """Bound what each connection of a listening socket leaves unsent with the kernel."""
    if sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT_BYTES)
