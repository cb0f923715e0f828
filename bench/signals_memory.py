"""`python -m bench.signals_memory CHECKOUT`: the memory that metrics, the log of requests and quality take.

The server of CHECKOUT, another commit's folder, and the one here take turns, each in a new process with the
same number of requests, more than the predictions that wait for feedback. Memory is the peak of what no file
backs, in MB of 10^6 bytes, read every 20 ms. It ends with a line of JSON.
"""

import json
import statistics
import sys
import tempfile
import threading
from pathlib import Path

import psutil

from bench.closed_loop import closed_loop
from bench.slipway import KEY, free_port, started
from bench.workload import mixed_texts, slipway_posts
from slipway.components.spec import ROUTES
from slipway.service.manifest import TextManifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from tests.checkout import ROOT

PAIRS, REQUESTS, CONNECTIONS, SECONDS_OF_A_LOAD = 3, 8_000, 8, 0.5
SAMPLE_SECONDS = 0.02


def main() -> None:
    sides = {"other": Path(sys.argv[1]).resolve(), "here": ROOT}
    pairs: list[dict[str, float]] = []
    for number in range(PAIRS):
        names = list(sides) if number % 2 == 0 else list(sides)[::-1]
        pairs.append({name: peak_mb(sides[name]) for name in names})
        print(pairs[-1], flush=True)
    more = [each["here"] - each["other"] for each in pairs]
    print(json.dumps({"median_more_mb": round(statistics.median(more), 2), "pairs": pairs}))


def peak_mb(checkout: Path) -> float:
    """Return the peak of a server's memory. Raises SystemExit for an answer that is not 200."""
    max_tokens = TextManifest.read(BUNDLED_MODEL, TASKS).max_tokens
    posts = slipway_posts(ROUTES["classify"], mixed_texts(max_tokens), KEY)
    with tempfile.TemporaryFile() as log:
        port = free_port()
        server, _ = started(port, log.fileno(), checkout, METRICS_PORT="0")
        peak = Peak(psutil.Process(server.pid))
        try:
            answered = 0
            while answered < REQUESTS:
                load = closed_loop(port, posts, CONNECTIONS, SECONDS_OF_A_LOAD)
                if load.refused:
                    raise SystemExit(f"{load.refused} requests got another status than 200")
                answered += len(load.latencies_ms)
        finally:
            most = peak.stop()
            server.terminate()
            server.wait(timeout=60)
    return round(most / 1e6, 2)


class Peak:
    """Reads a process's anonymous memory on a thread until it is stopped."""

    def __init__(self, process: psutil.Process) -> None:
        self._status = Path(f"/proc/{process.pid}/status")
        self._most = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._ends.wait(SAMPLE_SECONDS):
            [kib] = [line.split()[1] for line in self._status.read_text().splitlines() if "RssAnon" in line]
            self._most = max(self._most, int(kib) << 10)

    def stop(self) -> int:
        """Return the peak in bytes."""
        self._ends.set()
        self._thread.join()
        return self._most


if __name__ == "__main__":
    main()
