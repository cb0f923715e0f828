"""`python -m tests.bench.engine [MODEL]`: the server at 1 and 64 connections against the model's own limit.

MODEL is a folder with a manifest; by default the bundled one. The limit is the model called in this process
by as many threads as there are CPUs, tokenising included, and nothing around it. Limit and server take turns,
so that a busy machine slows both; the ratios are of medians over the rounds. Ends with one line of JSON.
"""

import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from tokenizers import Tokenizer

from components.spec import ROUTES
from service.backends.onnx import OnnxBackend
from service.cpus import usable_cpus
from service.manifest import MODEL_FILE, TOKENIZER_FILE, Manifest
from service.settings import BUNDLED_MODEL
from service.tasks import TASKS, Limits
from service.tasks.texts import TextModel
from tests.bench.closed_loop import Load, closed_loop
from tests.bench.server import KEY, free_port, started

ROUNDS, SECONDS = 5, 1.5
SHORT_WORDS = 13
# Log-normal lengths in words, as of people's messages: a median of 24, and one in a hundred above 180.
MEDIAN_WORDS, SIGMA, TEXTS = 24, 0.9, 400
TEXT = "the service is late again and nobody told us why so we would like our money back please"
WORDS = tuple(TEXT.split(" "))


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    manifest = Manifest.read(folder, TASKS)
    model = _model(folder, manifest)
    texts = {"short": [_text(SHORT_WORDS)], "mixed": _mixed(manifest.max_tokens)}
    with tempfile.TemporaryFile() as log:
        port = free_port()
        server, ready_s = started(port, log.fileno(), MODEL_DIR=str(folder.resolve()))
        try:
            results = _measured(model, texts, port, ROUTES[manifest.task])
            pss_mb = psutil.Process(server.pid).memory_full_info().pss / 1e6
        finally:
            server.terminate()
            server.wait(timeout=30)
    _print(manifest.model_version, results | {"pss_mb": round(pss_mb, 1), "ready_s": round(ready_s, 3)})


def _model(folder: Path, manifest: Manifest) -> TextModel:
    task = TASKS[manifest.task](manifest, Limits(1000, 20_000))
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    return TextModel(manifest, tokenizer, OnnxBackend(folder / MODEL_FILE, task.output))


def _text(words: int) -> str:
    return " ".join(WORDS[place % len(WORDS)] for place in range(words))


def _mixed(max_tokens: int) -> list[str]:
    chance = random.Random(0)
    lengths = [chance.lognormvariate(0, SIGMA) * MEDIAN_WORDS for _ in range(TEXTS)]
    return [_text(max(1, min(round(length), max_tokens // 2))) for length in lengths]


def _measured(model: TextModel, texts: dict[str, list[str]], port: int, route: str) -> dict[str, float]:
    requests = {kind: [_request(route, text) for text in some] for kind, some in texts.items()}
    limits: dict[str, list[float]] = {kind: [] for kind in texts}
    loads: dict[tuple[str, int], list[Load]] = {}
    single_ms: list[float] = []
    for turn in range(ROUNDS + 1):  # the first warms up
        for kind in texts:
            limit = _limit_per_second(model, texts[kind])
            rounds = {
                connections: closed_loop(port, requests[kind], connections, SECONDS)
                for connections in (1, 64)
            }
            if turn > 0:
                limits[kind].append(limit)
                for connections, load in rounds.items():
                    loads.setdefault((kind, connections), []).append(load)
        if turn > 0:
            single_ms.append(_call_ms(model, texts["short"][0]))
    return _ratios(limits, loads, single_ms)


def _ratios(
    limits: dict[str, list[float]], loads: dict[tuple[str, int], list[Load]], single_ms: list[float]
) -> dict[str, float]:
    def median(kind: str, connections: int, of: Callable[[Load], float]) -> float:
        return statistics.median(of(load) for load in loads[kind, connections])

    ratios = {
        f"{kind}_c64_over_limit": median(kind, 64, lambda load: load.per_second)
        / statistics.median(limits[kind])
        for kind in limits
    }
    ratios["p50_c1_over_inprocess"] = median(
        "short", 1, lambda load: load.percentile_ms(0.5)
    ) / statistics.median(single_ms)
    ratios["p99_over_p50_c64"] = median(
        "short", 64, lambda load: load.percentile_ms(0.99) / load.percentile_ms(0.5)
    )
    return {name: round(value, 3) for name, value in ratios.items()}


def _limit_per_second(model: TextModel, texts: Sequence[str]) -> float:
    """Texts a second of one thread for each CPU, each with every text in turn."""
    done = [0] * usable_cpus()
    end = time.perf_counter() + SECONDS

    def work(place: int) -> None:
        while time.perf_counter() < end:
            model.output(model.token_ids(texts[(done[place] * len(done) + place) % len(texts)]))
            done[place] += 1

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(done))]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - begun)


def _call_ms(model: TextModel, text: str) -> float:
    times_ms: list[float] = []
    for _ in range(200):
        begun = time.perf_counter()
        model.output(model.token_ids(text))
        times_ms.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times_ms)


def _request(route: str, text: str) -> bytes:
    body = json.dumps({"text": text, "truncate": True}).encode()
    head = f"POST {route} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _print(model_version: str, results: dict[str, float]) -> None:
    print(f"{'model':24} {model_version}")
    for name, value in results.items():
        print(f"{name:24} {value:>10}")
    print(json.dumps(results))


if __name__ == "__main__":
    main()
