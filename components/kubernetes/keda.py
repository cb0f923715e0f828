"""Scaling by KEDA: the ScaledObject of a service, its triggers, and the Prometheus that they read. Pure.

KEDA makes a HorizontalPodAutoscaler of it, which follows the trigger that demands the most pods. Triggers and
fields: keda.sh/docs/2.20; what KEDA refuses: github.com/kedacore/keda, apis/keda/v1alpha1.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from .. import keda_api
from ..fault import Fault
from . import limits, timing
from .args import Monitoring, ScaleOn
from .later import applied
from .monitoring import OPERATOR_NAMESPACES, subject_of
from .scaling import LEAST_CALM_SECONDS, behavior_of
from .spec import DEFAULT_CPU_TARGET, KubernetesSpec

# On an autoscaler: KEDA's admission takes a ScaledObject for the same pods although the autoscaler is still
# there, as it is when a change has made the one and not yet deleted the other: scaledobject_webhook.go.
SUCCEEDED = {"validations.keda.sh/hpa-ownership": "false"}
# Of what a pod is sized for, so that it holds until the next one is ready.
_REQUESTS_SHARE, _QUEUE_SHARE = 0.7, 0.25
# What the server counts: docs/guides/server.md. Two scrapes, so that one instant decides nothing.
_METRICS = {
    ScaleOn.REQUESTS: "http_server_active_requests",
    ScaleOn.QUEUE: "slipway_queue_calls",
}
_WINDOW = "1m"
# Answers of Prometheus that fail before the number of pods is held.
FAILURES = 3


def target_of(spec: KubernetesSpec) -> float:
    """Return the load of a pod at which pods are added: requests under way, or calls that wait."""
    if spec.scale_target is not None:
        return spec.scale_target
    share = _QUEUE_SHARE if spec.scale_on is ScaleOn.QUEUE else _REQUESTS_SHARE
    target = share * spec.service.concurrency
    return max(math.floor(target) if spec.with_interceptor else round(target, 2), 1)


def prometheus_address(spec: KubernetesSpec) -> pulumi.Input[str]:
    """Return the address that KEDA reads the load from, for a spec without a fault.

    The operator makes the Service `prometheus-operated` next to every Prometheus. Google's answers for a
    whole project: GKE stackdriver/docs/managed-prometheus/query-api-ui.
    """
    if spec.prometheus_address:
        return spec.prometheus_address
    if spec.monitoring is Monitoring.GOOGLE:
        return applied(_google_address, spec.google_project)
    [namespace] = spec.monitoring_namespaces or OPERATOR_NAMESPACES
    return f"http://prometheus-operated.{namespace}.svc:9090"


def _google_address(project: str) -> str:
    return f"https://monitoring.googleapis.com/v1/projects/{project}/location/global/prometheus"


def has_login(spec: KubernetesSpec) -> bool:
    """Return whether KEDA reads the load as an account of Google, by a TriggerAuthentication."""
    reads = spec.with_keda and not spec.with_interceptor
    return reads and spec.monitoring is Monitoring.GOOGLE and not spec.prometheus_address


def login_spec() -> dict[str, Any]:
    """Return the spec of the TriggerAuthentication: KEDA's own account, by Workload Identity."""
    return {"podIdentity": {"provider": "gcp"}}


