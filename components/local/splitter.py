"""Shares the connections of one listening socket out between two versions of a service."""

import selectors
import socket
import threading
import time
from contextlib import suppress

from .control import Control, ControlError

_MOST_AT_ONCE = 64


class Splitter:
    """Accepts connections on a thread and passes each on to one of two versions, by share."""

    def __init__(self, listening: socket.socket, old: Control, new: Control, percent: float) -> None:
        self.percent = percent
        self._listening = listening
        self._old, self._new = old, new
        self._owed = 0.0
        self._is_stopped = False
        self._thread = threading.Thread(target=self._share, name="splitter", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopped = True
        self._thread.join(1)

    def _share(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            while not self._is_stopped:
                if not selector.select(0.1):
                    continue
                for _ in range(_MOST_AT_ONCE):
                    try:
                        connection, _ = self._listening.accept()
                    except BlockingIOError:
                        break
                    except OSError:  # no descriptor is left, or the client is gone
                        time.sleep(0.01)
                        break
                    with connection:
                        self._pass_on(connection)

    def _pass_on(self, connection: socket.socket) -> None:
        self._owed += self.percent
        versions = [self._old, self._new]
        if self._owed >= 100:
            self._owed -= 100
            versions.reverse()
        for version in versions:  # the other one, where a version has ended
            with suppress(ControlError):
                version.pass_on(connection)
                return
