"""Describes the server without a model: the OpenAPI document of each task, its causes of errors, its metrics.

Run as `python -m slipway.service.description` with MODEL_API_KEY set; prints one JSON object, from which the
reference is written.
"""

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, cast

from prometheus_client.registry import Collector, CollectorRegistry
from starlette.types import ASGIApp, Message, Scope

from .account import most_held_bytes
from .api.app import build_app
from .api.problems import CAUSES, INTERNAL
from .connections import ConnectionLimits, Connections
from .device import CPU
from .jobs import JobStore
from .jobs.instruments import JobInstruments
from .jobs.job import Counts
from .lifecycle import Lifecycle
from .manifest import Manifest
from .metrics import Instruments
from .metrics.quality_readings import QualityReadings
from .metrics.readings import Readings
from .quality import Quality
from .quality.feedback import Feedback
from .settings import Settings, settings_from_environment
from .sizing import engine_for
from .tasks import TASKS, Limits

# Describes the routes of jobs too; nothing is asked of it.
_NO_JOBS = cast("JobStore", object())
_FILE = {"sha256": "0" * 64, "bytes": 1}
# What a manifest of the task has beyond the keys of every model's.
_OF_TASK: Mapping[str, Mapping[str, Any]] = {
    "classify": {"labels": ["ham", "spam"], "max_tokens": 512},
    "embed": {"max_tokens": 256},
    "summarize": {"max_tokens": 512},
    "generate": {"max_tokens": 4096},
    "tabular": {
        "features": [
            {"name": "age", "type": "float", "example": 22},
            {"name": "port", "type": "string", "values": ["S", "C"]},
        ],
        "labels": ["no", "yes"],
        "reference": {"signals": {"range": [1, 1]}, "columns": {"age": {"least": 1, "most": 80}}},
    },
}


def description() -> dict[str, Any]:
    """Return the documents by task, each cause with status and title, and each metric."""
    return {
        "documents": {name: _document(name) for name in TASKS},
        "causes": [
            {"cause": cause.slug, "status": cause.status, "title": cause.title}
            for cause in (*CAUSES.values(), INTERNAL)
        ],
        "metrics": list(_metrics()),
    }


def _manifest(task: str) -> Manifest:
    rules = TASKS[task]
    engine, files = next(iter(rules.files.items()))
    content = {
        "name": "example",
        "version": "1.0.0",
        "task": task,
        "license": "Apache-2.0",
        "engine": engine,
        "files": dict.fromkeys(files, _FILE),
        **_OF_TASK.get(task, {}),
    }
    return Manifest.parse(json.dumps(content).encode(), "manifest.json", TASKS)


def _document(task_name: str) -> dict[str, Any]:
    """Return what a server of the task answers to `GET /openapi.json`."""
    settings, manifest = settings_from_environment(), _manifest(task_name)
    task = TASKS[task_name](manifest, Limits(settings.max_texts, settings.max_text_characters))
    engine = engine_for(settings, manifest)
    app = build_app(settings, manifest, task, engine, Lifecycle(), 8080, jobs=_NO_JOBS)
    return json.loads(asyncio.run(_got(app, "/openapi.json")))


async def _got(app: ASGIApp, path: str) -> bytes:
    content = bytearray()

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        content.extend(message.get("body", b""))

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [],
        "query_string": b"",
        "state": {},
    }
    await app(scope, receive, send)
    return bytes(content)


def _metrics() -> Iterator[dict[str, Any]]:
    """Yield name, type, labels and meaning of each metric, in the order of the page."""
    settings = settings_from_environment()
    told: set[str] = set()
    for collector in _collectors(settings, Instruments()):
        for metric in collector.collect():
            if metric.name in told:
                continue
            told.add(metric.name)
            named = getattr(collector, "_labelnames", None) or getattr(metric, "_labelnames", ())
            labels = named or (metric.samples[0].labels if metric.type == "info" else ())
            end = {"counter": "_total", "info": "_info"}.get(metric.type, "")
            yield {
                "name": metric.name + end,
                "type": metric.type,
                "labels": list(labels),
                "help": metric.documentation,
            }


def _collectors(settings: Settings, instruments: Instruments) -> Iterator[Collector]:
    seen: dict[int, Collector] = {}
    for collector in instruments.registry._names_to_collectors.values():  # pyright: ignore
        seen.setdefault(id(collector), collector)
    yield from seen.values()
    job_instruments = CollectorRegistry()
    jobs = JobInstruments(job_instruments, lambda: 0, lambda: 0)
    jobs.counts = Counts(0, 0, 0, 0.0)
    yield jobs
    yield from job_instruments._names_to_collectors.values()  # pyright: ignore
    classify, tabular = _manifest("classify"), _manifest("tabular")
    limits = ConnectionLimits(most=1, held_bytes=most_held_bytes(), head_seconds=1, write_seconds=1)
    lifecycle = Lifecycle()
    lifecycle.device, lifecycle.load_seconds = CPU, 0.0
    yield Readings(engine_for(settings, classify), Connections(limits), lifecycle, classify, "", lambda: 0)
    for manifest in (classify, tabular):
        quality = Quality(manifest, Feedback(settings.feedback_predictions, settings.feedback_seconds))
        yield QualityReadings(quality, manifest.model_version, partial(instruments.answers, ()))


if __name__ == "__main__":
    json.dump(description(), sys.stdout, indent=2)
