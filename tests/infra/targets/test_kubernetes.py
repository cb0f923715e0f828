"""`slipway status`, `logs` and `up` of a Kubernetes stack, with a stand-in for `kubectl`."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import refused, slipway

GKE = {"target": "gke", "project": "acme-ml", "region": "europe-west4"}
CONTEXT = "gke_acme-ml_europe-west4_slipway-prod"
FLAGS = f"--context {CONTEXT} --namespace slipway-prod"
DEPLOYMENT: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {
        "generation": 3,
        "creationTimestamp": "2026-11-21T10:00:00Z",
        "annotations": {"deployment.kubernetes.io/revision": "7"},
    },
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {
                        "image": "host/server@sha256:abc",
                        "resources": {"limits": {"cpu": "3", "memory": "8Gi", "nvidia.com/gpu": "1"}},
                    }
                ]
            }
        },
    },
    "status": {
        "observedGeneration": 3,
        "replicas": 2,
        "updatedReplicas": 2,
        "availableReplicas": 2,
        "conditions": [{"type": "Progressing", "status": "True"}],
    },
}
SERVICE: dict[str, Any] = {
    "kind": "Service",
    "metadata": {"name": "slipway-prod"},
    "status": {"loadBalancer": {}},
}


class Kubectl:
    """An executable on PATH that records how it was called and answers by what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        lines = [
            "#!/bin/sh",
            f'echo "$@" >> {folder}/calls',
            f'what={folder}/"$1"',
            f'[ "$2" != pods ] || what={folder}/pods',
            f'case "$2" in configmaps/*) what={folder}/settings;; esac',
        ]
        script = "\n".join([*lines, 'cat "$what"', f"cat {folder}/err >&2", f"exit $(cat {folder}/code)", ""])
        (folder / "kubectl").write_text(script)
        (folder / "kubectl").chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"
        self.answers()

    def answers(
        self, *objects: Any, pods: Any = (), log: str = "", err: str = "", code: int = 0, settings: Any = None
    ) -> None:
        found = json.dumps({"kind": "List", "items": objects}) if objects else ""
        (self._folder / "get").write_text(found)
        (self._folder / "pods").write_text(json.dumps({"kind": "List", "items": list(pods)}))
        (self._folder / "settings").write_text("" if settings is None else json.dumps(settings))
        (self._folder / "logs").write_text(log)
        (self._folder / "err").write_text(err)
        (self._folder / "code").write_text(str(code))

    @property
    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def kubectl(project: Path, tmp_path: Path) -> Kubectl:
    write_stack(project, GKE, "prod")
    return Kubectl(tmp_path / "bin")


def run(project: Path, kubectl: Kubectl, *arguments: str) -> subprocess.CompletedProcess[str]:
    return slipway(project, *arguments, PATH=kubectl.path)


