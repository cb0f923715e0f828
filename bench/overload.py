"""`python -m bench.overload [MODEL]`: five times what this machine can serve, and the recovery.

MODEL is a folder with a manifest; by default the bundled one. First the raw limit and a closed loop of 64
connections take turns: the full load. Then an open loop (Poisson arrivals, latencies from the moment each
request was due) offers 5 times the limit for SECONDS (60; QUICK: 10), and from its last request on a single
connection asks in turn until it is answered as fast as before. Ends with one line of JSON.

The generator runs on the server's own CPUs: `generator_cpus` shows what it took of them, and
`accepted_over_left` is the accepted rate over the part of the limit that it left.
"""

import contextlib
import json
import math
import os
import socket
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.closed_loop import Load, closed_loop
from bench.limit import Limit, limit
from bench.open_loop import Outcome, open_loop, poisson_arrivals
from bench.peers.text_model import PlainTextModel
from bench.slipway import Serving, serving
from bench.workload import short_texts
from slipway.service.cpus import usable_cpus
from slipway.service.settings import BUNDLED_MODEL

TIMES_THE_LIMIT = 5
FULL_LOAD_ROUNDS, FULL_LOAD_SECONDS = 3, 3.0
# Latency is back when this many answers in a row have a median within this factor of the quiet one.
BACK_ANSWERS, BACK_FACTOR = 20, 1.5
RECOVERY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Before:
    """The same server's full load, and the limit measured in turn with it."""

    limit_per_second: float
    full_load: Sequence[Load]
    quiet_p50_ms: float
    cpus_share: float


class Probe(threading.Thread):
    """One connection that asks in turn; measures how long after `start()` answers are as fast as before."""

    def __init__(self, port: int, request: bytes, quiet_p50_ms: float) -> None:
        super().__init__()
        self._port, self._request, self._bound_ms = port, request, quiet_p50_ms * BACK_FACTOR
        self.recovery_seconds = float("nan")

    def run(self) -> None:
        with contextlib.suppress(TimeoutError):
            self._ask_until_back()

    def _ask_until_back(self) -> None:
        begun = time.perf_counter()
        latest_ms: list[float] = []
        with socket.create_connection(("127.0.0.1", self._port), timeout=RECOVERY_SECONDS) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (asked := time.perf_counter()) - begun < RECOVERY_SECONDS:
                status = _ask(connection, self._request)
                latency_ms = (time.perf_counter() - asked) * 1000 if status == 200 else float("inf")
                latest_ms = [*latest_ms[1 - BACK_ANSWERS :], latency_ms]
                if len(latest_ms) == BACK_ANSWERS and statistics.median(latest_ms) <= self._bound_ms:
                    self.recovery_seconds = time.perf_counter() - begun
                    return


def _ask(connection: socket.socket, request: bytes) -> int:
    connection.sendall(request)
    answer = b""
    while part := connection.recv(1 << 16):
        answer += part
        head, separator, body = answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if separator and len(body) >= int(length):
            return int(head[9:12])
    raise SystemExit("the server closed the connection that asks whether it is back")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    seconds = float(os.environ.get("SECONDS_OF_OVERLOAD") or (10 if os.environ.get("QUICK") else 60))
    with serving(folder) as server:
        print(json.dumps(overload(folder, server, seconds)))


def overload(folder: Path, server: Serving, seconds: float) -> dict[str, float | None]:
    model = PlainTextModel(folder)
    requests = server.posts(short_texts())
    before = _full_load(model, server.port, requests)
    probe = Probe(server.port, requests[0], before.quiet_p50_ms)
    due = poisson_arrivals(TIMES_THE_LIMIT * before.limit_per_second, seconds)
    cpu_seconds = [_cpu_seconds(server.process)]

    def load_ended() -> None:
        cpu_seconds.append(_cpu_seconds(server.process))
        probe.start()

    outcome = open_loop(server.port, requests, due, load_ended)
    probe.join()
    results = _results(before, outcome, len(due)) | {
        "server_cpus": (cpu_seconds[1] - cpu_seconds[0]) / outcome.seconds,
        "recovery_s": probe.recovery_seconds,
        "pss_mb": server.pss_mb(),
    }
    return {name: None if math.isnan(value) else round(value, 3) for name, value in results.items()}


def _full_load(model: PlainTextModel, port: int, requests: Sequence[bytes]) -> Before:
    limits: list[Limit] = []
    loads: list[Load] = []
    quiet_ms: list[float] = []
    for turn in range(FULL_LOAD_ROUNDS + 1):  # the first warms up
        raw = limit(model, short_texts(), FULL_LOAD_SECONDS)
        load = closed_loop(port, requests, 64, FULL_LOAD_SECONDS)
        quiet = closed_loop(port, requests, 1, FULL_LOAD_SECONDS / 3)
        if turn > 0:
            limits.append(raw)
            loads.append(load)
            quiet_ms.append(quiet.percentile_ms(0.5))
    return Before(
        limit_per_second=statistics.median(each.per_second for each in limits),
        full_load=loads,
        quiet_p50_ms=statistics.median(quiet_ms),
        cpus_share=statistics.median(each.cpus_share for each in limits),
    )


def _results(before: Before, outcome: Outcome, offered: int) -> dict[str, float]:
    """Return the results. Rates are of answers during the load; `refused` are those with status 429."""
    raw = before.limit_per_second
    accepted_over_limit = outcome.in_time.get(200, 0) / outcome.seconds / raw
    full_p99_ms = statistics.median(load.percentile_ms(0.99) for load in before.full_load)
    p99_ms = outcome.percentile_ms(200, 0.99)
    return {
        "limit_per_second": raw,
        "offered_over_limit": offered / outcome.seconds / raw,
        "full_load_over_limit": statistics.median(load.per_second for load in before.full_load) / raw,
        "accepted_over_limit": accepted_over_limit,
        "accepted_over_left": accepted_over_limit / (1 - outcome.cpus / usable_cpus()),
        "accepted_p50_ms": outcome.percentile_ms(200, 0.5),
        "accepted_p99_ms": p99_ms,
        "full_load_p99_ms": full_p99_ms,
        "accepted_p99_over_full_load_p99": p99_ms / full_p99_ms,
        "refused_share": outcome.count(429) / offered,
        "refused_p50_ms": outcome.percentile_ms(429, 0.5),
        "refused_p99_ms": outcome.percentile_ms(429, 0.99),
        "other_answers": sum(map(len, outcome.latencies_ms.values()))
        - outcome.count(200)
        - outcome.count(429),
        "unanswered": outcome.unanswered,
        "connections": outcome.connections,
        "late_p99_ms": sorted(outcome.late_ms)[int(len(outcome.late_ms) * 0.99)],
        "quiet_p50_ms": before.quiet_p50_ms,
        "generator_cpus": outcome.cpus,
        "quietness": before.cpus_share,
    }


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


if __name__ == "__main__":
    main()
