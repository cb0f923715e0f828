"""`slipway status` and `logs` of a Cloud Run stack that takes jobs, with a stand-in for `gcloud`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import slipway
from tests.infra.targets.test_cloud_run import SERVICE, SETTINGS

CONTAINER: dict[str, Any] = {"image": "server", "env": [{"name": "JOBS_DATABASE", "value": "postgresql://"}]}
WITH_JOBS = {**SERVICE, "spec": {"template": {"spec": {"containers": [CONTAINER]}}}}
LINE = {
    "message": "Jobs",
    "jobs_waiting": 12,
    "jobs_running": 2,
    "jobs_set_aside": 1,
    "jobs_oldest_seconds": 340,
}
POOL = {
    "metadata": {"annotations": {"run.googleapis.com/manualInstanceCount": "2"}},
    "status": {"conditions": [{"type": "Ready", "status": "True"}]},
}


class Gcloud:
    """An executable on PATH that answers each kind of question, and records them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        cases = "".join(
            f'  "{words}"*) cat {folder}/{name}; exit $(cat {folder}/{name}.code) ;;\n'
            for name, words in (
                ("service", "run services describe"),
                ("pool", "run worker-pools describe"),
                ("log", "logging read"),
                ("tail", "beta logging tail"),
            )
        )
        script = f'#!/bin/sh\necho "$@" >> {folder}/calls\ncase "$*" in\n{cases}esac\nexit 3\n'
        (folder / "gcloud").write_text(script)
        (folder / "gcloud").chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"
        for name in ("service", "pool", "log", "tail"):
            self.answers(name, [])

    def answers(self, name: str, out: Any, code: int = 0) -> None:
        (self._folder / name).write_text(json.dumps(out))
        (self._folder / f"{name}.code").write_text(str(code))

    @property
    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def gcloud(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gcloud:
    write_stack(project, {**SETTINGS, "jobs": "true"}, "dev")
    gcloud = Gcloud(tmp_path / "bin")
    gcloud.answers("service", WITH_JOBS)
    gcloud.answers("pool", POOL)
    monkeypatch.setenv("PATH", gcloud.path)
    return gcloud


def run(project: Path, gcloud: Gcloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = slipway(project, *arguments, PATH=gcloud.path)
    assert done.returncode == 0, done.stderr
    return done


def jobs(project: Path, gcloud: Gcloud) -> dict[str, Any]:
    return json.loads(run(project, gcloud, "status", "dev", "--format", "json").stdout)["jobs"]


def test_status_shows_the_numbers_of_the_last_line_and_the_workers(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers("log", [{"jsonPayload": LINE}])
    found = jobs(project, gcloud)
    assert {key: found[key] for key in ("waiting", "running", "set_aside", "oldest_seconds")} == {
        "waiting": 12,
        "running": 2,
        "set_aside": 1,
        "oldest_seconds": 340,
    }
    [workers] = found["workers"]
    assert (workers["name"], workers["wanted"], workers["state"]) == ("slipway-dev-workers", 2, "ready")
    said = run(project, gcloud, "status", "dev").stdout
    assert "12 waiting, 2 running, 1 set aside" in " ".join(said.split())
    assert any('jsonPayload.message="Jobs"' in call and "--freshness 10m" in call for call in gcloud.calls)


def test_jobs_without_a_fresh_line_are_not_counted(project: Path, gcloud: Gcloud) -> None:
    found = jobs(project, gcloud)
    assert found["waiting"] is None
    assert "not counted" in run(project, gcloud, "status", "dev").stdout


def test_workers_that_do_not_start_are_shown_with_the_clouds_own_reason(
    project: Path, gcloud: Gcloud
) -> None:
    reason = "The user-provided container failed to start."
    gcloud.answers(
        "pool", {**POOL, "status": {"conditions": [{"type": "Ready", "status": "False", "message": reason}]}}
    )
    [workers] = jobs(project, gcloud)["workers"]
    assert (workers["state"], workers["reason"]) == ("failed", reason)


def test_the_log_has_the_lines_of_service_and_workers(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers("log", [{"timestamp": "2026-12-01T10:00:00Z", "jsonPayload": LINE}])
    done = run(project, gcloud, "logs", "dev", "--tail", "5")
    assert json.loads(done.stdout)["jobs_waiting"] == 12
    [call] = gcloud.calls
    assert 'resource.labels.service_name="slipway-dev"' in call
    assert 'resource.labels.worker_pool_name="slipway-dev-workers"' in call
    run(project, gcloud, "logs", "dev", "-f")
    assert gcloud.calls[1].startswith("beta logging tail")
