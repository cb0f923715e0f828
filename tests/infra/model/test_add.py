"""`slipway model add` as a user runs it: a whole folder under models/, or a sentence and nothing."""

import json
import pickle
from pathlib import Path

import pytest

from slipway.infra.errors import ProgramFailed
from slipway.infra.model import import_model
from slipway.infra.model.conversion_env import ConversionEnvironment
from slipway.infra.model.import_model import imported
from tests.infra.command import refused, report, slipway
from tests.modeltools.hub_fixtures import model_files
from tests.modeltools.onnx_exports import export


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Write a folder as save_pretrained does."""
    folder = tmp_path / "saved"
    folder.mkdir()
    for name, content in model_files().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = ConversionEnvironment(".venv-nowhere", "requirements-none.txt", "nothing")
    monkeypatch.setattr(import_model, "TORCH", missing)


@pytest.mark.long
def test_an_onnx_export_is_added_measured_and_served(project: Path, tmp_path: Path) -> None:
    source = export(tmp_path / "export")
    found = report(project, "model", "add", str(source), "reviews")
    manifest = json.loads((project / "models/reviews/manifest.json").read_text())
    assert found["folder"] == "models/reviews"
    assert found["manifest"] == manifest
    assert manifest["name"] == "reviews"
    assert manifest["measured"]["load_seconds"] > 0
    assert manifest["measured"]["memory_mib"] > 0
    assert [path.name for path in (project / "models").iterdir()] == ["reviews"]
    shown = report(project, "preview", "local", "--set", "model=file:models/reviews")
    assert "reviews-1.0.0+" in json.dumps(shown)


@pytest.mark.long
def test_data_of_its_use_becomes_the_reference_of_an_added_model(project: Path, tmp_path: Path) -> None:
    source = export(tmp_path / "export")
    data = tmp_path / "data.txt"
    data.write_text("good\tthis is a text\n" * 250)
    found = report(project, "model", "add", str(source), "reviews", "--reference", str(data))
    signals = found["manifest"]["reference"]["signals"]
    assert sum(signals["class"]) == sum(signals["length"]) == 250
    assert not [line for line in found["next"] if "model reference" in line]
    found = report(project, "model", "add", str(source), "others")
    assert "reference" not in found["manifest"]
    assert (
        found["next"][-1] == "To find drift: slipway model reference models/others DATA (200 lines or more)"
    )


def test_data_that_can_be_no_reference_is_refused_before_the_model_is_looked_at(
    project: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.txt"
    short.write_text("text\n" * 199)
    line = ("model", "add", "no-such-source", "reviews", "--reference")
    assert "has 199 lines with something in them; a reference needs 200" in refused(
        project, *line, str(short)
    )
    assert "--reference is nothing.txt, which cannot be read" in refused(project, *line, "nothing.txt")


def test_a_refused_model_leaves_nothing_behind(project: Path, tmp_path: Path) -> None:
    source = export(tmp_path / "export", inputs=("input_ids", "attention_mask", "position_ids"))
    assert "inputs are" in refused(project, "model", "add", str(source), "reviews")
    assert list((project / "models").iterdir()) == []


def test_a_name_that_exists_is_refused_and_kept(project: Path, tmp_path: Path) -> None:
    (project / "models/mine").mkdir(parents=True)
    (project / "models/mine/notes").write_text("kept")
    said = refused(project, "model", "add", str(export(tmp_path / "export")), "mine")
    assert "models/mine exists already" in said
    assert (project / "models/mine/notes").read_text() == "kept"


@pytest.mark.parametrize("name", ["../mine", "a/b", ".hidden", ""])
def test_a_name_that_is_no_folder_below_models_is_refused(project: Path, tmp_path: Path, name: str) -> None:
    assert "NAME is" in refused(project, "model", "add", str(tmp_path), name)


def test_a_pickle_is_not_opened_without_a_terminal_or_trust(project: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"a": 1}))
    said = refused(project, "model", "add", str(path), "mine")
    assert "opening it runs the code that it holds" in said
    assert "add --trust" in said
    assert list((project / "models").iterdir()) == []


def test_a_pickle_of_another_scikit_learn_is_refused_before_anyone_is_asked(
    project: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps({"_sklearn_version": "0.24.2"}))
    said = refused(project, "model", "add", str(path), "mine", "--trust")
    assert "saved with scikit-learn 0.24.2" in said
    assert "opening it" not in said


def test_an_option_of_another_kind_is_refused(project: Path, tmp_path: Path) -> None:
    source = export(tmp_path / "export")
    said = refused(project, "model", "add", str(source), "mine", "--precision", "int8")
    assert "--precision is int8; allowed is nothing here" in said
    assert "--examples is nowhere.txt, which is no file here" in refused(
        project, "model", "add", str(source), "mine", "--examples", "nowhere.txt"
    )


def test_the_former_command_names_this_one(project: Path) -> None:
    done = slipway(project, "model", "export", "./trained", "models/mine", "--precision", "fp32")
    assert done.returncode == 2
    assert "is now `slipway model add ./trained NAME`" in done.stderr


def test_what_torch_could_not_convert_is_refused_before_torch_is_installed(
    saved: Path, tmp_path: Path, without_torch: None, capfd: pytest.CaptureFixture[str]
) -> None:
    (saved / "model.safetensors").unlink()
    with pytest.raises(ProgramFailed) as ended:
        imported(str(saved), tmp_path / "out", [], print)
    assert ended.value.code == 2
    assert "has no model.safetensors" in capfd.readouterr().err
    assert not (tmp_path / "out").exists()
