"""A closed loop of keep-alive connections in one thread: each sends its next request when it has its answer.

One process with a selector, so that measuring takes little of the CPUs that the server is measured on.
"""

import itertools
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """per_second: answers with status 200. latencies_ms: sorted. refused: answers with another status."""

    per_second: float
    latencies_ms: Sequence[float]
    refused: int

    def percentile_ms(self, share: float) -> float:
        return self.latencies_ms[min(int(len(self.latencies_ms) * share), len(self.latencies_ms) - 1)]


class _Connection:
    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._answer = b""
        self._sent = 0.0

    def ask(self) -> None:
        self._answer = b""
        self._sent = time.perf_counter()
        self.socket.sendall(next(self._requests))

    def hear(self) -> tuple[int, float] | None:
        """Status and milliseconds, once the answer is whole."""
        part = self.socket.recv(1 << 16)
        if not part:
            raise SystemExit("the server closed a connection")
        self._answer += part
        head, separator, body = self._answer.partition(b"\r\n\r\n")
        if not separator:
            return None
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        if len(body) < length:
            return None
        return int(head[9:12]), (time.perf_counter() - self._sent) * 1000


def closed_loop(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Load:
    """Keep `connections` requests under way for `seconds`, taking `requests` in turn."""
    turns = itertools.cycle(requests)
    latencies_ms: list[float] = []
    refused = 0
    with selectors.DefaultSelector() as selector:
        opened = [_Connection(port, turns) for _ in range(connections)]
        for connection in opened:
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.ask()
        begun = time.perf_counter()
        while time.perf_counter() - begun < seconds:
            for key, _ in selector.select(timeout=1):
                if (answer := key.data.hear()) is not None:
                    status, latency_ms = answer
                    latencies_ms += [latency_ms] if status == 200 else []
                    refused += status != 200
                    key.data.ask()
        elapsed = time.perf_counter() - begun
        for connection in opened:
            connection.socket.close()
    return Load(len(latencies_ms) / elapsed, sorted(latencies_ms), refused)
