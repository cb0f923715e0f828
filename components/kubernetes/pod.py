"""The pod of a service: its server, how it starts and ends, where it may run, what it may not do. Pure.

What is known only at apply time (the image, names of ConfigMap and Secret) arrives in a Wiring and only
flows through.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from ..google.traces import google_traces
from ..input_rules import API_KEY_NAME
from ..jobs.spec import DATABASE
from ..need import inference_threads
from ..rollouts.second import INSTANCE_LABEL
from ..sizes import quantity
from ..spec import device_environment
from ..traces import trace_environment
from . import job_database, limits, model, timing
from .spec import GPU, KubernetesSpec

CONTAINER = "server"
METRICS = "metrics"
"""The name of the metrics page's port."""
# service/listener.py: METRICS_PORT
_METRICS_PORT = 9464
SERVICE_LABEL = "app.kubernetes.io/name"
# service/Dockerfile: USER
USER = 10001
_TEMPORARY = "tmp"
_TEMPORARY_MIB = 1024
# K8S concepts/cluster-administration/logging: a node keeps five files of 10 MiB of a container's log.
_LOG_MIB = 64
# Where GKE's device plugin puts the driver's libraries; only NVIDIA's own images look there by themselves.
# pkg.go.dev/github.com/GoogleCloudPlatform/container-engine-accelerators/cmd/nvidia_gpu
_DRIVER_LIBRARIES = "/usr/local/nvidia/lib64:/usr/local/nvidia/lib"


@dataclass(frozen=True, slots=True)
class Wiring:
    """The names that the workload refers to.

    image_ref: with its digest. settings_name: of the ConfigMap with the plain environment. secret_name: of
    the Secret with `secret_values` and the API key. address_name: of Google's global address; '' without.
    """

    image_ref: pulumi.Input[str]
    settings_name: pulumi.Input[str]
    secret_name: pulumi.Input[str]
    address_name: pulumi.Input[str] = ""


def selector_of(spec: KubernetesSpec, pods: str = "") -> dict[str, str]:
    """Return the labels that select the pods, and never change, because a Deployment's selector cannot.

    pods: the name of another version's; '' for those of the service.
    """
    return {SERVICE_LABEL: pods or spec.name}


def labels_of(spec: KubernetesSpec) -> dict[str, str]:
    return {**spec.service.labels, "app.kubernetes.io/part-of": "slipway", **selector_of(spec)}


def settings_of(spec: KubernetesSpec) -> dict[str, pulumi.Input[str]]:
    """Return the server's plain environment."""
    service = spec.service
    libraries = {"LD_LIBRARY_PATH": _DRIVER_LIBRARIES} if service.gpu else {}
    cloud = google_traces(spec.google_project, service.env.get("OTEL_RESOURCE_ATTRIBUTES", ""))
    return {
        **({"LOG_LEVEL_FIELD": "severity"} if spec.on_gke else {}),
        "INFERENCE_THREADS": str(inference_threads(service.cpu)),
        **libraries,
        **service.env,
        **trace_environment(spec.name, spec.traces, cloud),
        **model.environment_of(spec),
        **service.model_environment,
        **spec.jobs.environment,
        "HOST": "0.0.0.0",  # noqa: S104 the cluster calls the container from outside it
        "PORT": str(service.port),
        "REQUEST_TIMEOUT_SECONDS": f"{service.request_timeout_seconds:g}",
        "DRAIN_SECONDS": str(spec.drain_seconds),
        **device_environment(service.gpu),
        **_metrics_environment(spec),
    }


def metrics_port(spec: KubernetesSpec) -> int:
    """Return the port of the metrics page, which is another than the service's."""
    return _METRICS_PORT + (spec.service.port == _METRICS_PORT)


def _metrics_environment(spec: KubernetesSpec) -> dict[str, str]:
    if not spec.metrics_page:
        return {}
    return {
        "METRICS": "own-port",
        "METRICS_PORT": str(metrics_port(spec)),
        "METRICS_PATH": spec.metrics_page,
    }


