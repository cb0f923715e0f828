"""`slipway prune` of a Cloud Run stack, with a stand-in for `gcloud` that has secrets and revisions."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local.record import Lease, release_folder
from slipway.components.local.release import Release, releases
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
    assert f"{KEY} version 3" in done.stderr
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


def test_what_the_newest_revisions_use_stays_though_they_get_no_requests(dev: Path, tmp_path: Path) -> None:
    dated = [revision(f"r{n}", str(n)) for n in (1, 2, 6)]
    for at, each in zip(("2026-11-03", "2026-11-01", "2026-11-02"), dated, strict=True):
        each["metadata"]["creationTimestamp"] = at
    cloud = Cloud(tmp_path / "bin", {**ANSWERS, "run revisions list": dated})
    done = slipway(dev, "prune", "dev", "--keep", "1", "--yes", "--format", "json", PATH=cloud.path)
    assert [each["version"] for each in json.loads(done.stdout)["destroyed"]] == [3, 4, 5]


def test_a_local_stack_keeps_its_newest_releases_and_what_serves(project: Path) -> None:
    folder = project / ".slipway/slipway-local"
    for number in (1, 2, 3):
        inputs = {"code_digest": f"c{number}", "model_digest": "m"}
        release_folder(folder, number).mkdir(parents=True)
        Release(number, inputs, 1.0).write(folder)
        (folder / "code" / f"c{number}").mkdir(parents=True)
    Lease("slipway up", "slipway-local", "http://127.0.0.1:1", "m", "v", release=1).write(folder)
    assert slipway(project, "prune", "local", "--keep", "1").returncode != 0  # nobody answers
    assert len(releases(folder)) == 3
    done = slipway(project, "prune", "local", "--keep", "1", "--yes", "--format", "json")
    assert json.loads(done.stdout) == {"stack": "local", "deleted_releases": [2]}
    assert sorted(path.name for path in (folder / "code").iterdir()) == ["c1", "c3"]


def test_a_stack_of_another_target_is_refused(project: Path) -> None:
    write_stack(project, {"target": "kubernetes"}, "prod")
    assert "has the target kubernetes; this is for cloud-run" in refused(project, "prune", "prod")
