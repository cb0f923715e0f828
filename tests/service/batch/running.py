"""Runs a batch over files: its worker in this process, or the whole of it in one of its own."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from slipway.service.batch.__main__ import run as end_of
from slipway.service.batch.in_flight import InFlight, shared_file
from slipway.service.batch.settings import batch_settings
from slipway.service.batch.worker import BatchWorker
from slipway.service.settings import settings_from_environment
from tests.checkout import ROOT

SENTENCE = "winner cash prize call now are we still on for lunch tomorrow the train is late again please"
WORDS = SENTENCE.split()


def texts(count: int) -> list[str]:
    return [
        " ".join(WORDS[(place * step) % len(WORDS)] for step in range(1, 2 + place % 9))
        for place in range(count)
    ]


def write_csv(path: Path, messages: list[str]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "text"])
        rows.writerows([f"m{place}", text] for place, text in enumerate(messages))
    return path


def environment(read: Path | str, write: Path | str, **settings: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    given = {"ROLE": "batch", "BATCH_INPUT": str(read), "BATCH_OUTPUT": str(write), "MODEL_API_KEY": "k" * 20}
    return kept | given | settings


def worker_of(read: Path | str, write: Path | str, **settings: str) -> BatchWorker:
    keep = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "GOOGLE_", "GCE_"))}
    with mock.patch.dict(os.environ, keep | environment(read, write, **settings), clear=True):
        return BatchWorker(settings_from_environment(), batch_settings(), InFlight(shared_file()))


def batch(read: Path | str, write: Path | str, **settings: str) -> int:
    """Run a batch in this process; return its exit code."""
    interval = sys.getswitchinterval()
    try:
        return end_of(worker_of(read, write, **settings))
    finally:
        sys.setswitchinterval(interval)


def batch_stopped_early(read: Path | str, write: Path | str, **settings: str) -> int:
    """Run a batch in this process that is asked to stop once rows are done; return its exit code."""
    worker = worker_of(read, write, **settings)

    def stop(rows: int, failed: int) -> None:
        del rows, failed
        worker.stop()

    with mock.patch.object(worker.progress, "add", stop):
        return end_of(worker)


def started(given: Mapping[str, str], *code: str) -> subprocess.Popen[str]:
    """Start a batch as a container runs it. code: what runs in place of `python -m service`."""
    command = [sys.executable, *(code or ("-m", "slipway.service"))]
    return subprocess.Popen(command, cwd=ROOT, env=dict(given), stdout=subprocess.PIPE, text=True)


def progress(lines: str) -> list[dict[str, Any]]:
    entries = [json.loads(line) for line in lines.splitlines()]
    return [each for each in entries if each["message"] == "Batch"]


def parts(folder: Path) -> dict[str, bytes]:
    """Return the parts and the files of failed rows, by name."""
    found = [*folder.glob("part-*"), *folder.glob("failed/part-*")]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(found)}


def results(folder: Path) -> list[dict[str, Any]]:
    """Return all results, in order, of parts in CSV or JSON Lines."""
    rows: list[dict[str, Any]] = []
    for path in sorted(folder.glob("part-*")):
        with path.open(newline="", encoding="utf-8") as file:
            rows += csv.DictReader(file) if path.suffix == ".csv" else map(json.loads, file)
    return rows


def failures(folder: Path) -> list[dict[str, Any]]:
    lines = [line for path in sorted(folder.glob("failed/part-*")) for line in path.read_text().splitlines()]
    return [json.loads(line) for line in lines]