def status(project: Path, kubectl: Kubectl, stack: str = "prod") -> dict[str, Any]:
    done = run(project, kubectl, "status", stack, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def with_settings(workload: dict[str, Any]) -> dict[str, Any]:
    """Its server takes its environment from a ConfigMap."""
    [container] = workload["spec"]["template"]["spec"]["containers"]
    container = {**container, "envFrom": [{"configMapRef": {"name": "slipway-prod-settings-1"}}]}
    spec = {**workload["spec"], "template": {"spec": {"containers": [container]}}}
    return {**workload, "spec": spec}


def deployment(**changed: Any) -> dict[str, Any]:
    return {**DEPLOYMENT, "status": {**DEPLOYMENT["status"], **changed}}


def test_a_ready_service_is_told_with_its_limits_pods_image_and_revision(
    project: Path, kubectl: Kubectl
) -> None:
    kubectl.answers(DEPLOYMENT, SERVICE)
    found = status(project, kubectl)
    assert (found["target"], found["state"], found["version"]) == ("gke", "ready", "7")
    assert found["limits"] == {
        "cpu": "3",
        "memory": "8Gi",
        "nvidia.com/gpu": "1",
        "pods": 2,
        "pods_wanted": 2,
    }
    assert found["url"] == "http://slipway-prod.slipway-prod.svc.cluster.local"
    assert "sha256:abc" in found["model"]
    assert kubectl.calls == [
        f"get deployments.apps/slipway-prod services/slipway-prod {FLAGS} --ignore-not-found --output json",
        f"get configmaps/slipway-prod-rollout --ignore-not-found --output json {FLAGS}",
    ]


def test_the_device_and_the_model_are_read_from_the_settings_of_the_pods(
    project: Path, kubectl: Kubectl
) -> None:
    data = {"DEVICE": "cuda", "MODEL_SOURCE": "gs://models/spam@1"}
    kubectl.answers(with_settings(DEPLOYMENT), SERVICE, settings={"kind": "ConfigMap", "data": data})
    found = status(project, kubectl)
    assert (found["device"], found["model"]) == ("cuda", "gs://models/spam@1")
    assert kubectl.calls[-2] == (
        f"get configmaps/slipway-prod-settings-1 {FLAGS} --ignore-not-found --output json"
    )


def test_a_gpu_that_nothing_holds_to_is_told_as_such(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(with_settings(DEPLOYMENT), SERVICE, settings={"kind": "ConfigMap", "data": {}})
    assert "deployed before DEVICE was set" in status(project, kubectl)["device"]


def test_the_device_is_not_made_up_where_the_settings_cannot_be_read(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(with_settings(DEPLOYMENT), SERVICE)
    found = status(project, kubectl)
    assert (found["state"], found["device"]) == ("ready", None)


@pytest.mark.parametrize(
    ("ingress", "url"), [({"ip": "203.0.113.9"}, "http://203.0.113.9"), ({"hostname": "a.b"}, "http://a.b")]
)
def test_the_address_of_a_load_balancer_is_told(
    project: Path, kubectl: Kubectl, ingress: dict[str, str], url: str
) -> None:
    kubectl.answers(DEPLOYMENT, {**SERVICE, "status": {"loadBalancer": {"ingress": [ingress]}}})
    assert status(project, kubectl)["url"] == url


def test_a_rollout_under_way_is_starting_and_tells_why_a_pod_waits(project: Path, kubectl: Kubectl) -> None:
    condition = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes have nvidia.com/gpu."}
    pod = {"metadata": {"name": "slipway-prod-1"}, "status": {"conditions": [condition]}}
    kubectl.answers(deployment(availableReplicas=1, updatedReplicas=1), SERVICE, pods=[pod])
    found = status(project, kubectl)
    assert found["state"] == "starting"
    assert "1 of 2 pods are of the newest revision, 1 are available." in found["reason"]
    assert "Pod slipway-prod-1 waits for a node: 0/3 nodes have nvidia.com/gpu." in found["reason"]


def test_what_the_cluster_has_not_seen_yet_is_starting(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(deployment(observedGeneration=2), SERVICE)
    assert status(project, kubectl)["state"] == "starting"


def test_a_rollout_past_its_deadline_has_failed_and_tells_what_the_server_died_of(
    project: Path, kubectl: Kubectl
) -> None:
    late = {"type": "Progressing", "status": "False", "message": "It has timed out progressing."}
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}}}
    pod = {"metadata": {"name": "slipway-prod-1"}, "status": {"containerStatuses": [waiting]}}
    kubectl.answers(deployment(conditions=[late], availableReplicas=0), SERVICE, pods=[pod])
    found = status(project, kubectl)
    assert found["state"] == "failed"
    assert "timed out progressing" in found["reason"]
    assert "Pod slipway-prod-1: CrashLoopBackOff: back-off 5m0s" in found["reason"]


def test_a_service_that_is_not_there_is_stopped(project: Path, kubectl: Kubectl) -> None:
    found = status(project, kubectl)
    assert (found["state"], found["reason"]) == ("stopped", "Namespace slipway-prod has no slipway-prod.")


def test_a_service_of_no_pods_is_stopped(project: Path, kubectl: Kubectl) -> None:
    none: dict[str, Any] = {"observedGeneration": 3, "conditions": []}
    kubectl.answers({**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 0}, "status": none}, SERVICE)
    assert status(project, kubectl)["state"] == "stopped"


def test_a_service_that_sleeps_is_ready_and_its_url_is_where_it_is_woken(
    project: Path, kubectl: Kubectl
) -> None:
    write_stack(project, {**GKE, "minInstances": "0", "scaleOn": "interceptor"}, "prod")
    none: dict[str, Any] = {"observedGeneration": 3, "conditions": []}
    kubectl.answers({**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 0}, "status": none}, SERVICE)
    found = status(project, kubectl)
    assert (found["state"], found["reason"]) == (
        "ready",
        "It is scaled to 0 pods; the next request starts one.",
    )
    assert found["url"] == "http://slipway-prod-proxy.slipway-prod.svc.cluster.local:8080"


def test_a_context_that_is_missing_is_told_with_the_command_that_makes_it(
    project: Path, kubectl: Kubectl
) -> None:
    kubectl.answers(err=f'error: context "{CONTEXT}" does not exist\n', code=1)
    for command in ("status", "logs"):
        done = run(project, kubectl, command, "prod")
        assert (done.returncode, done.stdout) == (1, "")
        assert (
            "gcloud container clusters get-credentials slipway-prod --location europe-west4 --project acme-ml"
            in done.stderr
        )


