"""The same service as an InferenceService of KServe: same image, settings, limits; a canary's share. Pure.

Knative, on which it runs, allows no hook before a pod's end, no init container and no custom name for the
port; so the server itself fetches its model, and Knative's proxy holds requests back while a pod ends. Of a
pod's restrictions it takes those that are here, and by default no securityContext of the pod as a whole:
github.com/knative/serving, pkg/apis/serving/fieldmask.go.
"""

import math
from collections.abc import Iterator
from typing import Any

from ..fault import Fault
from . import limits, timing
from .args import Monitoring
from .pod import Wiring, identity_of, logins_of, placement_of, server_of, volumes_of
from .spec import DEFAULT_CPU_TARGET, KubernetesSpec

API_VERSION = "serving.kserve.io/v1beta1"
# KServe puts it on its pods.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
# The name by which KServe knows the container that is not its own.
CONTAINER = "kserve-container"


def labels_of(spec: KubernetesSpec) -> dict[str, str]:
    """Return the label that keeps a private service inside the cluster.

    By default Knative gives every service a public address: knative.dev, private-services.
    """
    return {} if spec.service.public else {"networking.knative.dev/visibility": "cluster-local"}


def inference_service_spec(spec: KubernetesSpec, wiring: Wiring) -> dict[str, Any]:
    service = spec.service
    deadline = f"{timing.progress_deadline_seconds(spec)}s"
    predictor: dict[str, Any] = {
        "annotations": {"serving.knative.dev/progress-deadline": deadline},
        "minReplicas": service.min_replicas,
        "maxReplicas": service.max_replicas,
        "containerConcurrency": service.concurrency,
        "timeout": math.ceil(service.request_timeout_seconds),
        **identity_of(spec),
        "containers": [_container(spec, wiring)],
        "volumes": volumes_of(spec),
        **logins_of(spec),
        **placement_of(spec),
    }
    if spec.canary_percent is not None:
        predictor["canaryTrafficPercent"] = int(spec.canary_percent)
    return {"predictor": predictor}


def _container(spec: KubernetesSpec, wiring: Wiring) -> dict[str, Any]:
    port = spec.service.port
    return {
        **server_of(spec, wiring, port),
        "name": CONTAINER,
        "ports": [{"containerPort": port, "protocol": "TCP"}],
    }


def kserve_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what KServe does its own way, or not at all."""
    if not spec.with_kserve:
        return
    if spec.domain:
        yield Fault(
            "domain", repr(spec.domain), "leave it out", "with KServe, whose own gateway has addresses"
        )
    if spec.service.request_timeout_seconds > limits.KNATIVE_TIMEOUT_SECONDS:
        most = limits.KNATIVE_TIMEOUT_SECONDS
        allowed = f"Knative takes {most} s and less, unless its ConfigMap config-defaults says otherwise"
        given = f"{spec.service.request_timeout_seconds:g}"
        yield Fault("request_timeout_seconds", given, allowed, "with KServe", most)
    if spec.is_mounted:
        allowed = "leave it out, and pin the model"
        yield Fault(
            "model_delivery",
            spec.model_delivery.value,
            allowed,
            "with KServe, whose pods always fetch the model",
        )
    if spec.requests_metric:
        reason = "with KServe, which scales by `concurrency`"
        yield Fault("requests_metric", repr(spec.requests_metric), "leave it out", reason)
    if spec.cpu_target_percent != DEFAULT_CPU_TARGET:
        given, reason = f"{spec.cpu_target_percent:g}", "with KServe, which scales by `concurrency`"
        yield Fault("cpu_target_percent", given, "leave it out", reason)
    if spec.allowed_namespaces:
        reason = "with KServe, for whose pods no NetworkPolicy is made"
        allowed = "leave it out, and make one yourself"
        yield Fault("allowed_namespaces", "given", allowed, reason)
    if spec.monitoring is not Monitoring.NONE:
        key = "metrics_path" if spec.metrics_path else "monitoring"
        given = spec.metrics_path or spec.monitoring.value
        reason = "with KServe, whose pods are not monitored here"
        yield Fault(key, repr(given), "leave it out", reason)


def kserve_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what depends on how KServe is installed."""
    if not spec.with_kserve:
        return
    if spec.network_policy:
        yield (
            "no NetworkPolicy is made for KServe's pods, whose gateway is where it was installed: every pod "
            "of the cluster reaches them; make one that admits that gateway."
        )
    if spec.service.request_timeout_seconds > limits.KNATIVE_RESPONSE_START_SECONDS:
        yield (
            f"requests may take {spec.service.request_timeout_seconds:g} s, and by default Knative cuts "
            f"those whose answer has not begun after {limits.KNATIVE_RESPONSE_START_SECONDS} s: raise "
            "`revision-response-start-timeout-seconds` in its ConfigMap config-defaults."
        )
    if spec.service.public:
        yield "it is public: Knative's own gateway gives it an address, which `kubectl get ksvc` shows."
    if spec.service.min_replicas == 0 or spec.canary_percent is not None:
        yield "scaling to zero and a canary need KServe's Knative mode; its standard mode ignores both."
    if spec.node_selector or spec.tolerations:
        yield (
            "Knative takes a node selector and tolerations only where its ConfigMap config-features says "
            "`kubernetes.podspec-nodeselector: enabled` and `kubernetes.podspec-tolerations: enabled`."
        )
