"""What a server offers over HTTP: routes of each task, from the app itself, and metrics, from a scrape."""

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from slipway.service.api.app import build_app
from slipway.service.api.problems import CAUSES
from slipway.service.engine import Engine
from slipway.service.lifecycle import Lifecycle
from slipway.service.settings import Settings
from slipway.service.tasks import TASKS, Limits
from tests.releases.openapi import lines_of
from tests.service.metrics_pages import scraped
from tests.service.running_server import AUTHORIZED, HAM, KEY, running_server

_FILES = {
    name: {"sha256": "0" * 64, "bytes": 1} for name in ("model.onnx", "model.safetensors", "tokenizer.json")
}
_MANIFEST: Mapping[str, Any] = {"name": "any", "version": "1.0.0", "license": "CC0-1.0", "files": _FILES}
_OF_A_TASK: Mapping[str, Mapping[str, Any]] = {
    "classify": {"max_tokens": 128, "labels": ["ham", "spam"]},
    "embed": {"max_tokens": 128},
    "generate": {"max_tokens": 128, "engine": "torch"},
    "summarize": {"max_tokens": 128, "engine": "torch"},
    "tabular": {"features": ["age", {"name": "port", "type": "string"}], "labels": ["no", "yes"]},
}


def routes() -> Iterator[str]:
    """Yield the routes of each task with their fields, those that all tasks have once, and the problems."""
    found = {task: list(lines_of(_document(task), "")) for task in sorted(TASKS)}
    every = [line for line in found["classify"] if all(line in lines for lines in found.values())]
    yield from (f"all{line}" for line in every)
    for task, lines in found.items():
        yield from (f"{task}{line}" for line in lines if line not in every)
    yield from sorted(f"problem {cause.slug}: {cause.status}" for cause in CAUSES.values())


def _document(name: str) -> Mapping[str, Any]:
    task_type = TASKS[name]
    written = json.dumps({**_MANIFEST, "task": name, **_OF_A_TASK[name]})
    manifest: Any = task_type.manifest_type.model_validate_json(written)
    defaults = {field: known.get_default() for field, known in Settings.model_fields.items()}
    settings = Settings.model_construct(None, **{**defaults, "model_api_key": SecretStr(KEY)})
    task = task_type(manifest, Limits(1000, 20_000))
    application = build_app(settings, manifest, task, Engine(1, 1, 1), Lifecycle(), port=8080)

    async def stateful(scope: Any, receive: Any, send: Any) -> None:
        await application({**scope, "state": {}}, receive, send)

    async def document() -> Any:
        transport = httpx.ASGITransport(stateful)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return (await client.get("/openapi.json")).json()

    return asyncio.run(document())


def metrics() -> Iterator[str]:
    """Yield each metric with its type and its labels, as they are after a prediction."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder) / "log", MAX_BATCH_SIZE="8") as server,
    ):
        httpx.post(f"{server.url}/predict", json={"text": HAM}, headers=AUTHORIZED).raise_for_status()
        server.requests_logged(1)
        page = scraped(server.metrics_url)
    labels: dict[str, set[str]] = {}
    for sample in page.samples:
        labels.setdefault(sample.name, set()).update(sample.labels)
    for name, kind in sorted(re.findall(r"^# TYPE (\S+) (\S+)$", page.text, re.MULTILINE)):
        ends = ("", "_total", "_bucket", "_info")
        every = set[str]().union(*(labels.get(f"{name}{end}", set()) for end in ends)) - {"le"}
        yield f"metric {name}: {kind}{', ' if every else ''}{', '.join(sorted(every))}"