def scaled_object_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of the ScaledObject.

    Without an answer from Prometheus the pods that there are stay: fewer would be a guess. To zero pods it
    goes only after a calm period, and not before the first one has had its chance of a request.
    """
    least = spec.service.min_replicas
    calm = max(LEAST_CALM_SECONDS, math.ceil(timing.start_of(spec).total))
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
        "minReplicaCount": least,
        "maxReplicaCount": spec.service.max_replicas,
        "cooldownPeriod": calm,
        "initialCooldownPeriod": calm,
        "fallback": {
            "failureThreshold": FAILURES,
            "replicas": max(least, 1),
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior_of(spec)}},
        "triggers": list(_triggers(spec)),
    }


def _triggers(spec: KubernetesSpec) -> Iterator[dict[str, Any]]:
    """Yield the trigger of the load, and that of the CPU where it says something of the load.

    KEDA takes every value of a trigger as a string.
    """
    if spec.with_interceptor:
        address = f"{keda_api.EXTERNAL_SCALER}.{spec.keda_namespace}:{keda_api.EXTERNAL_SCALER_PORT}"
        yield trigger("external-push", {"scalerAddress": address, "interceptorRoute": spec.name})
    else:
        login = {"authenticationRef": {"name": spec.name}} if has_login(spec) else {}
        yield {**trigger("prometheus", _query_metadata(spec)), **login}
    if not spec.service.gpu:
        percent = {"value": str(int(spec.cpu_target_percent))}
        yield {**trigger("cpu", percent), "metricType": "Utilization"}


def trigger(kind: str, metadata: Mapping[str, pulumi.Input[str]]) -> dict[str, Any]:
    return {"type": kind, "metadata": dict(metadata)}


def _query_metadata(spec: KubernetesSpec) -> dict[str, pulumi.Input[str]]:
    """Return a query of the whole service's load, which the autoscaler divides by the pods.

    An empty answer is a failure, and not a load of zero: it means that nobody scrapes the pods.
    """
    series = f"{_METRICS[spec.scale_on]}{{{subject_of(spec).selector}}}[{_WINDOW}]"
    return {
        "serverAddress": prometheus_address(spec),
        "query": f"sum(avg_over_time({series}))",
        "threshold": f"{target_of(spec):g}",
        "ignoreNullValues": "false",
    }


def keda_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what KEDA cannot scale by, or what has no effect without it."""
    if not spec.with_keda:
        yield from _unused_faults(spec)
        return
    given = repr(spec.scale_on.value)
    if spec.with_kserve:
        yield Fault("scale_on", given, "leave it out", "with KServe, which scales by `concurrency`")
    if spec.requests_metric:
        reason = f"with `scale_on` {spec.scale_on.value}, by which KEDA scales"
        yield Fault("requests_metric", repr(spec.requests_metric), "keep one of them", reason)
    if spec.service.gpu and spec.cpu_target_percent != DEFAULT_CPU_TARGET:
        reason = f"with `scale_on` {spec.scale_on.value}: the CPU of a pod with a GPU says little of its load"
        yield Fault("cpu_target_percent", f"{spec.cpu_target_percent:g}", "leave it out", reason)
    yield from _target_faults(spec)
    if not spec.with_interceptor:
        yield from _prometheus_faults(spec)


def _unused_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    for key in ("scale_target", "prometheus_address"):
        if getattr(spec, key):
            allowed = "leave it out, or set `scale_on` to requests or queue"
            yield Fault(key, "given", allowed, "with `scale_on` cpu")


def _target_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    target = spec.scale_target
    if target is None:
        return
    if not 0.001 <= target <= 1_000_000:
        yield Fault("scale_target", f"{target:g}", "it must be from 0.001 to 1000000", nearest=1)
    elif spec.with_interceptor and (target < 1 or target % 1):
        allowed = "the HTTP add-on counts whole requests"
        nearest = max(round(target), 1)
        yield Fault("scale_target", f"{target:g}", allowed, "with `scale_on` interceptor", nearest)


def _prometheus_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    given = repr(spec.scale_on.value)
    if spec.monitoring is Monitoring.NONE:
        monitors = "google or operator" if spec.on_gke else "operator"
        allowed = f"set `monitoring` to {monitors}, or `scale_on` to cpu"
        yield Fault("scale_on", given, allowed, "without `monitoring`: no Prometheus reads the pods' load")
    elif len(spec.monitoring_namespaces) > 1 and not spec.prometheus_address:
        allowed = "set `prometheus_address` to that of the Prometheus to read"
        yield Fault("scale_on", given, allowed, "with several `monitoring_namespaces`")
    if spec.prometheus_address and not limits.SERVER_ADDRESS.fullmatch(spec.prometheus_address):
        allowed = "it must be the address of a server, such as http://prometheus.monitoring.svc:9090"
        yield Fault("prometheus_address", repr(spec.prometheus_address), allowed)


def keda_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what the cluster must have."""
    if not spec.with_keda:
        return
    if spec.with_interceptor:
        yield f"KEDA 2.17 or newer ({keda_api.API}) must be in the cluster: it scales the pods."
        return
    address = prometheus_address(spec)
    where = f"at {address}" if isinstance(address, str) else "of the project"
    yield (
        f"KEDA 2.17 or newer ({keda_api.API}) must be in the cluster, and reach the Prometheus {where}: it "
        "scales the pods. While it gets no answer, their number stays."
    )
    if has_login(spec):
        yield (
            "KEDA reads Managed Prometheus as its own account, which must have roles/monitoring.viewer in "
            "`google_project`."
        )