def pod_template(spec: KubernetesSpec, wiring: Wiring, pods: str = "") -> dict[str, Any]:
    """Return what a Deployment makes pods of. pods: as in `selector_of`."""
    instance = {INSTANCE_LABEL: spec.name} if spec.runs_two else {}
    selector = selector_of(spec, pods)
    labels = {**labels_of(spec), **instance, **selector}
    fetchers = [model_fetcher(spec, wiring)] if spec.is_fetched else []
    return template_of(spec, _server(spec, wiring), labels, selector, fetchers)


def template_of(
    spec: KubernetesSpec,
    container: Mapping[str, Any],
    labels: Mapping[str, str],
    selector: Mapping[str, str],
    fetchers: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the template of pods with one container. fetchers: what brings the model before it starts."""
    metadata: dict[str, Any] = {"labels": dict(labels)}
    if annotations := model.annotations_of(spec):
        metadata["annotations"] = annotations
    pod: dict[str, Any] = {
        **identity_of(spec),
        "securityContext": _pod_security(),
        "terminationGracePeriodSeconds": timing.end_seconds(spec),
        "containers": [dict(container)],
        "volumes": volumes_of(spec),
        "topologySpreadConstraints": [
            _spread(selector, key) for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
    }
    if fetchers:
        pod["initContainers"] = [dict(fetcher) for fetcher in fetchers]
    return {"metadata": metadata, "spec": {**pod, **logins_of(spec), **placement_of(spec)}}


def logins_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the Secrets with which the nodes log in to the image's registry."""
    return (
        {"imagePullSecrets": [{"name": name} for name in spec.image_pull_secrets]}
        if spec.image_pull_secrets
        else {}
    )


def identity_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Return whom the pod runs as in the cluster, and what of the cluster it is told."""
    return {
        "serviceAccountName": spec.account_name,
        # The server never asks the cluster's API; Google's identity comes from the metadata server.
        "automountServiceAccountToken": False,
        # Without it each Service of the namespace is in the environment, `<NAME>_PORT` among it.
        "enableServiceLinks": False,
    }


def placement_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Return which nodes the pod may run on."""
    placement: dict[str, Any] = {}
    if spec.node_selector:
        placement["nodeSelector"] = dict(spec.node_selector)
    if spec.tolerations:
        placement["tolerations"] = [dict(toleration) for toleration in spec.tolerations]
    return placement


def server_of(spec: KubernetesSpec, wiring: Wiring, port: str | int = "http") -> dict[str, Any]:
    """Return the container, without what only a Deployment's pods have. port: as probes name it."""
    period = timing.startup_period_seconds(spec)
    patience = math.ceil(timing.startup_patience_seconds(spec) / period)
    return {
        "name": CONTAINER,
        "image": wiring.image_ref,
        "ports": _ports(spec),
        "resources": resources_of(spec),
        "envFrom": [{"configMapRef": {"name": wiring.settings_name}}],
        "env": _secrets(spec, wiring.secret_name),
        "securityContext": container_security(),
        "startupProbe": _probe("/ready", port, period_seconds=period, failures=patience),
        "readinessProbe": _probe("/ready", port, period_seconds=5),
        "livenessProbe": _probe("/alive", port, period_seconds=10),
        "volumeMounts": [{"name": _TEMPORARY, "mountPath": "/tmp"}, *model.mounts_of(spec)],  # noqa: S108
    }


def _ports(spec: KubernetesSpec) -> list[dict[str, Any]]:
    ports: list[dict[str, Any]] = [
        {"name": "http", "containerPort": spec.service.port, "protocol": "TCP"},
    ]
    if spec.metrics_page:
        ports.append({"name": METRICS, "containerPort": metrics_port(spec), "protocol": "TCP"})
    return ports


def volumes_of(spec: KubernetesSpec) -> list[dict[str, Any]]:
    """Return the volumes for everything that is written, because the root file system is read-only."""
    temporary = {"name": _TEMPORARY, "emptyDir": {"sizeLimit": quantity(_TEMPORARY_MIB)}}
    return [temporary, *model.volumes_of(spec, USER)]


def resources_of(spec: KubernetesSpec) -> dict[str, dict[str, str]]:
    """Return requests equal to limits, so that a node evicts the pod last and no pod starves another."""
    both = _plain_resources(spec)
    gpu = {GPU: str(int(spec.service.gpu_count))} if spec.service.gpu else {}
    return {"requests": {**both, **gpu}, "limits": {**both, **gpu}}


def _plain_resources(spec: KubernetesSpec) -> dict[str, str]:
    milli = round(spec.service.cpu * 1000)
    return {
        "cpu": str(milli // 1000) if milli % 1000 == 0 else f"{milli}m",
        "memory": quantity(math.floor(spec.service.memory_mib)),
        # Of the node's disk: without a limit one pod fills it, and the node evicts others.
        "ephemeral-storage": f"{disk_mib(spec)}Mi",
    }


def disk_mib(spec: KubernetesSpec) -> int:
    """Return the pod's share of its node's disk: temporary files, logs, and a model that is fetched."""
    return _TEMPORARY_MIB + _LOG_MIB + model.disk_mib(spec)


def _server(spec: KubernetesSpec, wiring: Wiring) -> dict[str, Any]:
    return {
        **server_of(spec, wiring),
        # Goes on serving until every node has heard that it is to get no more requests; SIGTERM comes then.
        "lifecycle": {"preStop": {"sleep": {"seconds": timing.endpoint_removal_seconds(spec)}}},
    }


def model_fetcher(spec: KubernetesSpec, wiring: Wiring) -> dict[str, Any]:
    """Return the init container that fetches the model with the server's settings, but no GPU."""
    both = _plain_resources(spec)
    return {
        "name": "fetch-model",
        "image": wiring.image_ref,
        "command": ["python", "-m", "service.sources"],
        "resources": {"requests": both, "limits": both},
        "envFrom": [{"configMapRef": {"name": wiring.settings_name}}],
        "env": _secrets(spec, wiring.secret_name),
        "securityContext": container_security(),
        "volumeMounts": [{"name": _TEMPORARY, "mountPath": "/tmp"}, *model.mounts_of(spec)],  # noqa: S108
    }


def _secrets(spec: KubernetesSpec, secret_name: pulumi.Input[str]) -> list[dict[str, Any]]:
    """Return the secret environment, sorted by name so that only real changes show in a diff."""
    own: Mapping[str, tuple[pulumi.Input[str], str]] = {
        name: (secret_name, name) for name in (API_KEY_NAME, *spec.secret_values)
    }
    found = {name: limits.SECRET_REFERENCE.fullmatch(text) for name, text in spec.service.secrets.items()}
    elsewhere = {name: (match["secret"], match["key"]) for name, match in found.items() if match}
    if spec.jobs.jobs:
        elsewhere[DATABASE] = job_database.address_reference(spec)
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": where, "key": key}}}
        for name, (where, key) in sorted({**own, **elsewhere}.items())
    ]


def _probe(path: str, port: str | int, period_seconds: int, failures: int = 3) -> dict[str, Any]:
    """Return an HTTP probe. A busy server still answers in time, because its event loop does not compute."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": period_seconds,
        "timeoutSeconds": min(period_seconds, 5),
        "failureThreshold": failures,
    }


def _spread(selector: Mapping[str, str], topology_key: str) -> dict[str, Any]:
    """Return a preference to spread a revision's pods evenly over zones or nodes."""
    return {
        "maxSkew": 1,
        "topologyKey": topology_key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": dict(selector)},
        "matchLabelKeys": ["pod-template-hash"],
    }


def _pod_security() -> dict[str, Any]:
    """Return what the Pod Security Standard `restricted` requires, and the owner of a volume's files."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        # Else every file of a large model is given to the group anew at each start.
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
