"""`slipway model reference` writes what the model's own server counts."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.checkout import ROOT
from tests.infra.command import refused, slipway
from tests.service.running_server import AUTHORIZED, HAM, SPAM, running_server

LINES = [HAM] * 180 + [f"spam\t{SPAM}"] * 20 + [""]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "model"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(LINES))
    return file


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def test_a_reference_is_written_into_the_manifest_and_its_server_finds_drift_from_it(
    project: Path, copy: Path, data: Path, tmp_path: Path
) -> None:
    done = slipway(project, "model", "reference", str(copy), str(data), "--format", "json")
    assert done.returncode == 0, done.stderr
    signals = json.loads(done.stdout)["signals"]
    assert manifest(copy)["reference"] == {"signals": signals}
    assert signals["class"] == [180, 20]
    assert {sum(counts) for counts in signals.values()} == {200}
    with running_server(tmp_path / "log", MODEL_DIR=str(copy)) as server:

        def has_drifted(text: str, times: int) -> bool:
            with httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client:
                for _ in range(times):
                    assert client.post("/predict", json={"text": [text] * 100}).status_code == 200
                return client.get("/quality").json()["signals"]["class"]["has_drifted"]

        assert not has_drifted(HAM, 1)
        assert has_drifted(SPAM, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\ntwo\n", "has 2 lines with something in them; a reference needs 200"),
        (b"\xff" * 500, "which cannot be read: it is not UTF-8"),
        (None, "which cannot be read: No such file or directory"),
    ],
)
def test_data_that_make_no_reference_are_refused_and_nothing_is_written(
    project: Path, copy: Path, tmp_path: Path, text: str | bytes | None, message: str
) -> None:
    file = tmp_path / "data.txt"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert message in refused(project, "model", "reference", str(copy), str(file))
    assert "reference" not in manifest(copy)
