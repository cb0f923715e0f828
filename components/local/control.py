"""The control socket of a server: takes its listening socket over, shares connections out, asks it directly.

service/handover.py is the other side, and lists the messages. Times are in seconds.
"""

import contextlib
import http.client
import json
import os
import select
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, Self

CONTROL = "control"
_ACCEPT, _RETIRE, _LEND, _SHARE, _CONNECTION = b"A", b"R", b"L", b"S", b"C"
# unix(7): a path has 108 bytes at most, 104 on macOS.
_MOST_PATH_BYTES = 100
# A server whose event loop does not answer in this time is not asked further.
_PATIENCE_SECONDS = 5.0
# For a full socket of a server that takes nothing from it: other connections wait behind this one.
_FULL_SECONDS = 0.05
_BACKLOG = 16


class ControlError(Exception):
    """The server cannot be reached by its control socket, or does not answer there."""


class Control:
    """One connection to a server's control socket. It is closed at the end of a `with` block."""

    def __init__(self, folder: Path) -> None:
        """Connect. folder: of the server's process. Raises ControlError."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(_PATIENCE_SECONDS)
        try:
            with _short(folder / CONTROL) as path:
                self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise ControlError(f"{folder / CONTROL}: {error.strerror or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def accept(self) -> None:
        """Let the server accept from the listening socket. Raises ControlError, as do the others."""
        self._order(_ACCEPT)

    def retire(self) -> None:
        """Let the server go when its open connections have ended, because another one has the traffic."""
        self._order(_RETIRE)

    def share(self) -> None:
        """Keep the server from accepting as long as this connection is open; it gets what is passed on."""
        self._order(_SHARE)

    def lend(self) -> socket.socket:
        """Return a copy of the listening socket."""
        [descriptor] = self._order(_LEND) or [-1]
        if descriptor < 0:
            raise ControlError("the server has sent no listening socket")
        return socket.socket(fileno=descriptor)

    def pass_on(self, connection: socket.socket) -> None:
        """Let the server serve this connection; the caller closes its own copy."""
        poll = select.poll()
        poll.register(self._socket, select.POLLOUT)
        if not poll.poll(_FULL_SECONDS * 1000):
            raise ControlError("the server takes no connections")
        try:
            socket.send_fds(self._socket, [_CONNECTION], [connection.fileno()])
        except OSError as error:
            raise ControlError(str(error)) from None

    def ask(
        self, method: str, path: str, body: Any = None, key: str = "", timeout: float = _PATIENCE_SECONDS
    ) -> tuple[int, Any]:
        """Send this server a request, whichever version has the traffic. Return the status and the JSON.

        The JSON is None where the answer is none.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.settimeout(timeout)
            self.pass_on(theirs)
            theirs.close()
            connection = http.client.HTTPConnection("localhost", timeout=timeout)
            connection.sock = ours
            headers = {"Content-Type": "application/json", "Connection": "close"}
            headers |= {"Authorization": f"Bearer {key}"} if key else {}
            try:
                connection.request(method, path, None if body is None else json.dumps(body), headers)
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                raise ControlError(f"{method} {path}: {error or type(error).__name__}") from None
            with contextlib.suppress(ValueError):
                return answer.status, json.loads(content)
            return answer.status, None

    def _order(self, message: bytes) -> list[int]:
        try:
            self._socket.sendall(message)
            answer, descriptors, _, _ = socket.recv_fds(self._socket, 1, 1)
        except OSError as error:
            raise ControlError(str(error)) from None
        if not answer:
            raise ControlError("the server has closed its control socket")
        return descriptors


def control_listener(folder: Path) -> socket.socket:
    """Listen on the control socket of a server that is about to start in this folder. Raises OSError."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    (folder / CONTROL).unlink(missing_ok=True)
    with _short(folder / CONTROL) as path:
        listening.bind(path)
    listening.listen(_BACKLOG)
    return listening


def is_ready(folder: Path) -> bool:
    """Return whether the server whose process is in this folder answers `/ready` with 200."""
    try:
        with Control(folder) as control:
            return control.ask("GET", "/ready", timeout=2)[0] == 200
    except ControlError:
        return False


@contextlib.contextmanager
def _short(path: Path) -> Generator[str]:
    """Yield a name of the socket that is short enough for the system, whatever the folder's."""
    if len(os.fsencode(path)) <= _MOST_PATH_BYTES:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if sys.platform == "linux":
            yield f"/proc/self/fd/{folder}/{path.name}"
            return
        before = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fchdir(folder)
            yield path.name
        finally:
            os.fchdir(before)
            os.close(before)
    finally:
        os.close(folder)