def test_what_kubectl_refuses_is_passed_on_with_exit_code_1(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(err="error: You must be logged in to the server (Unauthorized)\n", code=1)
    done = run(project, kubectl, "status", "prod")
    assert done.returncode == 1
    assert "You must be logged in" in done.stderr
    assert "get-credentials" not in done.stderr


def test_another_cluster_is_asked_by_the_stacks_own_kubeconfig_and_context(
    project: Path, kubectl: Kubectl
) -> None:
    settings = {"target": "kubernetes", "kubeconfig": "~/kube", "context": "kind", "namespace": "shop"}
    write_stack(
        project, {**settings, "image": f"host/a@sha256:{'0' * 64}", "domain": "api.example.com"}, "kind"
    )
    kubectl.answers(DEPLOYMENT, SERVICE)
    found = status(project, kubectl, "kind")
    assert (found["target"], found["url"]) == ("kubernetes", "http://api.example.com")
    home = Path("~/kube").expanduser()
    assert f"--kubeconfig {home} --context kind --namespace shop" in kubectl.calls[0]


def test_an_inference_service_of_kserve_is_told_with_its_url_and_revision(
    project: Path, kubectl: Kubectl
) -> None:
    write_stack(project, {**GKE, "serving": "kserve"}, "prod")
    inference = {
        "kind": "InferenceService",
        "metadata": {},
        "spec": {"predictor": {"containers": [{"image": "host/a@sha256:abc"}]}},
        "status": {
            "url": "http://slipway-prod.example.com",
            "conditions": [{"type": "Ready", "status": "True"}],
            "components": {"predictor": {"latestReadyRevision": "slipway-prod-predictor-00002"}},
        },
    }
    kubectl.answers(inference)
    found = status(project, kubectl)
    assert (found["state"], found["url"]) == ("ready", "http://slipway-prod.example.com")
    assert found["version"] == "slipway-prod-predictor-00002"
    inference["status"] = {"conditions": [{"type": "Ready", "status": "False", "message": "no image"}]}
    kubectl.answers(inference)
    assert status(project, kubectl)["state"] == "failed"


def test_the_log_of_all_pods_is_one_json_object_a_line_oldest_first(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(
        log='[pod/slipway-prod-1/server] 2026-11-21T10:00:02Z {"message": "request", "status": 200}\n'
        "[pod/slipway-prod-1/server] 2026-11-21T10:00:04Z Killed\n"
        '[pod/slipway-prod-2/server] 2026-11-21T10:00:01Z {"message": "started"}\n'
    )
    done = run(project, kubectl, "logs", "prod", "--tail", "2")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"time": "2026-11-21T10:00:02Z", "pod": "slipway-prod-1", "message": "request", "status": 200},
        {"time": "2026-11-21T10:00:04Z", "pod": "slipway-prod-1", "message": "Killed"},
    ]
    assert kubectl.calls == [
        f"logs {FLAGS} --selector app.kubernetes.io/name=slipway-prod --container server "
        "--max-log-requests 20 --prefix --timestamps --tail 2"
    ]


def test_to_follow_the_log_it_becomes_kubectls_own(project: Path, kubectl: Kubectl) -> None:
    kubectl.answers(log="a line\n")
    assert run(project, kubectl, "logs", "prod", "-f").stdout == "a line\n"
    assert kubectl.calls[0].endswith("--max-log-requests 20 --prefix --follow")


def test_without_kubectl_it_says_how_to_get_it(project: Path) -> None:
    write_stack(project, GKE, "prod")
    for command in ("status", "logs"):
        assert "kubernetes.io/docs/tasks/tools" in refused(project, command, "prod", PATH="/nowhere")


def test_down_destroys_and_tells_what_remains(project: Path, tmp_path: Path) -> None:
    write_stack(project, GKE, "prod")
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("pulumi", "gke-gcloud-auth-plugin"):
        (folder / program).write_text('#!/bin/sh\necho "pulumi $*"\n')
        (folder / program).chmod(0o755)
    done = slipway(project, "down", "prod", PATH=f"{folder}:{os.environ['PATH']}")
    assert done.stdout.startswith("pulumi destroy --stack prod\nWhat remains:\n"), done.stderr
    assert "container.googleapis.com" in done.stdout
    assert "logs, until Cloud Logging's retention ends: slipway-prod-cluster" in done.stdout


def test_without_the_plugin_a_gke_stack_is_refused_before_pulumi_is_asked(
    project: Path, tmp_path: Path
) -> None:
    write_stack(project, GKE, "prod")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "pulumi").write_text(f"#!/bin/sh\necho asked > {tmp_path}/asked\n")
    (folder / "pulumi").chmod(0o755)
    for command in ("up", "down"):
        message = refused(project, command, "prod", PATH=str(folder))
        assert "gke-gcloud-auth-plugin" in message
        assert "nothing was changed" in message
        assert "gcloud components install" in message
    assert not (tmp_path / "asked").exists()
