"""`slipway model check`: how far a model is from its reference, and exit code 1 where that is too far."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from slipway.infra.errors import Refused
from slipway.infra.model import torch_env as training
from slipway.infra.model.check import checked
from tests.infra.command import ROOT, refused, report, slipway
from tests.service.tasks.embedding_model import embedding_model, expected, manifest_for

load: Any = getattr(onnx, "load")  # noqa: B009 - its type is partly unknown
BUNDLED = ROOT / "service/models/sms-spam"
TEXTS = ["how do i reset my password ?", "i cannot log in any more .", "password", "log in any more"]
MESSAGES = [
    ("spam", "WINNER!! You have won a 1000 cash prize. Call 09061701461 now to claim."),
    ("ham", "Are we still on for lunch tomorrow?"),
    ("ham", "I'm running late, see you at gate 4"),
    ("ham", "FREE entry in our weekly draw! Text WIN to 80082 now to claim your prize"),
]


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts"
    path.write_text("\n".join(TEXTS) + "\n\n")
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Write labelled texts, of which the last label is wrong, so that three of four are right."""
    path = tmp_path / "labelled"
    path.write_text("".join(f"{label}\t{text}\n" for label, text in MESSAGES))
    return path


def rounded(source: Path, folder: Path, step: float) -> Path:
    """Copy the embedding model with its table rounded to steps, as quantising leaves it."""
    shutil.copytree(source, folder)
    model: Any = load(str(folder / "model.onnx"))
    for constant in model.graph.initializer:
        if constant.name == "table":
            table = np.round(numpy_helper.to_array(constant) / step) * np.float32(step)
            constant.CopyFrom(numpy_helper.from_array(table.astype(np.float32), "table"))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    manifest_for(folder, "embed")
    return folder


def test_the_cosine_of_an_embedding_model_to_its_reference_is_told(
    project: Path, tmp_path: Path, texts: Path
) -> None:
    original = embedding_model(tmp_path / "original")
    coarse = rounded(original, tmp_path / "coarse", 0.1)
    found = report(project, "model", "check", str(coarse), "--against", str(original), "--texts", str(texts))
    assert (found["task"], found["texts"], found["passed"], found["threshold"]) == ("embed", 4, True, 0.98)
    assert 0.98 < found["min_cosine"] <= found["mean_cosine"] < 0.999999
    assert np.linalg.norm(expected(TEXTS[0])) == pytest.approx(1)


def test_one_that_is_too_far_from_it_ends_with_code_1(project: Path, tmp_path: Path, texts: Path) -> None:
    original = embedding_model(tmp_path / "original")
    coarse = rounded(original, tmp_path / "coarse", 1.5)
    line = ("model", "check", str(coarse), "--against", str(original), "--texts", str(texts))
    done = slipway(project, *line)
    assert done.returncode == 1
    assert "mean_cosine is 0." in done.stderr
    assert "the minimum is 0.98" in done.stderr
    assert "mean_cosine" in done.stdout
    as_json = slipway(project, *line, "--format", "json")
    assert (as_json.returncode, json.loads(as_json.stdout)["passed"]) == (1, False)
    assert slipway(project, *line, "--threshold", "0.1").returncode == 0


def test_a_classifier_is_compared_by_its_labels_and_by_its_accuracy(project: Path, labelled: Path) -> None:
    found = report(
        project, "model", "check", str(BUNDLED), "--against", str(BUNDLED), "--texts", str(labelled)
    )
    assert (found["accuracy"], found["reference_accuracy"], found["same_label"]) == (0.75, 0.75, 1)
    assert (found["max_proba_difference"], found["passed"]) == (0, True)


def with_its_labels_swapped(folder: Path) -> Path:
    """Its logits, and so its answers, the other way round."""
    shutil.copytree(BUNDLED, folder)
    model: Any = load(str(folder / "model.onnx"))
    [output] = model.graph.output
    for node in model.graph.node:
        node.output[:] = ["straight" if name == output.name else name for name in node.output]
    model.graph.node.append(onnx.helper.make_node("Neg", ["straight"], [output.name]))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    manifest_for(folder, "classify")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"labels": ["ham", "spam"]}))
    return folder


def test_lost_accuracy_is_told_beside_the_labels_that_changed(
    project: Path, tmp_path: Path, labelled: Path
) -> None:
    wrong = with_its_labels_swapped(tmp_path / "wrong")
    done = slipway(project, "model", "check", str(wrong), "--against", str(BUNDLED), "--texts", str(labelled))
    assert done.returncode == 1
    assert "same_label is 0.0000; the minimum is 0.99" in done.stderr
    assert "accuracy is 0.2500, 0.5000 below the reference's; the maximum is 0.01" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "has no text; expected one a line, or label<TAB>text"),
        (
            "spam\tWin!\nno label here\n",
            "line 2 of .* is 'no label here'; the first line has a label, so each must be",
        ),
        ("spam\tWin!\nham\t \n", "line 2 of"),
    ],
)
def test_texts_that_cannot_be_used_are_refused(
    project: Path, tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "spoiled"
    path.write_text(content)
    line = ("model", "check", str(BUNDLED), "--against", str(BUNDLED), "--texts", str(path))
    message = refused(project, *line)
    assert message.count("Error:") == 1
    with pytest.raises(Refused, match=f"(?s){told}"):
        checked(BUNDLED, BUNDLED, path, None)


def test_models_of_two_tasks_are_refused(project: Path, tmp_path: Path, texts: Path) -> None:
    other = embedding_model(tmp_path / "other")
    line = ("model", "check", str(BUNDLED), "--against", str(other), "--texts", str(texts))
    assert "its task is 'embed'; that of sms-spam is 'classify'" in refused(project, *line)


def test_a_folder_that_is_not_there_is_refused(project: Path, texts: Path) -> None:
    line = ("model", "check", "nowhere", "--against", str(BUNDLED), "--texts", str(texts))
    assert "MODEL is nowhere, which is not a folder here" in refused(project, *line)


def test_where_torch_is_needed_and_missing_the_command_that_gets_it_is_told(
    tmp_path: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "environment", lambda: tmp_path / ".venv-train")
    original = tmp_path / "saved"
    original.mkdir()
    with pytest.raises(Refused, match=r"needs torch.*`make train-env` creates it"):
        checked(BUNDLED, original, texts, None)
