"""`slipway fit` with the real server."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.infra.command import ROOT, refused, slipway

QUICK = ["--seconds", "0.2", "--tokens", "16", "--concurrency", "2", "--format", "json"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the bundled model without its measurements."""
    folder = shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "copy")
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["measured"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def fit(project: Path, *arguments: str) -> dict[str, Any]:
    done = slipway(project, "fit", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_model_is_measured_and_lives_under_the_limit_that_is_recommended(project: Path, copy: Path) -> None:
    found = fit(project, str(copy), *QUICK)
    assert found["measured"] is True
    assert 40 < found["memory_mib"] < 120
    assert 0.1 < found["ready_seconds"] < 60
    assert [(one["tokens"], one["concurrency"]) for one in found["rates"]] == [(16, 2)]
    assert found["rates"][0]["requests_per_second"] > 1
    assert 0 < found["rates"][0]["cpu_ms_per_request"] < 100
    sizes = {size["target"]: size["memory"] for size in found["sizes"]}
    assert sizes["local"] == f"{found['lived_under']['memory_mib']}Mi"
    assert sizes["cloud-run"] == "512Mi"
    probe = found["startup_probe"]
    assert 10 <= probe["period_seconds"] * probe["failure_threshold"] <= 240
    assert not (project / ".slipway").exists()


def test_an_estimate_runs_nothing_and_is_near_what_is_measured(project: Path, copy: Path) -> None:
    estimated = fit(project, str(copy), "--estimate", "--format", "json")
    assert (estimated["measured"], estimated["rates"], estimated["lived_under"]) == (False, [], None)
    assert estimated["memory_mib"] == pytest.approx(fit(project, str(copy), *QUICK)["memory_mib"], rel=0.15)


def test_what_was_measured_is_written_into_the_manifest_and_used_from_then_on(
    project: Path, copy: Path
) -> None:
    before = json.loads((copy / "manifest.json").read_text())
    found = fit(project, str(copy), *QUICK, "--write")
    after = json.loads((copy / "manifest.json").read_text())
    measured = after.pop("measured")
    assert after == before
    assert measured["memory_mib"] == round(found["memory_mib"])
    assert fit(project, str(copy), "--estimate", "--format", "json")["memory_mib"] == measured["memory_mib"]
    assert slipway(project, "preview", "--set", f"model=file:{copy}").returncode == 0


def test_people_get_tables(project: Path) -> None:
    said = slipway(project, "fit", "bundled:sms-spam", "--estimate").stdout
    assert "Memory" in said
    assert "fargate" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bundled:nothing"], "model is 'bundled:nothing', which is no folder here"),
        (["nowhere"], "which is no folder here"),
        (["bundled:sms-spam", "--tokens", "0"], "--tokens got '0'; allowed: numbers from 3 to 512"),
        (["bundled:sms-spam", "--concurrency", "x"], "--concurrency got 'x'"),
        (["bundled:sms-spam", "--write", "--cpu", "2"], "--write records one vCPU"),
    ],
)
def test_what_cannot_be_measured_is_refused(project: Path, arguments: list[str], message: str) -> None:
    assert message in refused(project, "fit", *arguments)


def test_an_empty_folder_is_refused_by_the_names_of_what_it_lacks(project: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "lacks manifest.json, model.onnx, tokenizer.json" in refused(
        project, "fit", str(tmp_path / "empty")
    )


def test_a_damaged_manifest_is_refused(project: Path, copy: Path) -> None:
    (copy / "manifest.json").write_text('{"task": "classify"}')
    assert "manifest.json" in refused(project, "preview", "--set", f"model=file:{copy}")
    assert "is not valid" in refused(project, "fit", str(copy))


def test_a_model_that_cannot_be_loaded_fails_with_the_servers_words(project: Path, copy: Path) -> None:
    content = b"not a model"
    (copy / "model.onnx").write_bytes(content)
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["model.onnx"] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    done = slipway(project, "fit", str(copy), *QUICK)
    assert done.returncode == 1
    assert "model.onnx" in done.stderr
    assert "Traceback" not in done.stderr
