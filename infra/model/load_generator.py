"""Sends requests to a service on this machine, in a closed loop, for a bounded time. Times are in ms."""

import http.client
import json
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil
from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class Rate:
    """Throughput and latency at one length and concurrency; the client ran on the same machine."""

    tokens: int
    """Of a request; rows where the model takes no text."""
    concurrency: int
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms_per_request: float
    written_per_second: float | None = None
    """Tokens that the model wrote; None if it writes none."""
    memory_mib: int | None = None
    """Peak while these requests ran; None if it was not watched."""


class LoadFailed(Exception):
    """The service did not answer as expected; the text says what it answered instead."""


def text_of(tokenizer: Tokenizer, tokens: int) -> str:
    """Compose a text of exactly or just under `tokens` tokens, including special ones."""
    words = tokens
    while words > 1 and len(tokenizer.encode("a " * words).ids) > tokens:
        words -= 1
    return "a " * words


@dataclass(frozen=True, slots=True)
class Service:
    """The service's address, its key, the process whose CPU time counts, and the route of its task."""

    host: str
    port: int
    key: str
    pid: int
    route: str

    def cpu_ms(self) -> float:
        """CPU time of all its threads so far; 0 when it is gone."""
        try:
            times = psutil.Process(self.pid).cpu_times()
        except psutil.Error:
            return 0
        return (times.user + times.system) * 1000


def rate(
    service: Service,
    request: Mapping[str, Any],
    tokens: int,
    concurrency: int,
    seconds: float,
    written: Callable[[bytes], int] | None = None,
) -> Rate:
    """Keep `concurrency` requests in progress for `seconds`. Raises LoadFailed.

    request: the body of each request. tokens: how many it has, or rows; only reported. written: returns the
    tokens that the model wrote for an answer.
    """
    body = json.dumps(request)
    headers = {"Authorization": f"Bearer {service.key}", "Content-Type": "application/json"}
    times_ms: list[float] = []
    counts: list[int] = []
    failures: list[str] = []
    end = time.monotonic() + seconds

    def ask() -> None:
        connection = http.client.HTTPConnection(service.host, service.port, timeout=60)
        try:
            while not failures:
                begun = time.perf_counter()
                connection.request("POST", service.route, body, headers)
                response = connection.getresponse()
                answer = response.read()
                if response.status != 200:
                    failures.append(f"status {response.status}: {answer[:200].decode(errors='replace')}")
                times_ms.append((time.perf_counter() - begun) * 1000)
                if written is not None and not failures:
                    counts.append(written(answer))
                if time.monotonic() >= end:  # asked here, so that a busy machine answers once at least
                    return
        except (OSError, http.client.HTTPException) as error:
            failures.append(f"{type(error).__name__} {error}")
        finally:
            connection.close()

    begun, cpu_ms = time.monotonic(), service.cpu_ms()
    clients = [threading.Thread(target=ask) for _ in range(concurrency)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    if failures:
        raise LoadFailed(f"A request of {tokens} tokens or rows failed: {failures[0]}")
    took = time.monotonic() - begun
    return Rate(
        tokens,
        concurrency,
        round(len(times_ms) / took, 1 if len(times_ms) > took else 3),
        round(statistics.median(times_ms), 2),
        round(sorted(times_ms)[int(len(times_ms) * 0.99)], 2),
        round((service.cpu_ms() - cpu_ms) / len(times_ms), 3),
        round(sum(counts) / took, 1) if written is not None else None,
    )
