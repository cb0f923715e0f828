"""The way of a request through the interceptor of KEDA's HTTP add-on, which wakes a service at zero. Pure.

Callers reach the interceptor by a Service of type ExternalName, `<name>-proxy`, or by the Ingress of a
domain that leads there. It holds a request until a pod is ready, and passes it on to the Service of the pods,
its Host, key and body as they came; an answer is passed on as it comes, so it may stream:
github.com/kedacore/http-add-on v0.15.0, interceptor/handler/upstream.go.
"""

import math
from collections.abc import Iterator
from typing import Any

from .. import keda_api
from ..fault import Fault
from . import keda, limits, timing
from .spec import KubernetesSpec

# Beyond the server's own timeout, which answers 504 itself.
_MARGIN_SECONDS = 5
# Where an update finds no pod there is none to wait for: pulumi.com/registry/packages/kubernetes/
# how-to-guides/managing-resources-with-server-side-apply, await logic.
UNWAITED = {"pulumi.com/skipAwait": "true"}


def proxy_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of that Service: a name in DNS, and the port for an Ingress to name."""
    return {
        "type": "ExternalName",
        "externalName": f"{keda_api.INTERCEPTOR}.{spec.keda_namespace}.svc.cluster.local",
        "ports": [{"name": "http", "port": keda_api.INTERCEPTOR_PORT, "protocol": "TCP"}],
    }


def route_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of the InterceptorRoute: which hosts it takes, how long they wait, what is counted."""
    waits, answers = cold_seconds(spec), math.ceil(spec.service.request_timeout_seconds) + _MARGIN_SECONDS
    return {
        "target": {"service": spec.name, "portName": "http"},
        "rules": [{"hosts": _hosts(spec)}],
        "scalingMetric": {"concurrency": {"targetValue": int(keda.target_of(spec))}},
        "timeouts": {
            "readiness": f"{waits}s",
            "request": f"{waits + answers}s",
            "responseHeader": f"{answers}s",
        },
    }


def cold_seconds(spec: KubernetesSpec) -> int:
    """Return how long a request is held for the first pod: a whole start, at worst on a new node."""
    start = timing.start_of(spec)
    return math.ceil(start.total - start.load + timing.startup_patience_seconds(spec))


def _hosts(spec: KubernetesSpec) -> list[str]:
    """Return the hosts of the service. A bare `<name>-proxy` may be another namespace's too."""
    proxy = f"{keda_api.proxy_name(spec.name)}.{spec.namespace}"
    inside = [proxy, f"{proxy}.svc", f"{proxy}.svc.cluster.local"]
    return [spec.domain, *inside] if spec.domain else inside


def interceptor_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield which ways to the pods would bypass the interceptor, or do not lead to it."""
    if not spec.with_interceptor:
        if spec.keda_namespace != keda_api.NAMESPACE:
            allowed = "leave it out, or set `scale_on` to interceptor"
            yield Fault("keda_namespace", repr(spec.keda_namespace), allowed, "without the HTTP add-on")
        return
    reason = "with `scale_on` interceptor"
    if not limits.LABEL_NAME.fullmatch(spec.keda_namespace):
        allowed = "a namespace has 1 to 63 lowercase letters, digits and hyphens"
        yield Fault("keda_namespace", repr(spec.keda_namespace), allowed)
    if spec.domain and spec.on_gke:
        allowed = "leave it out, or set `scale_on` to requests; GKE's Ingress leads to no other namespace"
        yield Fault("domain", repr(spec.domain), allowed, reason)
    elif spec.service.public and not spec.domain:
        allowed = "set it to false, or name a `domain`: a load balancer of the pods would bypass the add-on"
        yield Fault("public", "true", allowed, reason)
    if spec.allowed_namespaces:
        allowed = "leave it out: all requests come from the add-on's namespace, whoever sent them"
        yield Fault("allowed_namespaces", "given", allowed, reason)


def interceptor_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what the cluster must have, and of what changes for callers."""
    if not spec.with_interceptor:
        return
    url = keda_api.proxy_url(spec.name, spec.namespace)
    yield (
        f"KEDA's HTTP add-on 0.14 or newer ({keda_api.HTTP_ADD_ON_API}) must be in the namespace "
        f"{spec.keda_namespace}: all requests go through it, by {url}."
    )
    if spec.domain:
        yield (
            f"the Ingress leads to a Service of type ExternalName, {keda_api.proxy_name(spec.name)}, which "
            "its controller must allow; Traefik, for one, does so only by `allowExternalNameServices`."
        )
    if spec.service.min_replicas == 0:
        yield (
            "`min_replicas` is 0: a request that finds no pod waits for one, up to "
            f"{cold_seconds(spec)} s, and callers must wait as long. A rollout at zero pods is tried only by "
            "the next request."
        )
