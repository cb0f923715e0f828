"""Lets connections that sent much take turns, so that the event loop comes round to the others in between.

One client on a fast network can send megabytes between two looks at its connection, and hundreds of clients
can do so at once. FIRST_BYTES of what came are read at once, which is a whole request of most clients; with
more, a connection waits, unread, for its next turn.
"""

import asyncio
import time
from collections import deque
from typing import Protocol

FIRST_BYTES = 8 << 10
# Some 0.1 ms of parsing and counting.
TURN_BYTES = 32 << 10
# One round of the event loop takes as long as this for turns, and one turn.
ROUND_SECONDS = 0.005


class Reader(Protocol):
    """A connection with something to read."""

    def take_turn(self) -> None: ...


class Turns:
    """The queue of one process. Event loop's thread only."""

    def __init__(self) -> None:
        self._waiting: deque[Reader] = deque()
        self._is_due = False

    def add(self, reader: Reader) -> None:
        """Let the reader have its next turn after those who wait already."""
        self._waiting.append(reader)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        self._is_due = False
        end = time.monotonic() + ROUND_SECONDS
        for _ in range(len(self._waiting)):  # whoever comes again waits for the next round
            self._waiting.popleft().take_turn()
            if time.monotonic() >= end:
                break
        self._go_on()
