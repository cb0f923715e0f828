"""`python -m bench.signals [CHECKOUT]`: what metrics, the lines of requests and traces cost in CPU time.

The server as it is shipped, without metrics and those lines, and with a collector of traces at the default
share and at all requests take turns on the same requests, and so does that of CHECKOUT, another commit's
folder. A figure is the median over the rounds of a ratio within one, of their own CPU time, so that other
work on the machine slows all alike; with it are the ratios between which half of the rounds lie. It ends with
a line of JSON.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.closed_loop import closed_loop
from bench.slipway import KEY, free_port, started
from bench.trace_sink import TraceSink, trace_sink
from bench.workload import short_texts, slipway_posts
from slipway.components.spec import ROUTES
from tests.checkout import ROOT

ROUNDS, SECONDS, CONNECTIONS = 10, 3.0, 8
WITHOUT = {"METRICS": "off", "LOG_LEVEL": "warning"}


def main() -> None:
    with ExitStack() as running:
        sink = running.enter_context(trace_sink())
        servers = {
            name: running.enter_context(_server(checkout, settings))
            for name, (checkout, settings) in _sides(sink).items()
        }
        for port, process in servers.values():  # warms up
            _turn(port, process)
        sink.traces = 0
        rounds = [
            {name: _turn(*servers[name]) for name in _order(list(servers), number)}
            for number in range(ROUNDS)
        ]
        memory = {name: process.memory_full_info().pss / 1e6 for name, (_, process) in servers.items()}
    traced = sum(each["all_traces"].requests for each in rounds)
    print(f"{sink.traces} traces reached the collector, where all {traced} requests of a server were traced")
    _print([{name: turn.milliseconds for name, turn in each.items()} for each in rounds], memory)


def _sides(sink: TraceSink) -> dict[str, tuple[Path, dict[str, str]]]:
    """Return the folder and the settings of each server."""
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url}
    sides: dict[str, tuple[Path, dict[str, str]]] = {
        "without": (ROOT, WITHOUT),
        "shipped": (ROOT, {}),
        "traces": (ROOT, traced),
        "all_traces": (ROOT, traced | {"TRACE_SHARE": "1"}),
    }
    if len(sys.argv) > 1:
        sides["other"] = (Path(sys.argv[1]).resolve(), {})
    return sides


def _order(names: list[str], number: int) -> list[str]:
    """Return the names, each first in its turn."""
    return names[number % len(names) :] + names[: number % len(names)]


@contextmanager
def _server(checkout: Path, settings: dict[str, str]) -> Generator[tuple[int, psutil.Process]]:
    with tempfile.TemporaryFile() as log:
        port = free_port()
        server, _ = started(port, log.fileno(), checkout, METRICS_PORT="0", **settings)
        try:
            yield port, psutil.Process(server.pid)
        finally:
            server.terminate()
            server.wait(timeout=60)


class Turn(NamedTuple):
    """A server's turn. milliseconds: of CPU time that a request took it."""

    milliseconds: float
    requests: int


def _turn(port: int, process: psutil.Process) -> Turn:
    posts = slipway_posts(ROUTES["classify"], short_texts(), KEY)
    before = process.cpu_times()
    load = closed_loop(port, posts, CONNECTIONS, SECONDS)
    after = process.cpu_times()
    if load.refused:
        raise SystemExit(f"{load.refused} requests got another status than 200")
    spent = after.user + after.system - before.user - before.system
    answered = len(load.latencies_ms)
    return Turn(spent * 1000 / answered, answered)


def _print(rounds: list[dict[str, float]], memory: dict[str, float]) -> None:
    base = "other" if "other" in rounds[0] else "without"
    results: dict[str, float] = {}
    for name in rounds[0]:
        results[f"{name}_ms"] = statistics.median(each[name] for each in rounds)
        results[f"{name}_over_without"] = statistics.median(each[name] / each["without"] for each in rounds)
        results[f"{name}_pss_mb"] = memory[name]
    for name, below in (("shipped", base), ("traces", "shipped"), ("all_traces", "shipped")):
        ratios = [each[name] / each[below] for each in rounds]
        low, middle, high = statistics.quantiles(ratios, n=4)
        results |= {
            f"{name}_over_{below}_{part}": value
            for part, value in (("q1", low), ("median", middle), ("q3", high))
        }
    results = {name: round(value, 4) for name, value in results.items()}
    for name, value in results.items():
        print(f"{name:32} {value:>10}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
