"""Rolls a local service for tests, as `slipway up` does: short names for its steps."""

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.components.local import kept_files
from slipway.components.local.rollout import under_way
from slipway.components.model import source_digest
from slipway.infra.local.runner import SlipwayProvider, State
from tests.conftest import ROOT

MODEL = "service/models/sms-spam"
BEFORE_BACKEND = "        feed = {name: value.astype"
"""The line of backends/onnx.py before which code that runs on each request fits."""
NEVER = ["slipway_dead_threads > 1000"]


def digest_of(model: Path) -> str:
    return hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()[:12]


def started(props: dict[str, Any]) -> dict[str, Any]:
    return SlipwayProvider().create(props).outs or {}


def updated(outputs: dict[str, Any], props: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return SlipwayProvider().update("test", outputs, {**props, **changes}).outs or {}


def canary(minutes: float = 60, **more: Any) -> dict[str, Any]:
    return {
        "rollout": "canary",
        "canary_percent": 50,
        "bake_minutes": minutes,
        "rollback_on": NEVER,
        "memory_gib": 0.9,
        **more,
    }


def ask(outputs: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {outputs['api_key']}"}
    return httpx.post(f"{outputs['url']}/predict", json={"text": "x"}, headers=headers).status_code


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


class Update(threading.Thread):
    """An update on a thread, with what it raised."""

    def __init__(self, outputs: dict[str, Any], props: dict[str, Any], **changes: Any) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self._do = lambda: updated(outputs, props, **changes)

    def run(self) -> None:
        try:
            self._do()
        except BaseException as error:
            self.error = error


def is_shared(folder: Path) -> bool:
    found = under_way(folder)
    return found is not None and found.driver.pid != os.getpid() and found.baked_seconds > 0


def remember(folder: Path, outputs: dict[str, Any]) -> None:
    """Write the state that `slipway up` would have written."""
    State({"urn": {"id": "test", "outputs": outputs}}).write(folder)


def silent(_step: str) -> None:
    """Say nothing."""


def no_record() -> Any:
    raise AssertionError("nothing runs")


def code_with(folder: Path, path: str, old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Make a checkout whose server differs in one place, and return the inputs of a release of it."""
    service = shutil.copytree(ROOT / "service", folder / "service", ignore=shutil.ignore_patterns("models"))
    text = (service / path).read_text()
    assert text.count(old) == 1
    (service / path).write_text(text.replace(old, new))
    monkeypatch.setattr(kept_files, "ROOT", folder)
    return {"code_digest": source_digest(service)}
