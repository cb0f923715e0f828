"""`python -m bench.batch [MODEL]`: files scored by a batch, relative to the bare model over the same rows.

The limit is the model called in this process by as many threads as there are CPUs, tokenising included, text
by text, over the rows of a CSV file. The batch reads that file, checks each row as a request, writes parts,
their checkpoints and the report. Both take turns, and each figure is the rounds' median of the ratio within
one: of seconds, and of CPU time, which other programs on the machine change less. Ends with one line of JSON.
"""

import csv
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from bench.peers.text_model import PlainTextModel
from bench.workload import mixed_texts
from slipway.service.batch.in_flight import InFlight, shared_file
from slipway.service.batch.progress import ShardProgress
from slipway.service.batch.settings import batch_settings
from slipway.service.batch.worker import BatchWorker
from slipway.service.cpus import usable_cpus
from slipway.service.settings import BUNDLED_MODEL, settings_from_environment

ROUNDS, ROWS, PART_ROWS = 9, 6000, 2000


class Spent(NamedTuple):
    """What the rows took: wall time, and CPU time of all threads."""

    seconds: float
    cpu_seconds: float


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    model = PlainTextModel(folder)
    texts = mixed_texts(model.manifest["max_tokens"])
    texts = [texts[place % len(texts)] for place in range(ROWS)]
    with tempfile.TemporaryDirectory() as name:
        rows = Path(name) / "rows.csv"
        _write(rows, texts)
        outs = [Path(name) / f"out-{number}" for number in range(1 + ROUNDS)]
        _, *ratios = [_round(model, folder, texts, rows, out) for out in outs]  # the first one warms up
    results = {
        "batch_over_limit": round(statistics.median(wall for wall, _ in ratios), 3),
        "batch_cpu_over_limit": round(statistics.median(cpu for _, cpu in ratios), 3),
    }
    print(f"{'model':24} {model.manifest['name']}")
    for figure, value in results.items():
        print(f"{figure:24} {value:>10}")
    print(json.dumps(results))


def _round(
    model: PlainTextModel, folder: Path, texts: Sequence[str], rows: Path, out: Path
) -> tuple[float, float]:
    limit, batch = raw(model, texts), scored(folder, rows, out)
    return limit.seconds / batch.seconds, limit.cpu_seconds / batch.cpu_seconds


def raw(model: PlainTextModel, texts: Sequence[str]) -> Spent:
    """Return what the bare model takes for the texts, on one thread per CPU."""
    numbers = count()

    def work() -> None:
        while (place := next(numbers)) < len(texts):
            model.outputs([texts[place]])

    threads = [threading.Thread(target=work) for _ in range(usable_cpus())]
    begun, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Spent(time.perf_counter() - begun, time.process_time() - cpu)


def scored(folder: Path, rows: Path, out: Path) -> Spent:
    """Return what a batch takes from its first row on, to the last file it writes."""
    environment = {
        "MODEL_API_KEY": "a-key-that-nobody-uses",
        "MODEL_DIR": str(folder),
        "BATCH_INPUT": str(rows),
        "BATCH_OUTPUT": str(out),
        "BATCH_PART_ROWS": str(PART_ROWS),
    }
    with mock.patch.dict(os.environ, environment):
        worker = BatchWorker(settings_from_environment(), batch_settings(), InFlight(shared_file()))
    worker.progress = timed = _Timed(0, 1, 3600)
    worker.run()
    return Spent(time.perf_counter() - timed.began.seconds, time.process_time() - timed.began.cpu_seconds)


class _Timed(ShardProgress):
    """Notes when the first row is about to be computed: the model is loaded by then."""

    began = Spent(0, 0)

    def begins(self) -> None:
        super().begins()
        self.began = Spent(time.perf_counter(), time.process_time())


def _write(path: Path, texts: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([str(place), text] for place, text in enumerate(texts))


if __name__ == "__main__":
    main()
