"""An open loop: requests are sent when they are due, whether or not earlier ones were answered.

Arrivals are Poisson. A latency counts from the moment the request was due, not from when it was written, so a
server (or this process) that falls behind is not flattered: "coordinated omission", Tene 2015. One thread and
one epoll, on keep-alive connections that are opened as they are needed. Connects only to this machine.
"""

import errno
import os
import re
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

MAX_CONNECTIONS = 8000
# After the last request was due, answers are awaited for this long.
LAST_ANSWER_SECONDS = 20
CONTENT_LENGTH = re.compile(rb"content-length: *([0-9]+)", re.IGNORECASE)
CLOSES = re.compile(rb"connection: *close", re.IGNORECASE)


@dataclass(slots=True)
class Outcome:
    """The outcome of a load.

    latencies_ms: for each status, of its answers, in the order they came. unanswered: cut, or never sent.
    in_time: for each status, the answers that came while the load was on, which was `seconds` long.
    cpus: CPU time of this process over `seconds`. late_ms: how long after it was due each request was sent.
    """

    latencies_ms: dict[int, list[float]] = field(default_factory=dict[int, list[float]])
    in_time: dict[int, int] = field(default_factory=dict[int, int])
    unanswered: int = 0
    late_ms: list[float] = field(default_factory=list[float])
    connections: int = 0
    seconds: float = 0.0
    cpus: float = 0.0

    def count(self, status: int) -> int:
        return len(self.latencies_ms.get(status, ()))

    def percentile_ms(self, status: int, share: float) -> float:
        """Return a percentile of the latencies; NaN if no answer has that status."""
        latencies = self.latencies_ms.get(status, ())
        return float(np.quantile(latencies, share, method="lower")) if latencies else float("nan")


def poisson_arrivals(per_second: float, seconds: float, seed: int = 0) -> NDArray[np.float64]:
    """Return the seconds from the start at which requests are due, ascending, below `seconds`."""
    count = int(per_second * seconds * 1.2) + 100
    due = np.cumsum(np.random.default_rng(seed).exponential(1 / per_second, count))
    return due[due < seconds]


def open_loop(
    port: int,
    requests: Sequence[bytes],
    due_seconds: NDArray[np.float64],
    when_all_were_due: Callable[[], None] = lambda: None,
) -> Outcome:
    """Send request i (they take turns) at `due_seconds[i]`, and wait for the answers.

    when_all_were_due: called once, when the load ends and the last answers are still awaited.
    """
    loop = _Loop(port, requests, due_seconds.tolist())
    cpu = time.process_time()
    while loop.due():
        loop.turn()
    loop.end_load(time.process_time() - cpu)
    when_all_were_due()
    end = loop.now() + LAST_ANSWER_SECONDS
    while loop.unanswered() and loop.now() < end:
        loop.turn()
    loop.close()
    return loop.outcome


class _Connection:
    __slots__ = ("answer", "closes", "due", "length", "socket", "unsent")

    def __init__(self, port: int) -> None:
        """Connect without waiting. Raises OSError if this machine has no socket or port left."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if (error := self.socket.connect_ex(("127.0.0.1", port))) not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(error, os.strerror(error))
        self.unsent = b""
        self.answer = b""
        self.length = 0  # bytes of the whole answer, once its head is there
        self.closes = False  # the server said that this answer is the last on this connection
        self.due = -1.0  # -1: nothing is under way

    def send(self, request: bytes) -> bool:
        """Send what the socket takes; return False if the rest must wait.

        Raises OSError if the connection has ended.
        """
        try:
            self.unsent = request[self.socket.send(request) :]
        except BlockingIOError:
            self.unsent = request
        return not self.unsent


class _Loop:
    def __init__(self, port: int, requests: Sequence[bytes], due: list[float]) -> None:
        self.outcome = Outcome()
        self._port, self._requests, self._due = port, requests, due
        self._next = 0
        self._under_way = 0
        self._poll = select.epoll()
        self._connections: dict[int, _Connection] = {}
        self._free: list[_Connection] = []
        self._begun = time.perf_counter()

    def now(self) -> float:
        return time.perf_counter() - self._begun

    def due(self) -> bool:
        """Return whether any request is still to become due."""
        return bool(self._due) and self.now() < self._due[-1]

    def end_load(self, cpu_seconds: float) -> None:
        self.outcome.seconds = self.now()
        self.outcome.cpus = cpu_seconds / self.outcome.seconds
        self.outcome.in_time = {status: len(some) for status, some in self.outcome.latencies_ms.items()}

    def unanswered(self) -> bool:
        return self._under_way > 0 or self._next < len(self._due)

    def turn(self) -> None:
        self._send_what_is_due()
        wait = self._due[self._next] - self.now() if self._next < len(self._due) else 0.05
        for fd, _ in self._poll.poll(min(max(wait, 0.0), 0.05)):
            connection = self._connections[fd]
            if connection.unsent:
                self._send(connection, connection.unsent)
            else:
                self._hear(connection)

    def close(self) -> None:
        self.outcome.unanswered += self._under_way + len(self._due) - self._next
        for connection in self._connections.values():
            connection.socket.close()
        self._poll.close()

    def _send_what_is_due(self) -> None:
        now, due = self.now(), self._due
        while self._next < len(due) and due[self._next] <= now:
            connection = self._free.pop() if self._free else self._opened()
            if connection is None:
                return
            connection.due = due[self._next]
            self.outcome.late_ms.append((now - connection.due) * 1000)
            self._under_way += 1
            self._send(connection, self._requests[self._next % len(self._requests)])
            self._next += 1

    def _send(self, connection: _Connection, request: bytes) -> None:
        waited = bool(connection.unsent)
        try:
            waits = not connection.send(request)
        except OSError:
            self._drop(connection)
            return
        if waits != waited:
            self._poll.modify(connection.socket.fileno(), select.EPOLLOUT if waits else select.EPOLLIN)

    def _opened(self) -> _Connection | None:
        if len(self._connections) >= MAX_CONNECTIONS:
            return None
        try:
            connection = _Connection(self._port)
        except OSError:
            return None
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket.fileno(), select.EPOLLIN)
        self.outcome.connections = max(self.outcome.connections, len(self._connections))
        return connection

    def _hear(self, connection: _Connection) -> None:
        try:
            part = connection.socket.recv(1 << 16)
        except OSError:
            part = b""
        if not part:
            self._drop(connection)
            return
        answer = connection.answer = connection.answer + part
        if not connection.length:
            head, separator, _ = answer.partition(b"\r\n\r\n")
            if not separator:
                return
            found = CONTENT_LENGTH.search(head)
            connection.closes = CLOSES.search(head) is not None
            connection.length = len(head) + 4 + (int(found[1]) if found else 0)
        if len(answer) >= connection.length:
            self._answered(connection)

    def _answered(self, connection: _Connection) -> None:
        latency_ms = (self.now() - connection.due) * 1000
        self.outcome.latencies_ms.setdefault(int(connection.answer[9:12]), []).append(latency_ms)
        self._under_way -= 1
        connection.answer, connection.length, connection.due = b"", 0, -1.0
        if connection.closes:
            self._drop(connection)
        else:
            self._free.append(connection)

    def _drop(self, connection: _Connection) -> None:
        """Forget a connection that ended; a request in progress on it stays unanswered."""
        if connection.due >= 0:
            self.outcome.unanswered += 1
            self._under_way -= 1
        elif connection in self._free:
            self._free.remove(connection)
        del self._connections[connection.socket.fileno()]
        self._poll.unregister(connection.socket.fileno())
        connection.socket.close()
