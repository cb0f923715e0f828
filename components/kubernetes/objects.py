"""Every object of a service, as Kubernetes takes it: plain dictionaries from a checked description. Pure.

What is known only when it is applied (image, secrets, names) may be a pulumi.Output among the leaves. The
ConfigMap and the Secret have no name here: docs/adr/20261128-names-that-never-return.md.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from . import kserve, model, names, network, timing
from .pod import Wiring, labels_of, pod_template, selector_of, settings_of
from .rollout import budget_of, strategy_of
from .scaling import behavior_of, metrics_of
from .spec import KubernetesSpec

# Old ReplicaSets name a ConfigMap that is gone; they are for looking at.
_REVISIONS = 3


@dataclass(frozen=True, slots=True)
class Manifest:
    """role: what it is to the service. body: the whole object. after: roles that must be there first."""

    role: str
    body: Mapping[str, Any]
    after: tuple[str, ...] = ()


def ground_of(spec: KubernetesSpec, secret_values: Mapping[str, pulumi.Input[str]]) -> Iterator[Manifest]:
    """Yield what the pods refer to, in an order in which each can be applied.

    secret_values: environment name -> value, all of them. Settings and secrets are immutable: other values
    are another object with another name, so that a change rolls the pods and never reaches a running one.
    """
    if spec.create_namespace:
        yield _namespace(spec)
    yield Manifest("identity", _head(spec, "v1", "ServiceAccount", annotations=_identity(spec)))
    settings = _nameless(_head(spec, "v1", "ConfigMap"))
    yield Manifest("settings", {**settings, "immutable": True, "data": settings_of(spec)})
    secret = _nameless(_head(spec, "v1", "Secret"))
    yield Manifest(
        "secrets", {**secret, "immutable": True, "type": "Opaque", "stringData": dict(secret_values)}
    )


def workload_of(spec: KubernetesSpec, wiring: Wiring) -> Iterator[Manifest]:
    """Yield what runs the pods and brings requests to them, in an order in which each can be applied."""
    if spec.with_kserve:
        yield _inference_service(spec, wiring)
    else:
        yield from _deployment_objects(spec, wiring)


def _deployment_objects(spec: KubernetesSpec, wiring: Wiring) -> Iterator[Manifest]:
    if spec.model_storage_class:
        yield _claim(spec)
    if spec.network_policy:
        policy = _head(spec, "networking.k8s.io/v1", "NetworkPolicy")
        yield Manifest("policy", {**policy, "spec": network.policy_spec(spec)})
    yield _autoscaler(spec)
    yield _deployment(spec, wiring)
    budget = {"selector": {"matchLabels": selector_of(spec)}, **budget_of(spec)}
    yield Manifest("budget", {**_head(spec, "policy/v1", "PodDisruptionBudget"), "spec": budget})
    if spec.domain and spec.on_gke:
        yield from _google_front(spec)
    yield _service(spec)
    if spec.domain:
        yield _ingress(spec, wiring)
    if spec.metrics_path and spec.on_gke:
        yield _monitoring(spec)


def _head(
    spec: KubernetesSpec,
    api_version: str,
    kind: str,
    name: pulumi.Input[str] | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": spec.name if name is None else name,
        "namespace": spec.namespace,
        "labels": labels_of(spec),
    }
    if annotations:
        metadata["annotations"] = dict(annotations)
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _nameless(head: Mapping[str, Any]) -> dict[str, Any]:
    """The provider makes a new name for each object: one that returned would be adopted, and then deleted
    with the object that had it before.
    """
    return {**head, "metadata": {key: value for key, value in head["metadata"].items() if key != "name"}}


def _namespace(spec: KubernetesSpec) -> Manifest:
    """With the Pod Security Standard that the pods keep; KServe's own containers may not."""
    mode = "warn" if spec.with_kserve else "enforce"
    labels = {**labels_of(spec), f"pod-security.kubernetes.io/{mode}": "restricted"}
    metadata = {"name": spec.namespace, "labels": labels}
    return Manifest("namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def _identity(spec: KubernetesSpec) -> dict[str, str]:
    if not spec.on_gke:
        return {}
    return {"iam.gke.io/gcp-service-account": names.account_email(spec.name, spec.google_project)}


def _claim(spec: KubernetesSpec) -> Manifest:
    claim = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": spec.model_storage_class,
        "resources": {"requests": {"storage": model.volume_size(spec)}},
    }
    head = _head(spec, "v1", "PersistentVolumeClaim", name=model.claim_name(spec))
    return Manifest("model", {**head, "spec": claim})


