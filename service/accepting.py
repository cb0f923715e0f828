"""Accepts connections, many in one round of the event loop.

uvloop itself accepts one in each: behind a burst of a few hundred connections a probe would wait for as many
rounds.
"""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from .listener import waiting
from .logs import log

# Each takes some 50 microseconds.
MOST_IN_A_ROUND = 64
# Where all places are taken, each of these ends one that waits for a request.
MOST_WITHOUT_ROOM = 8
# Then those that were accepted are read first, or they would seem to wait for a request.
ROUNDS_TO_READ = 6
# Where no descriptor is left: by then some may be.
RETRY_SECONDS = 1.0


class Accepting:
    """Accepts what comes to a listening socket, until `stop`.

    take: serves one connection. free: returns how many more have a place.
    """

    def __init__(
        self,
        sock: socket.socket,
        take: Callable[[socket.socket], Coroutine[Any, Any, None]],
        free: Callable[[], int],
    ) -> None:
        self._sock = sock
        self._take = take
        self._free = free
        self._loop = asyncio.get_running_loop()
        self._taking: set[asyncio.Task[None]] = set()
        self._is_stopped = False
        self._go_on()

    def stop(self) -> None:
        self._is_stopped = True
        self._loop.remove_reader(self._sock)

    def _go_on(self, after_rounds: int = 0) -> None:
        if after_rounds:
            self._loop.call_soon(self._go_on, after_rounds - 1)
        elif not self._is_stopped:
            self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        free = self._free()
        try:
            taken = waiting(self._sock, min(MOST_IN_A_ROUND, free) if free > 0 else MOST_WITHOUT_ROOM)
        except OSError as error:
            log.warning("No connection can be accepted: %s", error.strerror)
            self._loop.remove_reader(self._sock)
            self._loop.call_later(RETRY_SECONDS, self._go_on)
            return
        for connection in taken:
            task = self._loop.create_task(self._take(connection))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)
        if len(taken) >= free:
            self._loop.remove_reader(self._sock)
            self._go_on(ROUNDS_TO_READ)
