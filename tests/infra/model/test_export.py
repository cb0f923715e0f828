"""`slipway model export` up to where torch is needed; tests/modeltools has the conversion itself."""

from pathlib import Path

import pytest

from slipway.infra.errors import ProgramFailed, Refused
from slipway.infra.model import export as model_export
from slipway.infra.model import torch_env as training
from slipway.infra.model.export import exported
from tests.infra.command import slipway
from tests.modeltools.hub_fixtures import model_files


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    folder.mkdir()
    for name, content in model_files().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (training, model_export):
        monkeypatch.setattr(module, "environment", lambda: tmp_path / ".venv-train")


def test_without_torch_the_command_that_gets_it_is_told_and_nothing_is_made(
    saved: Path, tmp_path: Path, without_torch: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Refused, match=r"needs torch.*`make train-env` creates it"):
        exported(str(saved), tmp_path / "out", [])
    assert "BertForSequenceClassification, 2 labels (ham, spam)" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_served_is_refused_before_torch_is_asked_for(
    saved: Path, tmp_path: Path, without_torch: None, capfd: pytest.CaptureFixture[str]
) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(ProgramFailed) as ended:
        exported(str(saved), tmp_path / "out", [])
    assert ended.value.code == 2
    assert "has no model.safetensors" in capfd.readouterr().err


@pytest.mark.parametrize("source", ["bert-base-uncased", "./nowhere", "s3://models/x@v1"])
def test_what_is_neither_an_address_nor_a_folder_is_refused(
    project: Path, without_torch: None, source: str
) -> None:
    done = slipway(project, "model", "export", source, "out")
    assert done.returncode == 2
    assert "allowed: hf:<owner>/<name>@<commit>" in done.stderr
    assert "Traceback" not in done.stderr
