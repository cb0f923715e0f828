"""`slipway status` and `logs` of a Cloud Run stack, with a stand-in for `gcloud` that answers as it does."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import refused, report, slipway

SETTINGS = {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4"}
SERVICE = {
    "metadata": {"name": "slipway-dev", "creationTimestamp": "2026-11-21T10:00:00.000Z"},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "image": "europe-west4-docker.pkg.dev/acme-ml/slipway/server@sha256:abc",
                        "env": [{"name": "DRAIN_SECONDS", "value": "8"}],
                        "resources": {"limits": {"cpu": "1", "memory": "2Gi"}},
                    }
                ]
            }
        }
    },
    "status": {
        "url": "https://slipway-dev-xyz.a.run.app",
        "latestReadyRevisionName": "slipway-dev-00002-abc",
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "RoutesReady", "status": "True"}],
    },
}


class Gcloud:
    """An executable on PATH that records how it was called and says what it was told to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        lines = ["#!/bin/sh", f'echo "$@" >> {folder}/calls', f"cat {folder}/out", f"cat {folder}/err >&2"]
        script = "\n".join([*lines, f"exit $(cat {folder}/code)", ""])
        (folder / "gcloud").write_text(script)
        (folder / "gcloud").chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"
        self.answers("")

    def answers(self, out: Any, err: str = "", code: int = 0) -> None:
        (self._folder / "out").write_text(out if isinstance(out, str) else json.dumps(out))
        (self._folder / "err").write_text(err)
        (self._folder / "code").write_text(str(code))

    @property
    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def gcloud(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gcloud:
    write_stack(project, SETTINGS, "dev")
    gcloud = Gcloud(tmp_path / "bin")
    monkeypatch.setenv("PATH", gcloud.path)
    return gcloud


def run(project: Path, gcloud: Gcloud, *arguments: str) -> subprocess.CompletedProcess[str]:
    return slipway(project, *arguments, PATH=gcloud.path)


def status(project: Path, gcloud: Gcloud) -> dict[str, Any]:
    done = run(project, gcloud, "status", "dev", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_ready_service_is_told_with_its_url_limits_image_and_revision(
    project: Path, gcloud: Gcloud
) -> None:
    gcloud.answers(SERVICE)
    found = status(project, gcloud)
    assert (found["stack"], found["target"], found["state"]) == ("dev", "cloud-run", "ready")
    assert found["url"] == "https://slipway-dev-xyz.a.run.app"
    assert found["limits"] == {"cpu": "1", "memory": "2Gi"}
    assert found["version"] == "slipway-dev-00002-abc"
    assert "sha256:abc" in found["model"]
    assert gcloud.calls == [
        "run services describe slipway-dev --project acme-ml --region europe-west4 --format json"
    ]


def with_gpu(*environment: dict[str, str], ready: str = "True") -> dict[str, Any]:
    container = {
        "image": "server",
        "env": list(environment),
        "resources": {"limits": {"cpu": "20", "memory": "80Gi", "nvidia.com/gpu": "1"}},
    }
    selector = {"run.googleapis.com/accelerator": "nvidia-rtx-pro-6000"}
    template = {"spec": {"nodeSelector": selector, "containers": [container]}}
    status = {**SERVICE["status"], "conditions": [{"type": "Ready", "status": ready}]}
    return {**SERVICE, "spec": {"template": template}, "status": status}


def test_the_device_is_told_of_a_service_that_is_ready(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers(SERVICE)
    assert status(project, gcloud)["device"] == "cpu"
    on_gpu = {"name": "DEVICE", "value": "cuda"}
    gcloud.answers(with_gpu(on_gpu))
    assert status(project, gcloud)["device"] == "cuda (nvidia-rtx-pro-6000)"
    gcloud.answers(with_gpu())
    assert "deployed before DEVICE was set" in status(project, gcloud)["device"]
    gcloud.answers(with_gpu(on_gpu, ready="Unknown"))
    assert status(project, gcloud)["device"] is None


def test_a_failed_service_is_told_with_the_clouds_own_reason(project: Path, gcloud: Gcloud) -> None:
    reason = "Memory limit of 512 MiB exceeded with 530 MiB used."
    conditions = [{"type": "Ready", "status": "False", "message": reason}]
    gcloud.answers({**SERVICE, "status": {"conditions": conditions}})
    found = status(project, gcloud)
    assert (found["state"], found["reason"]) == ("failed", reason)


def test_a_service_whose_revision_is_on_its_way_is_starting(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers({**SERVICE, "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    assert status(project, gcloud)["state"] == "starting"
    gcloud.answers({**SERVICE, "status": {}})
    assert status(project, gcloud)["state"] == "starting"


def test_a_service_that_is_not_there_is_stopped(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers("", "ERROR: (gcloud.run.services.describe) Cannot find service [slipway-dev]\n", 1)
    assert status(project, gcloud)["state"] == "stopped"


def test_what_gcloud_refuses_is_passed_on_with_exit_code_1(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers("", "ERROR: (gcloud.run.services.describe) PERMISSION_DENIED: run.services.get\n", 1)
    done = run(project, gcloud, "status", "dev")
    assert (done.returncode, done.stdout) == (1, "")
    assert "PERMISSION_DENIED: run.services.get" in done.stderr


def test_an_answer_that_is_no_json_is_told(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers("Updates are available")
    done = run(project, gcloud, "status", "dev")
    assert done.returncode == 1
    assert "did not answer with a JSON object" in done.stderr


def test_the_log_is_one_json_object_a_line_oldest_first(project: Path, gcloud: Gcloud) -> None:
    newest = {
        "timestamp": "2026-11-21T10:00:02Z",
        "severity": "INFO",  # Google takes it out of the line
        "jsonPayload": {"message": "request", "status": 200},
    }
    oldest = {"timestamp": "2026-11-21T10:00:01Z", "textPayload": "Container started"}
    gcloud.answers([newest, oldest])
    done = run(project, gcloud, "logs", "dev", "--tail", "2")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"time": "2026-11-21T10:00:01Z", "message": "Container started"},
        {"time": "2026-11-21T10:00:02Z", "severity": "INFO", "message": "request", "status": 200},
    ]
    assert gcloud.calls[0].startswith(
        "run services logs read slipway-dev --project acme-ml --region europe-west4 --limit 2"
    )


def test_to_follow_the_log_it_becomes_gclouds_own_tail(project: Path, gcloud: Gcloud) -> None:
    gcloud.answers("a line\n")
    assert run(project, gcloud, "logs", "dev", "-f").stdout == "a line\n"
    assert gcloud.calls == ["beta run services logs tail slipway-dev --project acme-ml --region europe-west4"]


def test_without_gcloud_it_says_how_to_get_it(project: Path) -> None:
    write_stack(project, SETTINGS, "dev")
    for command in ("status", "logs"):
        message = refused(project, command, "dev", PATH="/nowhere")
        assert "cloud.google.com/sdk/docs/install" in message


def test_a_stack_without_a_project_is_refused_before_gcloud_is_asked(project: Path) -> None:
    write_stack(project, {"target": "cloud-run"}, "dev")
    assert "project: got nothing" in refused(project, "status", "dev", PATH="/nowhere")
    assert report(project, "status")["state"] == "stopped"
