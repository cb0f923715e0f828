"""A closed loop of keep-alive connections in one thread: each sends its next request after its answer.

One process with an epoll, so that measuring takes little of the CPUs that the server uses.
"""

import itertools
import re
import select
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ANSWERED = (200, 202)
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """A measured load. per_second: answers of ANSWERED. latencies_ms: theirs, sorted. refused: the others."""

    per_second: float
    latencies_ms: Sequence[float]
    refused: int

    def percentile_ms(self, share: float) -> float:
        return self.latencies_ms[min(int(len(self.latencies_ms) * share), len(self.latencies_ms) - 1)]


class _Connection:
    __slots__ = ("_answer", "_requests", "_sent", "_size", "socket")

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._answer = b""
        self._size = 0  # of the whole answer, in bytes, once its head is there
        self._sent = 0.0

    def ask(self) -> None:
        self._answer, self._size = b"", 0
        self._sent = time.perf_counter()
        self.socket.sendall(next(self._requests))

    def hear(self) -> tuple[int, float] | None:
        """Return status and milliseconds, once the answer is whole."""
        part = self.socket.recv(1 << 14)
        if not part:
            raise SystemExit("the server closed a connection")
        answer = self._answer = self._answer + part if self._answer else part
        if not self._size:
            head_size = answer.find(b"\r\n\r\n") + 4
            if head_size < 4:
                return None
            length = CONTENT_LENGTH.search(answer, 0, head_size)
            self._size = head_size + (int(length[1]) if length else 0)
        if len(answer) < self._size:
            return None
        return int(answer[9:12]), (time.perf_counter() - self._sent) * 1000


def closed_loop(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Keep `connections` requests in progress for `seconds`, taking `requests` in turn."""
    turns = itertools.cycle(requests)
    latencies_ms: list[float] = []
    refused = 0
    opened: dict[int, _Connection] = {}
    with select.epoll() as poll:
        for _ in range(connections):
            connection = _Connection(port, turns)
            opened[connection.socket.fileno()] = connection
            poll.register(connection.socket.fileno(), select.EPOLLIN)
            connection.ask()
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            for fd, _ in poll.poll(1):
                if (answer := opened[fd].hear()) is not None:
                    status, latency_ms = answer
                    if status in ANSWERED:
                        latencies_ms.append(latency_ms)
                    else:
                        refused += 1
                    opened[fd].ask()
        elapsed = time.perf_counter() - begun
        for connection in opened.values():
            connection.socket.close()
    return Load(len(latencies_ms) / elapsed, sorted(latencies_ms), refused)
