"""A model that changes rebuilds the image of the stacks that serve it, and of no other."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import ROOT
from tests.infra.command import report
from tests.infra.repository import DEV, commit, git, write_stack

BUILT = {key: value for key, value in DEV.items() if key != "image"}


@pytest.fixture
def repository(project: Path) -> Path:
    """Create a repository with two models and stacks of both and of Slipway's own."""
    (project / "Pulumi.local.yaml").unlink()
    for name in ("one", "two"):
        shutil.copytree(ROOT / "service/models/sms-spam", project / "models" / name)
        change_manifest(project / "models" / name, name=name)
        write_stack(project, name, {**BUILT, "model": f"file:models/{name}"})
    write_stack(project, "bundled", BUILT)
    git(project, "init", "--initial-branch", "main")
    commit(project, "Start")
    return project


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))


def retrain(folder: Path) -> None:
    weights = (folder / "model.onnx").read_bytes() + b"\0"
    (folder / "model.onnx").write_bytes(weights)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    listed = {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    change_manifest(folder, files=files | {"model.onnx": listed})


def test_another_stacks_model_rebuilds_nothing(repository: Path) -> None:
    retrain(repository / "models/one")
    (repository / "models/two/notes.txt").write_text("no part of the model")
    found = report(repository, "preview", "--against", "main")
    changes = {stack["name"]: stack["changes"]["resources"] for stack in found["stacks"]}
    assert changes["two"] == changes["bundled"] == []
    [build] = [each for each in changes["one"] if each["type"].startswith("docker-build:")]
    assert build["action"] in ("update", "replace")
    assert {stack["name"]: bool(stack["risks"]) for stack in found["stacks"]} == {
        "one": True,
        "two": False,
        "bundled": False,
    }
