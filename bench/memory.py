"""`python -m bench.memory [MODEL]`: the memory while 200,000 requests of mixed lengths are served.

Memory is PSS in MB of 10^6 bytes, read every few seconds. Growth is the difference of the medians of the last
and the first tenth of the samples, the first tenth of the requests left out: arenas fill up then. Ends early
after MAX_SECONDS, and reports how far it came.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.closed_loop import closed_loop
from bench.slipway import Serving, serving
from bench.workload import mixed_texts
from slipway.service.settings import BUNDLED_MODEL

REQUESTS, QUICK_REQUESTS = 200_000, 4_000
CONNECTIONS, SAMPLE_SECONDS = 16, 3.0
MAX_SECONDS = 600
WARM_UP, EDGE = 0.1, 0.1


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    with serving(folder) as server:
        print(json.dumps(memory(server, QUICK_REQUESTS if os.environ.get("QUICK") else REQUESTS)))


def memory(server: Serving, requests: int) -> dict[str, float | None]:
    posts = server.posts(mixed_texts(server.manifest.max_tokens))
    samples: list[tuple[int, float]] = [(0, server.pss_mb())]
    refused = 0
    end = time.monotonic() + MAX_SECONDS
    while samples[-1][0] < requests and time.monotonic() < end:
        load = closed_loop(server.port, posts, CONNECTIONS, SAMPLE_SECONDS)
        refused += load.refused
        samples.append((samples[-1][0] + len(load.latencies_ms), server.pss_mb()))
    grown_mb = growth_mb(samples)
    return {
        "requests": samples[-1][0],
        "refused": refused,
        "start_mb": round(samples[0][1], 1),
        "median_mb": round(statistics.median(mb for _, mb in samples[1:]), 1),
        "most_mb": round(max(mb for _, mb in samples), 1),
        "growth_mb": None if grown_mb is None else round(grown_mb, 2),
    }


def growth_mb(samples: Sequence[tuple[int, float]]) -> float | None:
    """Return the growth; None if too few samples are left to compare.

    samples: (requests served so far, MB), ascending.
    """
    last = samples[-1][0]
    warm = [mb for served, mb in samples if served >= last * WARM_UP]
    edge = max(1, round(len(warm) * EDGE))
    if len(warm) < 2 * edge:
        return None
    return statistics.median(warm[-edge:]) - statistics.median(warm[:edge])


if __name__ == "__main__":
    main()
