"""Asks a Kubernetes cluster about a service through `kubectl`, the person's own login; changes nothing."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from slipway.components.observability.signal import WORKER_SUFFIX
from slipway.infra.errors import Failed
from slipway.infra.targets.cloud_cli import Command, at
from slipway.infra.targets.status import Status, declared_device

kubectl = Command(
    "kubectl",
    "A Kubernetes stack needs `kubectl`, which is not on PATH: "
    "https://kubernetes.io/docs/tasks/tools/ shows how to install it.",
)
# Pods that are followed at once.
_MOST_PODS = 20
_LINE = re.compile(r"\[pod/(?P<pod>[^/\]]+)/[^\]]+\] (?P<time>\S+) ?(?P<text>.*)")


@dataclass(frozen=True, slots=True)
class KubernetesPlace:
    """Which service it is. context, kubeconfig: '' for kubectl's own choice. login: what makes the context.

    url: of its domain, or of what wakes it; '' where it has neither. may_sleep: whether no pod at all is as
    it should be when idle. jobs: whether it takes jobs, and so has workers.
    workers_may_sleep: may_sleep of the workers.
    """

    target: str
    service: str
    namespace: str
    context: str = ""
    kubeconfig: str = ""
    login: str = ""
    with_kserve: bool = False
    url: str = ""
    may_sleep: bool = False
    jobs: bool = False
    workers_may_sleep: bool = False

    @property
    def flags(self) -> list[str]:
        chosen = [
            ("--kubeconfig", self.kubeconfig),
            ("--context", self.context),
            ("--namespace", self.namespace),
        ]
        return [part for flag, value in chosen if value for part in (flag, value)]

    @property
    def pods(self) -> list[str]:
        if self.with_kserve:
            label, container = "serving.kserve.io/inferenceservice", "kserve-container"
        else:
            label, container = "app.kubernetes.io/name", "server"
        return ["--selector", f"{label}={self.service}", "--container", container]

    @property
    def logged(self) -> list[str]:
        """Return what selects the containers of the log, those of workers too: each pod's only one."""
        if not self.jobs or self.with_kserve:
            return self.pods
        names = f"{self.service},{self.service}{WORKER_SUFFIX}"
        return ["--selector", f"app.kubernetes.io/name in ({names})"]


def served_apis(kubeconfig: Path, context: str) -> frozenset[str]:
    """Return the APIs of a cluster, such as monitoring.coreos.com/v1, which an extension may bring.

    Raises Refused without kubectl, Failed if the cluster does not list its APIs.
    """
    chosen = ["--kubeconfig", str(kubeconfig), *(["--context", context] if context else [])]
    done = kubectl([*chosen, "api-versions"])
    if done.returncode != 0:
        raise Failed(f"The cluster does not list its APIs. {kubectl.said(done)}")
    return frozenset(done.stdout.split())


def kubernetes_status(stack: str, place: KubernetesPlace) -> Status:
    """Read the service's current status. Raises Refused without kubectl, Failed if kubectl cannot read it."""
    kind = "inferenceservices.serving.kserve.io" if place.with_kserve else "deployments.apps"
    found = {
        item["kind"]: item
        for item in _objects(place, [f"{kind}/{place.service}", f"services/{place.service}"])
    }
    workload = found.get("InferenceService" if place.with_kserve else "Deployment")
    if workload is None:
        return Status(
            stack, place.target, "stopped", reason=f"Namespace {place.namespace} has no {place.service}."
        )
    state, reason = _kserve_state(workload) if place.with_kserve else deployment_state(workload)
    if state == "stopped" and place.may_sleep:
        state, reason = "ready", "It is scaled to 0 pods; the next request starts one."
    if state != "ready":
        reason = " ".join(filter(None, (reason, why_pods_wait(place)))) or None
    container = _container(workload, place.with_kserve)
    environment = _settings(place, container)
    limits = at(container, "resources", "limits")
    return Status(
        stack=stack,
        target=place.target,
        state=state,
        url=_url(place, workload, found.get("Service", {})),
        limits={**limits, **_pods(workload)} or None,
        started_at=at(workload, "metadata").get("creationTimestamp"),
        model=(environment or {}).get("MODEL_SOURCE") or container.get("image"),
        version=_revision(workload, place.with_kserve),
        release=None if place.with_kserve else int(_revision(workload, with_kserve=False) or 0) or None,
        device=_device(environment, limits.get("nvidia.com/gpu")) if state == "ready" else None,
        reason=reason,
    )


def kubernetes_logs(place: KubernetesPlace, tail: int) -> Iterator[str]:
    """Yield the last `tail` log entries of the existing pods, oldest first, one JSON object per line."""
    many = ["--max-log-requests", str(_MOST_PODS), "--prefix", "--timestamps"]
    done = kubectl(["logs", *place.flags, *place.logged, *many, "--tail", str(max(tail, 1))])
    if done.returncode:
        raise Failed(kubectl_error(place, done.stderr))
    lines = log_entries(done.stdout)
    for entry in lines[max(len(lines) - tail, 0) :]:
        yield json.dumps(entry, ensure_ascii=False) + "\n"


def following(place: KubernetesPlace) -> list[str]:
    """Return the command that follows the log."""
    many = ["--max-log-requests", str(_MOST_PODS), "--prefix", "--follow"]
    return [kubectl.path, "logs", *place.flags, *place.logged, *many]


def _objects(place: KubernetesPlace, names: list[str]) -> list[dict[str, Any]]:
    """Those of the names that are there."""
    done = kubectl(["get", *names, *place.flags, "--ignore-not-found", "--output", "json"])
    if done.returncode:
        raise Failed(kubectl_error(place, done.stderr))
    if not done.stdout.strip():
        return []
    answer = kubectl.object_of(done.stdout)
    return listed(answer, "items") if answer.get("kind") == "List" else [answer]


