"""A Hub for a test to fill, a client that knows nothing of the developer's own, and a model to put there."""

import json
import random
import subprocess
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import close_session, constants

from slipway.modeltools.importing.hub import Hub
from tests.modeltools.fake_hub import FakeHub
from tests.service.sources.front import Front, serving

REPO = "acme/spam"
WEIGHT_BYTES = 200_000
CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "id2label": {"0": "ham", "1": "spam"},
}
CARD = b"---\nlicense: apache-2.0\n---\n# A model\n"


class TestHub(FakeHub):
    """With the front that it is reached by."""

    __test__ = False
    front: Front


@pytest.fixture
def fake_hub() -> Iterator[TestHub]:
    hub = TestHub()
    with serving(Front(hub)) as front:
        hub.front, hub.url = front, front.url
        yield hub
    close_session()


@pytest.fixture
def quiet_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No token, cache or endpoint of the developer's own, nothing told, and no pause between two tries."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(time, "sleep", no_pause)


def no_pause(seconds: float) -> None:
    del seconds


@pytest.fixture
def hub(fake_hub: TestHub, quiet_client: None, tmp_path: Path) -> Hub:
    return Hub(endpoint=fake_hub.url, cache_dir=tmp_path / "cache")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "none", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small tmpfs cannot be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@cache
def weights(size: int = WEIGHT_BYTES) -> bytes:
    return random.Random(11).randbytes(size)


def model_files(**config: Any) -> dict[str, bytes]:
    """Of a repository that passes every check without torch. config: what config.json says otherwise."""
    return {
        "README.md": CARD,
        "config.json": json.dumps(CONFIG | config).encode(),
        "tokenizer.json": b'{"a": "tokenizer"}',
        "tokenizer_config.json": b'{"model_max_length": 512}',
        "model.safetensors": weights(),
    }
