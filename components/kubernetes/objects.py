"""Every object of a service, as Kubernetes takes it: plain dictionaries from a checked spec. Pure.

What is known only at apply time (image, secrets, names) may be a pulumi.Output among the leaves. The
ConfigMap and the Secret have no name here: docs/adr/20261128-names-that-never-return.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from .. import keda_api
from ..google.accounts import account_email, account_id
from ..rollouts.kinds import BLUE_GREEN
from ..rollouts.second import second_name
from . import interceptor, keda, kserve, limits, model, monitoring, network, timing
from .heads import KubernetesObject, head_of, watched_head_of
from .job_objects import job_objects
from .later import applied
from .pod import Wiring, labels_of, pod_template, selector_of, settings_of
from .rollout import budget_of, strategy_of
from .scaling import behavior_of, metrics_of
from .second_version import (
    holds_first,
    least_replicas,
    replicas_of_second,
    runs_second,
)
from .spec import KubernetesSpec

# Old ReplicaSets name a ConfigMap that is gone; they are for looking at.
_REVISIONS = 3


def ground_of(
    spec: KubernetesSpec, secret_values: Mapping[str, pulumi.Input[str]]
) -> Iterator[KubernetesObject]:
    """Yield what the pods refer to, in an order in which each can be applied.

    secret_values: environment name -> value, all of them. Settings and secrets are immutable: other values
    are another object with another name, so that a change rolls the pods and never reaches a running one.
    """
    if spec.create_namespace:
        yield _namespace(spec)
    if not spec.service_account:
        yield KubernetesObject("identity", head_of(spec, "v1", "ServiceAccount", annotations=_identity(spec)))
    yield _settings(spec, "settings", is_held=holds_first(spec))
    yield _secrets(spec, "secrets", secret_values, is_held=holds_first(spec))
    if runs_second(spec):
        yield _settings(spec, "canary-settings")
        yield _secrets(spec, "canary-secrets", secret_values)


def workload_of(
    spec: KubernetesSpec, wiring: Wiring, second: Wiring | None = None
) -> Iterator[KubernetesObject]:
    """Yield what runs the pods and brings requests to them, in an order in which each can be applied.

    second: of the second version, where this step of a rollout has one.
    """
    if spec.with_kserve:
        yield _inference_service(spec, wiring)
    else:
        yield from _deployment_objects(spec, wiring, second)


def _deployment_objects(
    spec: KubernetesSpec, wiring: Wiring, second: Wiring | None
) -> Iterator[KubernetesObject]:
    if spec.model_storage_class:
        yield _claim(spec)
    if spec.network_policy:
        yield _policy(spec, is_held=holds_first(spec))
    if not spec.with_keda:
        yield _autoscaler(spec)
    yield _deployment(spec, wiring)
    yield _budget(spec)
    if second is not None:
        yield from _second_version(spec, second)
    if spec.domain and spec.on_gke:
        yield from _google_front(spec)
    yield _service(spec)
    if spec.with_interceptor:
        yield from _interception(spec)
    if spec.with_keda:
        yield from _scaled_objects(spec)
    if spec.domain:
        yield _ingress(spec, wiring)
    if spec.is_monitored:
        yield from _monitoring(spec)
    if spec.jobs.jobs:
        yield from job_objects(spec, wiring)


def _settings(spec: KubernetesSpec, role: str, *, is_held: bool = False) -> KubernetesObject:
    head = _nameless(head_of(spec, "v1", "ConfigMap"))
    body = {**head, "immutable": True, "data": settings_of(spec)}
    return KubernetesObject(role, body, initial=("data",) if is_held else ())


def _secrets(
    spec: KubernetesSpec, role: str, values: Mapping[str, pulumi.Input[str]], *, is_held: bool = False
) -> KubernetesObject:
    head = _nameless(head_of(spec, "v1", "Secret"))
    body = {**head, "immutable": True, "type": "Opaque", "stringData": dict(values)}
    # The provider keeps `stringData` as `data`.
    return KubernetesObject(role, body, initial=("stringData", "data") if is_held else ())


def _nameless(head: Mapping[str, Any]) -> dict[str, Any]:
    """Return the head without a name, so that the provider makes a new one for each object.

    A name that is used again would adopt the old object, and then be deleted together with it.
    """
    return {**head, "metadata": {key: value for key, value in head["metadata"].items() if key != "name"}}


def _namespace(spec: KubernetesSpec) -> KubernetesObject:
    """Return the namespace, which enforces the pods' Pod Security Standard; with KServe it only warns."""
    mode = "warn" if spec.with_kserve else "enforce"
    labels = {**labels_of(spec), f"pod-security.kubernetes.io/{mode}": "restricted"}
    metadata = {"name": spec.namespace, "labels": labels}
    return KubernetesObject("namespace", {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def _identity(spec: KubernetesSpec) -> dict[str, pulumi.Input[str]]:
    if not spec.on_gke:
        return dict(spec.service_account_annotations)
    email = applied(lambda project: account_email(account_id(spec.name), project), spec.google_project)
    return {**spec.service_account_annotations, limits.GOOGLE_ACCOUNT_ANNOTATION: email}


def _claim(spec: KubernetesSpec) -> KubernetesObject:
    claim = {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": spec.model_storage_class,
        "resources": {"requests": {"storage": model.volume_size(spec)}},
    }
    head = head_of(spec, "v1", "PersistentVolumeClaim", name=model.claim_name(spec))
    return KubernetesObject("model", {**head, "spec": claim})


def _deployment(spec: KubernetesSpec, wiring: Wiring) -> KubernetesObject:
    """Return the Deployment. Its replicas are those of the first `up`, which waits for that many to be ready.

    That is at least one, also where the service may sleep: what does not start is not taken for asleep. The
    autoscaler sets them from then on, and each `up` would undo that.
    """
    body = {
        "replicas": max(spec.service.min_replicas, 1),
        "selector": {"matchLabels": selector_of(spec)},
        "strategy": strategy_of(spec),
        "progressDeadlineSeconds": timing.progress_deadline_seconds(spec),
        "revisionHistoryLimit": _REVISIONS,
        "template": pod_template(spec, wiring),
    }
    after = ("identity", "settings", "secrets", "model", "policy")
    initial = ("spec", "metadata") if holds_first(spec) else ("spec.replicas",)
    return KubernetesObject(
        "deployment", {**head_of(spec, "apps/v1", "Deployment"), "spec": body}, after, initial
    )


def _second_version(spec: KubernetesSpec, wiring: Wiring) -> Iterator[KubernetesObject]:
    """Yield the second version's own objects; with blue-green its pods are as many as an autoscaler wants."""
    name = second_name(spec.name)
    if spec.network_policy:
        yield _policy(spec, name)
    after: tuple[str, ...] = ("identity", "canary-settings", "canary-secrets", "model", "canary-policy")
    initial: tuple[str, ...] = ()
    if spec.rollout == BLUE_GREEN:
        yield _autoscaler(spec, name)
        initial = ("spec.replicas",)
    body = {
        "replicas": replicas_of_second(spec),
        "selector": {"matchLabels": selector_of(spec, name)},
        "strategy": strategy_of(spec),
        "progressDeadlineSeconds": timing.progress_deadline_seconds(spec),
        "revisionHistoryLimit": 0,
        "template": pod_template(spec, wiring, name),
    }
    head = head_of(spec, "apps/v1", "Deployment", name=name)
    yield KubernetesObject("canary", {**head, "spec": body}, after, initial)
    yield _budget(spec, name)


def _policy(spec: KubernetesSpec, second: str = "", *, is_held: bool = False) -> KubernetesObject:
    head = head_of(spec, "networking.k8s.io/v1", "NetworkPolicy", name=second or None)
    body = {**head, "spec": network.policy_spec(spec, selector_of(spec, second))}
    role = "canary-policy" if second else "policy"
    return KubernetesObject(role, body, initial=("spec",) if is_held else ())


def _budget(spec: KubernetesSpec, second: str = "") -> KubernetesObject:
    """Return the disruption budget; the second version's never blocks the drain of a node."""
    limit = {"maxUnavailable": 1} if second else budget_of(spec)
    budget = {"selector": {"matchLabels": selector_of(spec, second)}, **limit}
    head = head_of(spec, "policy/v1", "PodDisruptionBudget", name=second or None)
    return KubernetesObject("canary-budget" if second else "budget", {**head, "spec": budget})


def _autoscaler(spec: KubernetesSpec, second: str = "") -> KubernetesObject:
    """Return the autoscaler, also for a fixed number of pods.

    If a manifest stops to state a number, the API server sets it to 1:
    kubernetes.io/docs/reference/using-api/server-side-apply, transferring ownership. The autoscaler may exist
    before its Deployment, and then scales it to the minimum at once.
    """
    least, most = least_replicas(spec), spec.service.max_replicas
    body = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": second or spec.name},
        "minReplicas": min(least, most),
        "maxReplicas": most,
        "metrics": metrics_of(spec),
        "behavior": behavior_of(spec),
    }
    head = head_of(
        spec, "autoscaling/v2", "HorizontalPodAutoscaler", name=second or None, annotations=keda.SUCCEEDED
    )
    return KubernetesObject("canary-autoscaler" if second else "autoscaler", {**head, "spec": body})


def _scaled_objects(spec: KubernetesSpec) -> Iterator[KubernetesObject]:
    """Yield what KEDA scales by. Its admission looks for the Deployment, and its scaler for the route."""
    if keda.has_login(spec):
        login = {**head_of(spec, keda_api.API, "TriggerAuthentication"), "spec": keda.login_spec()}
        yield KubernetesObject("scaler-login", login)
    scaled = {**head_of(spec, keda_api.API, "ScaledObject"), "spec": keda.scaled_object_spec(spec)}
    yield KubernetesObject("scaler", scaled, ("deployment", "route", "scaler-login"))


def _interception(spec: KubernetesSpec) -> Iterator[KubernetesObject]:
    """Yield the way to the interceptor of KEDA's HTTP add-on, and the one from there to the pods."""
    proxy = head_of(spec, "v1", "Service", name=keda_api.proxy_name(spec.name))
    yield KubernetesObject("proxy", {**proxy, "spec": interceptor.proxy_spec(spec)})
    route = head_of(spec, keda_api.HTTP_ADD_ON_API, "InterceptorRoute")
    yield KubernetesObject("route", {**route, "spec": interceptor.route_spec(spec)}, ("service",))


def _service(spec: KubernetesSpec) -> KubernetesObject:
    head = head_of(spec, "v1", "Service", annotations=network.service_annotations(spec))
    after = ("deployment", "canary", "backend")
    return KubernetesObject("service", {**head, "spec": network.service_spec(spec)}, after)


def _google_front(spec: KubernetesSpec) -> Iterator[KubernetesObject]:
    """Yield the objects that configure GKE's Ingress."""
    backend = head_of(spec, "cloud.google.com/v1", "BackendConfig")
    yield KubernetesObject("backend", {**backend, "spec": network.backend_spec(spec)})
    frontend = head_of(spec, "networking.gke.io/v1beta1", "FrontendConfig")
    yield KubernetesObject("frontend", {**frontend, "spec": {"redirectToHttps": {"enabled": True}}})
    certificate = head_of(spec, "networking.gke.io/v1", "ManagedCertificate")
    yield KubernetesObject("certificate", {**certificate, "spec": {"domains": [spec.domain]}})


def _ingress(spec: KubernetesSpec, wiring: Wiring) -> KubernetesObject:
    annotations = network.ingress_annotations(spec, wiring.address_name)
    head = head_of(spec, "networking.k8s.io/v1", "Ingress", annotations=annotations)
    after = ("service", "proxy", "frontend", "certificate")
    return KubernetesObject("ingress", {**head, "spec": network.ingress_spec(spec)}, after)


def _monitoring(spec: KubernetesSpec) -> Iterator[KubernetesObject]:
    """Yield what has the pods scraped, the rules, and the dashboard for whatever Grafana there is."""
    scrapes = {**watched_head_of(spec, *monitoring.scrape_kind(spec)), "spec": monitoring.scrape_spec(spec)}
    yield KubernetesObject("monitoring", scrapes)
    rules = {**watched_head_of(spec, *monitoring.rules_kind(spec)), "spec": monitoring.rules_spec(spec)}
    yield KubernetesObject("rules", rules)
    dashboard = head_of(spec, "v1", "ConfigMap", name=f"{spec.name}-dashboard")
    dashboard["metadata"]["labels"] |= monitoring.DASHBOARD_LABEL
    yield KubernetesObject("dashboard", {**dashboard, "data": monitoring.dashboard_data(spec)})


def _inference_service(spec: KubernetesSpec, wiring: Wiring) -> KubernetesObject:
    head = head_of(spec, kserve.API_VERSION, "InferenceService")
    head["metadata"]["labels"] |= kserve.labels_of(spec)
    body = {**head, "spec": kserve.inference_service_spec(spec, wiring)}
    return KubernetesObject("inference", body, ("identity", "settings", "secrets"))
