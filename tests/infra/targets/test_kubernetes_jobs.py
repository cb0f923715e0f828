"""`slipway status` and `logs` of a stack on Kubernetes that takes jobs, with a stand-in for `kubectl`."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import slipway
from tests.infra.targets.test_kubernetes import DEPLOYMENT, GKE, SERVICE

KUBERNETES = {"target": "kubernetes", "image": f"host/a@sha256:{'0' * 64}", "kubeconfig": "kube"}
STACKS = pytest.mark.parametrize("settings", [GKE, KUBERNETES], ids=["gke", "kubernetes"])
WORKERS = {**DEPLOYMENT, "metadata": {**DEPLOYMENT["metadata"], "name": "slipway-prod-worker"}}
NONE_RUNS = {**WORKERS, "spec": {**WORKERS["spec"], "replicas": 0}, "status": {"observedGeneration": 3}}


def line(second: int, pod: str = "slipway-prod-worker-1/worker", **fields: Any) -> str:
    """Return a line of a pod's log as kubectl prints it."""
    return f"[pod/{pod}] 2026-12-01T10:00:{second:02}Z {json.dumps(fields)}\n"


def jobs_line(second: int, waiting: int, **options: Any) -> str:
    numbers = {"jobs_waiting": waiting, "jobs_running": 2, "jobs_oldest_seconds": 40, "jobs_set_aside": 1}
    return line(second, message="Jobs", **numbers, **options)


