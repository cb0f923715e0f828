"""`python -m bench.batch [MODEL]`: files scored by a batch, relative to the bare model over the same rows.

The limit is the model called in this process by as many threads as there are CPUs, tokenising included, text by
text, over the rows of a CSV file. The batch reads that file, checks each row as a request, writes parts, their
checkpoints and the report. Both take turns, and the figure is the rounds' median of the ratio within one. Ends with
one line of JSON.
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
from unittest import mock

from bench.peers.text_model import PlainTextModel
from bench.workload import mixed_texts
from slipway.service.batch.in_flight import InFlight, shared_file
from slipway.service.batch.settings import batch_settings
from slipway.service.batch.worker import Worker
from slipway.service.cpus import usable_cpus
from slipway.service.settings import BUNDLED_MODEL, settings_from_environment

ROUNDS, ROWS, PART_ROWS = 5, 8000, 2000


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    model = PlainTextModel(folder)
    texts = mixed_texts(model.manifest["max_tokens"])
    texts = [texts[place % len(texts)] for place in range(ROWS)]
    with tempfile.TemporaryDirectory() as name:
        rows = Path(name) / "rows.csv"
        _write(rows, texts)
        ratios = [
            _round(model, folder, texts, rows, Path(name) / f"out-{number}") for number in range(ROUNDS)
        ]
    result = {"batch_over_limit": round(statistics.median(ratios), 3)}
    print(f"{'model':24} {model.manifest['name']}")
    print(
        f"{'batch_over_limit':24} {result['batch_over_limit']:>10}   rounds {[round(each, 3) for each in ratios]}"
    )
    print(json.dumps(result))


def _round(model: PlainTextModel, folder: Path, texts: Sequence[str], rows: Path, out: Path) -> float:
    limit = raw_seconds(model, texts)
    seconds = batch_seconds(folder, rows, out)
    return limit / seconds


def raw_seconds(model: PlainTextModel, texts: Sequence[str]) -> float:
    """Return the seconds that the bare model takes for the texts, on one thread per CPU."""
    numbers = count()

    def work() -> None:
        while (place := next(numbers)) < len(texts):
            model.outputs([texts[place]])

    threads = [threading.Thread(target=work) for _ in range(usable_cpus())]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def batch_seconds(folder: Path, rows: Path, out: Path) -> float:
    """Return the seconds that a batch takes from its first row on, to the last file it writes."""
    environment = {
        "MODEL_API_KEY": "a-key-that-nobody-uses",
        "MODEL_DIR": str(folder),
        "BATCH_INPUT": str(rows),
        "BATCH_OUTPUT": str(out),
        "BATCH_PART_ROWS": str(PART_ROWS),
    }
    with mock.patch.dict(os.environ, environment):
        worker = Worker(
            settings_from_environment(), batch_settings(), InFlight(shared_file()), (), time.perf_counter
        )
    worker.run()
    return time.perf_counter() - worker.progress.begun_at


def _write(path: Path, texts: Sequence[str]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"])
        writer.writerows([str(place), text] for place, text in enumerate(texts))


if __name__ == "__main__":
    main()