def _deployment(spec: KubernetesSpec, wiring: Wiring) -> Manifest:
    """Never says how many pods: that is the autoscaler's, and each `up` would undo its work."""
    body = {
        "selector": {"matchLabels": selector_of(spec)},
        "strategy": strategy_of(spec),
        "progressDeadlineSeconds": timing.progress_deadline_seconds(spec),
        "revisionHistoryLimit": _REVISIONS,
        "template": pod_template(spec, wiring),
    }
    after = ("identity", "settings", "secrets", "model", "policy")
    return Manifest("deployment", {**_head(spec, "apps/v1", "Deployment"), "spec": body}, after)


def _autoscaler(spec: KubernetesSpec) -> Manifest:
    """Also of a fixed number: where a manifest stops to say one, the API server puts 1 in its place.

    kubernetes.io/docs/reference/using-api/server-side-apply, transferring ownership. It may come before its
    Deployment, and then brings that to its least at once.
    """
    body = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
        "minReplicas": spec.service.min_replicas,
        "maxReplicas": spec.service.max_replicas,
        "metrics": metrics_of(spec),
        "behavior": behavior_of(spec),
    }
    head = _head(spec, "autoscaling/v2", "HorizontalPodAutoscaler")
    return Manifest("autoscaler", {**head, "spec": body})


def _service(spec: KubernetesSpec) -> Manifest:
    head = _head(spec, "v1", "Service", annotations=network.service_annotations(spec))
    after = ("deployment", "backend")
    return Manifest("service", {**head, "spec": network.service_spec(spec)}, after)


def _google_front(spec: KubernetesSpec) -> Iterator[Manifest]:
    """What GKE's Ingress is told by objects of its own."""
    backend = _head(spec, "cloud.google.com/v1", "BackendConfig")
    yield Manifest("backend", {**backend, "spec": network.backend_spec(spec)})
    frontend = _head(spec, "networking.gke.io/v1beta1", "FrontendConfig")
    yield Manifest("frontend", {**frontend, "spec": {"redirectToHttps": {"enabled": True}}})
    certificate = _head(spec, "networking.gke.io/v1", "ManagedCertificate")
    yield Manifest("certificate", {**certificate, "spec": {"domains": [spec.domain]}})


def _ingress(spec: KubernetesSpec, wiring: Wiring) -> Manifest:
    annotations = network.ingress_annotations(spec, wiring.address_name)
    head = _head(spec, "networking.k8s.io/v1", "Ingress", annotations=annotations)
    after = ("service", "frontend", "certificate")
    return Manifest("ingress", {**head, "spec": network.ingress_spec(spec)}, after)


def _monitoring(spec: KubernetesSpec) -> Manifest:
    body = {
        "selector": {"matchLabels": selector_of(spec)},
        "endpoints": [{"port": "http", "path": spec.metrics_path, "interval": "30s"}],
    }
    return Manifest(
        "monitoring", {**_head(spec, "monitoring.googleapis.com/v1", "PodMonitoring"), "spec": body}
    )


def _inference_service(spec: KubernetesSpec, wiring: Wiring) -> Manifest:
    head = _head(spec, kserve.API_VERSION, "InferenceService")
    head["metadata"]["labels"] |= kserve.labels_of(spec)
    body = {**head, "spec": kserve.inference_service_spec(spec, wiring)}
    return Manifest("inference", body, ("identity", "settings", "secrets"))