class Kubectl:
    """An executable on PATH that answers each kind of question, and records them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        asked = {  # the first that fits
            "workers": "get?deployments.apps/slipway-prod-worker?*",
            "service": "get?deployments.apps/slipway-prod?*",
            "pods": "get?pods?*",
            "both-logs": "logs?*name?in?*",
            "worker-log": "logs?*name=slipway-prod-worker?*",
            "server-log": "logs?*name=slipway-prod?*",
        }
        cases = "".join(
            f"  {words}) cat {folder}/{name}; exit $(cat {folder}/{name}.code) ;;\n"
            for name, words in asked.items()
        )
        script = f'#!/bin/sh\necho "$@" >> {folder}/calls\ncase "$*" in\n{cases}esac\n'
        (folder / "kubectl").write_text(script)
        (folder / "kubectl").chmod(0o755)
        for name in asked:
            self.answers(name, "")
        self.answers("pods", '{"kind": "List", "items": []}')

    def answers(self, name: str, text: str, code: int = 0) -> None:
        (self._folder / name).write_text(text)
        (self._folder / f"{name}.code").write_text(str(code))

    @property
    def path(self) -> str:
        return f"{self._folder}:{os.environ['PATH']}"

    @property
    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def kubectl(project: Path, tmp_path: Path) -> Kubectl:
    write_stack(project, {**GKE, "jobs": "true"}, "prod")
    found = Kubectl(tmp_path / "bin")
    found.answers("service", json.dumps({"kind": "List", "items": [DEPLOYMENT, SERVICE]}))
    found.answers("workers", json.dumps(WORKERS))
    found.answers("worker-log", jobs_line(30, 7, pod="slipway-prod-worker-2/worker") + jobs_line(1, 9))
    return found


def shown(project: Path, kubectl: Kubectl, *arguments: str) -> str:
    done = slipway(project, *arguments, PATH=kubectl.path)
    assert done.returncode == 0, done.stderr
    return done.stdout


def jobs(project: Path, kubectl: Kubectl) -> dict[str, Any]:
    return json.loads(shown(project, kubectl, "status", "prod", "--format", "json"))["jobs"]


@STACKS
def test_the_jobs_of_the_newest_line_and_the_workers_are_shown(
    project: Path, kubectl: Kubectl, settings: dict[str, str]
) -> None:
    write_stack(project, {**settings, "jobs": "true"}, "prod")
    assert jobs(project, kubectl) == {
        "waiting": 7,
        "running": 2,
        "oldest_seconds": 40,
        "set_aside": 1,
        "workers": [
            {
                "name": "slipway-prod-worker",
                "running": 2,
                "wanted": 2,
                "state": "ready",
                "version": "revision 7",
                "reason": None,
            }
        ],
    }
    assert (
        "7 waiting, 2 running, 1 set aside, the oldest for 40 s; workers: 2 of 2 in slipway-prod-worker"
        in (" ".join(shown(project, kubectl, "status", "prod").split()))
    )
    assert not any("name=slipway-prod " in call for call in kubectl.calls if call.startswith("logs"))


def test_where_no_worker_runs_the_servers_line_counts_and_keda_is_named(
    project: Path, kubectl: Kubectl
) -> None:
    write_stack(project, {**GKE, "jobs": "true", "minWorkers": "0"}, "prod")
    kubectl.answers("workers", json.dumps(NONE_RUNS))
    kubectl.answers("worker-log", "")
    kubectl.answers("server-log", line(1, "slipway-prod-1/server", message="request") + jobs_line(2, 3))
    found = jobs(project, kubectl)
    [workers] = found["workers"]
    assert (found["waiting"], workers["running"], workers["wanted"]) == (3, 0, 0)
    assert (workers["state"], workers["reason"]) == ("ready", "KEDA starts one with the next job")


def test_workers_that_somebody_scaled_to_none_are_stopped(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers("workers", json.dumps(NONE_RUNS))
    assert jobs(project, kubectl)["workers"][0]["state"] == "stopped"


def test_workers_that_do_not_start_are_shown_with_why_their_pod_waits(
    project: Path, kubectl: Kubectl
) -> None:
    kubectl.answers(
        "workers", json.dumps({**WORKERS, "status": {**WORKERS["status"], "availableReplicas": 1}})
    )
    waiting = {"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}}
    pod = {"metadata": {"name": "slipway-prod-worker-2"}, "status": {"containerStatuses": [waiting]}}
    kubectl.answers("pods", json.dumps({"kind": "List", "items": [pod]}))
    [workers] = jobs(project, kubectl)["workers"]
    assert (workers["state"], workers["running"], workers["wanted"]) == ("starting", 1, 2)
    assert "Pod slipway-prod-worker-2: ErrImagePull: not found" in workers["reason"]


@pytest.mark.parametrize("code", [0, 1], ids=["no line", "no right to read the log"])
def test_without_a_fresh_line_jobs_are_not_counted(project: Path, kubectl: Kubectl, code: int) -> None:
    kubectl.answers("worker-log", "", code)
    found = jobs(project, kubectl)
    assert (found["waiting"], found["workers"][0]["running"]) == (None, 2)
    assert "not counted" in shown(project, kubectl, "status", "prod")


def test_workers_that_are_not_there_yet_are_missing(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers("workers", "")
    assert jobs(project, kubectl)["workers"][0]["state"] == "missing"


def test_a_service_without_jobs_has_none_and_nobody_asks_for_workers(project: Path, kubectl: Kubectl) -> None:
    write_stack(project, GKE, "prod")
    assert jobs(project, kubectl) is None
    assert not [call for call in kubectl.calls if "worker" in call or call.startswith("logs")]


def test_the_log_has_the_lines_of_service_and_workers(project: Path, kubectl: Kubectl) -> None:
    server = line(2, "slipway-prod-1/server", message="request")
    kubectl.answers("both-logs", server + jobs_line(1, 7))
    found = [json.loads(each) for each in shown(project, kubectl, "logs", "prod").splitlines()]
    assert [(each["pod"], each["message"]) for each in found] == [
        ("slipway-prod-worker-1", "Jobs"),
        ("slipway-prod-1", "request"),
    ]
    shown(project, kubectl, "logs", "prod", "-f")
    assert all(
        "--selector app.kubernetes.io/name in (slipway-prod,slipway-prod-worker)" in call
        for call in kubectl.calls
    )
    assert kubectl.calls[1].endswith("--follow")
