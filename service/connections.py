"""Limits how many connections one process has, and chooses which gives way if there are too many.

A new connection has a place before a byte of it is read. If all places are taken, the connection that has
waited longest for a request gives up its own; if every place has a request, a few more connections are
admitted for probes, and no further.
"""

import logging
import resource
import time
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from .account import Account
from .logs import fields, log
from .machine import usable_memory_bytes

# Of the memory limit, a sixteenth is for connections that idle or whose heads are coming.
CONNECTION_BYTES, CONNECTIONS_SHARE = 16 << 10, 16
# Above the places, for the probes.
RESERVED = 32
# Of the model's files, the log, and what libraries open.
OTHER_DESCRIPTORS = 128
# By default, however little memory there is.
LEAST_CONNECTIONS = 32
MOST_DESCRIPTORS = 1 << 16
# One line in so many seconds says that there are too many.
SECONDS_BETWEEN_LINES = 10.0


class Connection(Protocol):
    """A connection that can be closed."""

    def evict(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits.

    most: connections. held_bytes: of all requests and answers. Seconds: for a head, and a write.
    """

    most: int
    held_bytes: int
    head_seconds: float
    write_seconds: float


class Connections:
    """The places of one process. Event loop's thread only."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.account = Account(limits.held_bytes)
        self._waiting: dict[Connection, None] = {}  # for a request, the longest first
        self._count = 0
        self.refusals: Counter[str] = Counter()
        """Cause -> requests that were refused while they were read."""
        self.cuts: Counter[str] = Counter()
        """Reason -> connections that were closed without an answer, or in the middle of one."""
        self._said = -SECONDS_BETWEEN_LINES

    def add(self, connection: Connection) -> bool:
        """Give the connection a place; return False if there is none, so that it may only send a probe."""
        self._count += 1
        self._waiting[connection] = None
        if self._count <= self.limits.most:
            return True
        self._say_full()
        oldest = next(iter(self._waiting))
        if oldest is connection:
            return False
        del self._waiting[oldest]
        self.cuts["place-needed"] += 1
        oldest.evict()
        return True

    @property
    def count(self) -> int:
        """Return the number of open connections."""
        return self._count

    @property
    def free(self) -> int:
        """Return how many more connections have a place; below 1 if none has."""
        return self.limits.most - self._count

    @property
    def has_room(self) -> bool:
        """Return whether a connection without a place may stay to send a probe."""
        return self._count <= self.limits.most + RESERVED

    def remove(self, connection: Connection) -> None:
        self._count -= 1
        self._waiting.pop(connection, None)

    def begins(self, connection: Connection) -> None:
        """Record that the connection has a request."""
        self._waiting.pop(connection, None)

    def waits(self, connection: Connection) -> None:
        """Record that the connection has no request any more, as the one that has waited shortest."""
        self._waiting[connection] = None

    def _say_full(self) -> None:
        now = time.monotonic()
        if now - self._said >= SECONDS_BETWEEN_LINES:
            self._said = now
            most = fields(connections=self._count, max_connections=self.limits.most)
            log.log(logging.WARNING, "All places for connections are taken", extra=most)


def most_connections(wanted: int | None = None) -> int:
    """Return the places that there are: as many as are wanted, or by default as the memory limit suggests.

    Never more than the descriptors that the process may have, whose soft limit is raised for it.
    """
    by_memory = usable_memory_bytes() // CONNECTIONS_SHARE // CONNECTION_BYTES
    descriptors = raised_descriptors()
    most = descriptors - OTHER_DESCRIPTORS - RESERVED
    if most < LEAST_CONNECTIONS:  # there is not even room for the model's files: share what there is
        most = max(1, descriptors // 4)
    if wanted is not None and wanted > most:
        given = fields(max_connections=wanted, connections=most, descriptors=descriptors)
        log.warning("MAX_CONNECTIONS is lowered to what the limit of open files allows", extra=given)
    return min(max(LEAST_CONNECTIONS, by_memory) if wanted is None else wanted, most)


def raised_descriptors() -> int:
    """Raise the soft limit of open files as far as it goes, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a limit of its own
            return soft
        return wanted
    return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
