"""`python -m bench.engine [MODEL]`: the server at 1, 8 and 64 connections, relative to the bare model.

MODEL is a folder with a manifest; by default the bundled one. The limit is the model called in this process
by as many threads as there are CPUs, tokenising included, text by text, and nothing else. Limit and
server take turns, so that a busy machine slows both; each figure is the rounds' median of a ratio within
one. Takes a minute, and ends with one line of JSON.
"""

import json
import statistics
import sys
from pathlib import Path

from bench.closed_loop import closed_loop
from bench.limit import call_ms, limit_per_second
from bench.peers.text_model import PlainTextModel
from bench.slipway import Serving, serving
from bench.workload import mixed_texts, short_texts
from slipway.service.settings import BUNDLED_MODEL

ROUNDS, SECONDS, CALLS_SECONDS = 5, 1.5, 1.0


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    model = PlainTextModel(folder)
    with serving(folder) as server:
        _round(model, server)  # warms up
        rounds = [_round(model, server) for _ in range(ROUNDS)]
        results = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        results |= {"pss_mb": server.pss_mb(), "ready_s": server.ready_seconds}
        _print(server.manifest.model_version, {name: round(value, 3) for name, value in results.items()})


def _round(model: PlainTextModel, server: Serving) -> dict[str, float]:
    short, mixed = short_texts(), mixed_texts(model.manifest["max_tokens"])
    single = closed_loop(server.port, server.posts(short), 1, CALLS_SECONDS)
    in_process_ms = call_ms(model, short)
    limit = limit_per_second(model, short, SECONDS)
    crowd = closed_loop(server.port, server.posts(short), 64, SECONDS)
    few = closed_loop(server.port, server.posts(short), 8, SECONDS)
    mixed_limit = limit_per_second(model, mixed, SECONDS)
    mixed_crowd = closed_loop(server.port, server.posts(mixed), 64, SECONDS)
    return {
        "short_c64_over_limit": crowd.per_second / limit,
        "short_c8_over_limit": few.per_second / limit,
        "mixed_c64_over_limit": mixed_crowd.per_second / mixed_limit,
        "p50_c1_over_inprocess": single.percentile_ms(0.5) / in_process_ms,
        "p99_over_p50_c64": crowd.percentile_ms(0.99) / crowd.percentile_ms(0.5),
    }


def _print(model_version: str, results: dict[str, float]) -> None:
    print(f"{'model':24} {model_version}")
    for name, value in results.items():
        print(f"{name:24} {value:>10}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
