"""A tabular model through the whole command, with the real server."""

import json
from pathlib import Path

import pytest

from tests.conftest import write_stack
from tests.infra.command import pasted, refused, report, slipway
from tests.service.tasks.table_model import EXAMPLE, LABELS, classifier, expected


@pytest.fixture
def model(project: Path, free_port: int) -> Path:
    folder = classifier(project / "iris")
    settings = {"target": "local", "task": "tabular", "model": f"file:{folder}", "port": str(free_port)}
    write_stack(project, settings, "tables")
    return folder


def test_the_printed_curl_line_sends_the_models_own_example(project: Path, model: Path) -> None:
    try:
        done = slipway(project, "up", "tables")
        assert done.returncode == 0, done.stderr
        answer = pasted(project, done.stdout)
    finally:
        slipway(project, "down", "tables")
    assert json.loads(answer)["label"] == LABELS[int(expected(EXAMPLE).argmax())]


def test_fit_measures_it_in_rows(project: Path, model: Path) -> None:
    arguments = ("--tokens", "1,max", "--concurrency", "1", "--seconds", "0.2")
    found = report(project, "fit", str(model), *arguments)
    assert [rate["tokens"] for rate in found["rates"]] == [1, 1000]
    assert found["memory_mib"] > 20


def test_it_needs_no_tokenizer_but_its_weights(project: Path, model: Path) -> None:
    (model / "model.onnx").unlink()
    message = refused(project, "preview", "tables")
    assert "lacks model.onnx; it needs manifest.json, model.onnx." in message
