"""`slipway prune` of a Cloud Run stack, with a stand-in for `gcloud` that has secrets and revisions."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import refused, slipway

SETTINGS = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"}
KEY = "slipway-dev-MODEL_API_KEY"
SCRIPT = """
import json, pathlib, sys
folder, arguments = pathlib.Path(sys.argv[1]), sys.argv[2:]
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
answers = json.loads((folder / "answers").read_text())
verb = " ".join(arguments[:3])
if verb not in answers:
    sys.exit(f"ERROR: PERMISSION_DENIED: {verb}")
print(json.dumps(answers[verb]))
"""


def revision(name: str, version: str) -> dict[str, Any]:
    env = [{"name": "MODEL_API_KEY", "valueFrom": {"secretKeyRef": {"name": KEY, "key": version}}}]
    return {"metadata": {"name": name}, "spec": {"containers": [{"env": env}]}}


ANSWERS: dict[str, Any] = {
    "run services describe": {
        "status": {"traffic": [{"revisionName": "r6", "percent": 100}, {"revisionName": "r2", "tag": "old"}]}
    },
    "run revisions list": [revision("r6", "6"), revision("r2", "2"), revision("r1", "1")],
    "secrets versions list": [{"name": f"projects/1/secrets/{KEY}/versions/{n}"} for n in (6, 5, 4, 3, 2, 1)],
    "secrets versions destroy": {},
}


class Cloud:
    def __init__(self, folder: Path, answers: dict[str, Any]) -> None:
        folder.mkdir()
        (folder / "stand_in.py").write_text(SCRIPT)
        (folder / "answers").write_text(json.dumps(answers))
        (folder / "gcloud").write_text(
            f'#!/bin/sh\nexec {sys.executable} {folder}/stand_in.py {folder} "$@"\n'
        )
        (folder / "gcloud").chmod(0o755)
        self._folder = folder
        self.path = f"{folder}:{os.environ['PATH']}"

    @property
    def destroyed(self) -> list[str]:
        calls = (self._folder / "calls").read_text().splitlines()
        return [call for call in calls if call.startswith("secrets versions destroy")]


@pytest.fixture
def dev(project: Path) -> Path:
    write_stack(project, SETTINGS, "dev")
    return project


def test_what_no_serving_revision_uses_goes_and_the_newest_stay(dev: Path, tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "bin", ANSWERS)
    done = slipway(dev, "prune", "dev", "--keep", "2", "--yes", "--format", "json", PATH=cloud.path)
    assert done.returncode == 0, done.stderr
    gone = [{"secret": KEY, "version": version} for version in (1, 3, 4)]
    assert json.loads(done.stdout) == {"stack": "dev", "destroyed": gone}
    assert cloud.destroyed == [
        f"secrets versions destroy {version} --secret {KEY} --project acme-ml --quiet"
        for version in (1, 3, 4)
    ]


def test_it_asks_first_and_a_no_destroys_nothing(dev: Path, tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "bin", ANSWERS)
    done = slipway(dev, "prune", "dev", PATH=cloud.path)  # nobody answers
    assert done.returncode != 0
    assert f"{KEY} version 1" in done.stderr
    assert cloud.destroyed == []


def test_nothing_to_destroy_is_said(dev: Path, tmp_path: Path) -> None:
    cloud = Cloud(tmp_path / "bin", ANSWERS)
    done = slipway(dev, "prune", "dev", "--keep", "6", PATH=cloud.path)
    assert (done.returncode, done.stdout) == (0, "Nothing to destroy.\n")


@pytest.mark.parametrize("lost", ["run services describe", "run revisions list", "secrets versions list"])
def test_where_it_cannot_know_what_is_used_nothing_is_destroyed(dev: Path, tmp_path: Path, lost: str) -> None:
    cloud = Cloud(tmp_path / "bin", {verb: answer for verb, answer in ANSWERS.items() if verb != lost})
    done = slipway(dev, "prune", "dev", "--yes", PATH=cloud.path)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"PERMISSION_DENIED: {lost}" in done.stderr
    assert cloud.destroyed == []


def test_a_stack_of_another_target_is_refused(project: Path) -> None:
    assert "has the target local; this is for cloud-run" in refused(project, "prune", "local")
