"""`python -m bench.signals [CHECKOUT]`: what metrics and the lines of requests cost in CPU time.

The server as it is shipped, and without metrics and those lines, take turns on the same requests, and so
does that of CHECKOUT, another commit's folder. A figure is the median over the rounds of a ratio within one,
of their own CPU time, so that other work on the machine slows all alike. It ends with a line of JSON.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from bench.closed_loop import closed_loop
from bench.slipway import KEY, free_port, started
from bench.workload import short_texts, slipway_posts
from slipway.components.spec import ROUTES
from tests.checkout import ROOT

ROUNDS, SECONDS, CONNECTIONS = 10, 2.0, 8
WITHOUT = {"METRICS": "off", "LOG_LEVEL": "warning"}


def main() -> None:
    sides: dict[str, tuple[Path, dict[str, str]]] = {"without": (ROOT, WITHOUT), "shipped": (ROOT, {})}
    if len(sys.argv) > 1:
        sides["other"] = (Path(sys.argv[1]).resolve(), {})
    with ExitStack() as running:
        servers = {
            name: running.enter_context(_server(checkout, settings))
            for name, (checkout, settings) in sides.items()
        }
        for port, process in servers.values():  # warms up
            _milliseconds(port, process)
        rounds = [
            {name: _milliseconds(*servers[name]) for name in _order(list(servers), number)}
            for number in range(ROUNDS)
        ]
        memory = {name: process.memory_full_info().pss / 1e6 for name, (_, process) in servers.items()}
    _print(rounds, memory)


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


def _milliseconds(port: int, process: psutil.Process) -> float:
    """Return the CPU time that a request took the server."""
    posts = slipway_posts(ROUTES["classify"], short_texts(), KEY)
    before = process.cpu_times()
    load = closed_loop(port, posts, CONNECTIONS, SECONDS)
    after = process.cpu_times()
    spent = after.user + after.system - before.user - before.system
    return spent * 1000 / len(load.latencies_ms)


def _print(rounds: list[dict[str, float]], memory: dict[str, float]) -> None:
    base = "other" if "other" in rounds[0] else "without"
    results: dict[str, float] = {}
    for name in rounds[0]:
        results[f"{name}_ms"] = statistics.median(each[name] for each in rounds)
        results[f"{name}_over_without"] = statistics.median(each[name] / each["without"] for each in rounds)
        results[f"{name}_pss_mb"] = memory[name]
    results["shipped_over_base"] = statistics.median(each["shipped"] / each[base] for each in rounds)
    results = {name: round(value, 4) for name, value in results.items()}
    for name, value in results.items():
        print(f"{name:24} {value:>10}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
