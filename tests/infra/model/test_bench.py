"""`slipway model bench` with the real server, on models so small that only the form of its answer matters."""

import json
from pathlib import Path

import pytest

from slipway.infra.model import bench as model_bench
from slipway.infra.model import torch_env as training
from slipway.infra.model.fit import model_of
from tests.infra.command import ROOT, refused, report, slipway
from tests.service.tasks.embedding_model import embedding_model, quantized
from tests.service.tasks.table_model import classifier

QUICK = ("--tokens", "4", "--concurrency", "1", "--seconds", "0.2")


@pytest.fixture
def forms(tmp_path: Path) -> tuple[Path, Path]:
    """One model in two folders, in fp32 and in int8."""
    fp32, int8 = embedding_model(tmp_path / "fp32"), embedding_model(tmp_path / "int8")
    quantized(int8)
    return fp32, int8


def test_each_form_is_measured_and_the_fastest_is_named(project: Path, forms: tuple[Path, Path]) -> None:
    before = [(folder / "manifest.json").read_text() for folder in forms]
    found = report(project, "model", "bench", *map(str, forms), *QUICK)
    assert [(one["engine"], one["precision"]) for one in found["forms"]] == [
        ("onnx", "fp32"),
        ("onnx", "int8"),
    ]
    for one in found["forms"]:
        assert [(rate["tokens"], rate["concurrency"]) for rate in one["rates"]] == [(4, 1)]
        assert one["memory_mib"] > 20
        assert one["ready_seconds"] > 0
    fastest = max(found["forms"], key=lambda one: one["requests_per_vcpu_second"])
    assert found["best"] == {key: fastest[key] for key in ("model", "engine", "precision")}
    assert [(folder / "manifest.json").read_text() for folder in forms] == before


def test_what_was_measured_is_written_where_it_is_asked_for(project: Path, forms: tuple[Path, Path]) -> None:
    before = json.loads((forms[0] / "manifest.json").read_text())
    found = report(project, "model", "bench", str(forms[0]), *QUICK, "--write")
    after = json.loads((forms[0] / "manifest.json").read_text())
    measured = after.pop("measured")
    assert after == before | {"engine": "onnx"}
    assert measured["memory_mib"] == round(found["forms"][0]["memory_mib"])
    assert measured["texts_per_second"] > 0


def test_for_people_it_is_a_table_a_form(project: Path, forms: tuple[Path, Path]) -> None:
    done = slipway(project, "model", "bench", str(forms[1]), *QUICK)
    assert done.returncode == 0, done.stderr
    assert f"file:{forms[1]} on onnx (int8)" in done.stdout
    assert "Fastest here:" in done.stdout


def test_a_folder_with_the_files_of_two_engines_has_two_forms(
    tmp_path: Path, forms: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = forms[1]
    manifest = json.loads((both / "manifest.json").read_text())
    for name in ("model.safetensors", "config.json"):
        (both / name).write_bytes(b"{}")
        manifest["files"][name] = {"sha256": "0" * 64, "bytes": 2}
    (both / "manifest.json").write_text(json.dumps(manifest))
    found = model_bench.forms_of([model_of(str(both))])
    assert [(form.engine, form.precision) for form in found] == [("onnx", "int8"), ("torch", "fp32")]
    monkeypatch.setattr(training, "environment", lambda: tmp_path / "nowhere")
    assert [model_bench.can_run(form) for form in found] == [True, False]


def test_models_of_two_tasks_are_refused(project: Path, tmp_path: Path, forms: tuple[Path, Path]) -> None:
    table = classifier(tmp_path / "table")
    message = refused(project, "model", "bench", str(forms[0]), str(table), *QUICK)
    assert "The folders are of the tasks embed, tabular; compared are forms of one model." in message


def test_what_is_recorded_is_one_vcpu(project: Path) -> None:
    bundled = str(ROOT / "service/models/sms-spam")
    message = refused(project, "model", "bench", bundled, "--cpu", "2", "--write")
    assert "--write records one vCPU" in message


@pytest.mark.parametrize("command", ["bench", "fit"])
def test_a_manifest_that_names_a_file_outside_its_folder_is_refused_and_nothing_is_made(
    project: Path, forms: tuple[Path, Path], command: str
) -> None:
    """The bench puts a link to each file of the manifest into a folder of its own."""
    planted = project / "planted"
    manifest = json.loads((forms[0] / "manifest.json").read_text())
    manifest["files"][str(planted)] = {"sha256": "0" * 64, "bytes": 1}
    (forms[0] / "manifest.json").write_text(json.dumps(manifest))
    line = ["model", "bench"] if command == "bench" else ["fit"]
    assert "planted" in refused(project, *line, str(forms[0]), *QUICK)
    assert not planted.is_symlink()
