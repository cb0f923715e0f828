"""The inputs of a local service with the bundled model, which is stopped when the test ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local import process
from slipway.components.local.rollout import abandon
from slipway.components.model import source_digest
from tests.components.local.rolling import MODEL, digest_of
from tests.conftest import ROOT


@pytest.fixture
def props(tmp_path: Path, free_port: int) -> Iterator[dict[str, Any]]:
    folder = tmp_path / "run"
    yield {
        "service": "test",
        "run_folder": str(folder),
        "port": free_port,
        "cpu": 1,
        "memory_gib": 1,
        "timeout_seconds": 10,
        "model": "bundled:sms-spam",
        "model_folder": MODEL,
        "model_digest": digest_of(ROOT / MODEL),
        "code_digest": source_digest(ROOT / "service"),
        "api_key_given": False,
        "url": f"http://127.0.0.1:{free_port}",
    }
    abandon(folder)
    process.stop(folder)


@pytest.fixture
def folder(props: dict[str, Any]) -> Path:
    return Path(props["run_folder"])