def kubectl_error(place: KubernetesPlace, stderr: str) -> str:
    """Return kubectl's error message and, for a missing context, how to create it."""
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    text = "kubectl says: " + (" ".join(lines[:3]) or "nothing.")
    if place.login and re.search(r"context .*does not exist|no context exists", text, re.IGNORECASE):
        return f"{text}. This writes it into your kubeconfig: {place.login}"
    return text


def deployment_state(deployment: Mapping[str, Any]) -> tuple[str, str | None]:
    """Ready: every pod of the newest revision answers. Failed: the rollout stood still past its deadline."""
    status, known = at(deployment, "status"), conditions(deployment)
    progressing = known.get("Progressing", {})
    if progressing.get("status") == "False":
        return "failed", progressing.get("message")
    failure = known.get("ReplicaFailure", {})
    if failure.get("status") == "True":
        return "failed", failure.get("message")
    wanted = at(deployment, "spec").get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= at(deployment, "metadata").get("generation", 0)
    newest, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if seen and newest == wanted == available == status.get("replicas", 0) and wanted:
        return "ready", None
    if seen and not wanted:
        return "stopped", "It is scaled to 0 pods."
    return "starting", f"{newest} of {wanted} pods are of the newest revision, {available} are available."


def _kserve_state(service: Mapping[str, Any]) -> tuple[str, str | None]:
    ready = conditions(service).get("Ready", {})
    state = {"True": "ready", "False": "failed"}.get(ready.get("status", ""), "starting")
    return state, None if state == "ready" else ready.get("message") or ready.get("reason")


def why_pods_wait(place: KubernetesPlace, name: str = "") -> str | None:
    """Return why the first pod that does not run waits: no node, no image, or a server that ended.

    name: of the Deployment whose pods they are; '' for the service's own.
    """
    selector = ["--selector", f"app.kubernetes.io/name={name}"] if name else place.pods[:2]
    done = kubectl(["get", "pods", *place.flags, *selector, "--output", "json"])
    if done.returncode:
        return None
    for pod in listed(kubectl.object_of(done.stdout), "items"):
        pod_name = at(pod, "metadata").get("name")
        scheduled = conditions(pod).get("PodScheduled", {})
        if scheduled.get("status") == "False":
            return f"Pod {pod_name} waits for a node: {scheduled.get('message') or scheduled.get('reason')}"
        for container in listed(at(pod, "status"), "containerStatuses"):
            waiting = at(container, "state", "waiting")
            if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
                return f"Pod {pod_name}: {waiting['reason']}: {waiting.get('message', '')}".rstrip(": ")
    return None


def _device(environment: Mapping[str, Any] | None, gpus: Any) -> str | None:
    if gpus and environment is None:
        return None
    return declared_device(environment or {}, gpus)


def _settings(place: KubernetesPlace, container: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read the server's plain environment from its ConfigMap; None if that cannot be read."""
    named = [at(source, "configMapRef").get("name") for source in listed(container, "envFrom")]
    names = [f"configmaps/{name}" for name in named if name]
    if not names:
        return None
    done = kubectl(["get", *names, *place.flags, "--ignore-not-found", "--output", "json"])
    if done.returncode or not done.stdout.strip():
        return None
    answer = kubectl.object_of(done.stdout)
    found = listed(answer, "items") if answer.get("kind") == "List" else [answer]
    return {key: value for one in found for key, value in at(one, "data").items()}


def _container(workload: Mapping[str, Any], with_kserve: bool) -> dict[str, Any]:
    path = ("spec", "predictor") if with_kserve else ("spec", "template", "spec")
    return at(workload, *path, "containers", 0)


def _pods(workload: Mapping[str, Any]) -> dict[str, Any]:
    if workload["kind"] != "Deployment":
        return {}
    status = at(workload, "status")
    return {
        "pods": status.get("availableReplicas", 0),
        "pods_wanted": at(workload, "spec").get("replicas", 1),
    }


def _revision(workload: Mapping[str, Any], with_kserve: bool) -> str | None:
    if with_kserve:
        return at(workload, "status", "components", "predictor").get("latestReadyRevision")
    annotations = at(workload, "metadata", "annotations")
    return annotations.get("deployment.kubernetes.io/revision")


def _url(place: KubernetesPlace, workload: Mapping[str, Any], service: Mapping[str, Any]) -> str | None:
    """Return the URL from KServe, the domain or the load balancer; otherwise the one inside the cluster."""
    if place.with_kserve:
        return at(workload, "status").get("url")
    if place.url:
        return place.url
    first = at(service, "status", "loadBalancer", "ingress", 0)
    address = first.get("ip") or first.get("hostname")
    if address:
        return f"http://{address}"
    return f"http://{place.service}.{place.namespace}.svc.cluster.local" if service else None


def conditions(value: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(one.get("type")): one for one in listed(at(value, "status"), "conditions")}


def listed(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    return cast("list[dict[str, Any]]", found) if isinstance(found, list) else []


def log_entries(text: str) -> list[dict[str, Any]]:
    """Return the entries of a log that kubectl printed with prefixes and times, the oldest first."""
    found = filter(None, map(_entry, text.splitlines()))
    return sorted(found, key=lambda entry: str(entry["time"]))


def _entry(line: str) -> dict[str, Any] | None:
    """Parse a log line; text that is not JSON, such as a Python traceback, becomes its message."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        payload = json.loads(found["text"])
    except json.JSONDecodeError:
        payload = None
    fields = cast("dict[str, Any]", payload) if isinstance(payload, dict) else {"message": found["text"]}
    return {"time": found["time"], "pod": found["pod"], **fields}
