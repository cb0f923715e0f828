"""The control socket of one version of a service, by which another takes over the listening socket from it.

Whoever reaches the socket, which only the server's owner can, sends messages of one byte:

    A  accept connections from the listening socket from now on
    R  retire: accept none from now on, let those that are open end, then leave; another version goes on
    L  send the listening socket
    S  as long as this control connection is open, accept none: the other side shares them out
    C  serve the connection that comes with the message; it may be any stream socket

Each but C is answered with a dot. A sharer that ends, however that comes, gives the listening socket back to
the version that had it.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from .logs import log

ACCEPT, RETIRE, LEND, SHARE, CONNECTION = b"A", b"R", b"L", b"S", b"C"
DONE = b"."
# Connections that one read takes from the control socket.
MOST_AT_ONCE = 64


class Version(Protocol):
    """What a control connection changes in a server."""

    def accept_from(self, listening: socket.socket | None) -> None:
        """Accept connections from this socket; None: from none."""

    def share(self, is_shared: bool) -> None:
        """Note whether connections are shared out between versions."""

    def retire(self) -> None: ...


class Handover:
    """Serves the control socket. Event loop's thread only.

    control: listens. listening: the service's. take: serves one connection.
    """

    def __init__(
        self,
        control: socket.socket,
        listening: socket.socket,
        version: Version,
        take: Callable[[socket.socket], Coroutine[Any, Any, None]],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._control = control
        self._listening = listening
        self._version = version
        self._take = take
        self._taking: set[asyncio.Task[None]] = set()
        self._sharers: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self.has_listener = False
        """Whether this version accepts from the listening socket, or will when it is no longer shared."""
        control.setblocking(False)
        self._loop.add_reader(control, self._connect)

    def close(self) -> None:
        for connection in list(self._open):
            self._close(connection)
        self._loop.remove_reader(self._control)
        self._control.close()

    def _connect(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            connection, _ = self._control.accept()
            connection.setblocking(False)
            self._open.add(connection)
            self._loop.add_reader(connection, self._read, connection)

    def _read(self, connection: socket.socket) -> None:
        try:
            messages, descriptors, _, _ = socket.recv_fds(connection, MOST_AT_ONCE, MOST_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            messages, descriptors = b"", []
        for descriptor in descriptors:
            self._serve(socket.socket(fileno=descriptor))
        if not messages:
            self._close(connection)
            return
        for number in messages:
            self._obey(connection, bytes((number,)))

    def _serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        task = self._loop.create_task(self._take(connection))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)

    def _obey(self, connection: socket.socket, message: bytes) -> None:
        if message == CONNECTION:
            return
        if message == ACCEPT:
            self.has_listener = True
        elif message == SHARE:
            self._sharers.add(connection)
        elif message == RETIRE:
            self.has_listener = False
        elif message != LEND:
            log.warning("The control socket got an unknown message")
            self._close(connection)
            return
        self._apply()
        descriptors = [self._listening.fileno()] if message == LEND else []
        with contextlib.suppress(OSError):  # it left without waiting for the answer
            socket.send_fds(connection, [DONE], descriptors)
        if message == RETIRE:
            self._version.retire()

    def _close(self, connection: socket.socket) -> None:
        self._loop.remove_reader(connection)
        connection.close()
        self._open.discard(connection)
        if connection in self._sharers:
            self._sharers.discard(connection)
            self._apply()

    def _apply(self) -> None:
        self._version.share(bool(self._sharers))
        self._version.accept_from(self._listening if self.has_listener and not self._sharers else None)
