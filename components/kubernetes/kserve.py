"""The same service as an InferenceService of KServe: same image, settings, limits; a canary's share. Pure.

Knative, beneath it, takes no hook before a pod's end, no init container and no name of one's own for the
port; so the server itself fetches its model, and Knative's proxy holds requests back while a pod ends.
"""

import math
from collections.abc import Iterator
from typing import Any

from . import timing
from .pod import Wiring, placement_of, server_of, volumes_of
from .spec import KubernetesSpec

API_VERSION = "serving.kserve.io/v1beta1"
# KServe puts it on its pods.
SERVICE_LABEL = "serving.kserve.io/inferenceservice"
# The name by which KServe knows the container that is not its own.
CONTAINER = "kserve-container"


def labels_of(spec: KubernetesSpec) -> dict[str, str]:
    """Knative gives every service a public address unless told otherwise: knative.dev, private-services."""
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
        "serviceAccountName": spec.name,
        "containers": [_container(spec, wiring)],
        "volumes": volumes_of(spec),
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


def kserve_faults(spec: KubernetesSpec) -> Iterator[str]:
    if not spec.with_kserve:
        return
    if spec.domain:
        yield f"domain is {spec.domain!r} with KServe, whose own gateway gives addresses; leave it out."
    if spec.is_mounted:
        yield "model_delivery is mount with KServe; its pods fetch: leave it out, and pin the model."
    if spec.requests_metric:
        yield "requests_metric is set with KServe, which scales by `concurrency`; leave it out."


def kserve_warnings(spec: KubernetesSpec) -> Iterator[str]:
    if not spec.with_kserve:
        return
    if spec.service.public:
        yield "it is public: Knative's own gateway gives it an address, which `kubectl get ksvc` tells."
    if spec.service.min_replicas == 0 or spec.canary_percent is not None:
        yield "scaling to zero and a canary need KServe's Knative mode; its standard mode ignores both."
    if spec.node_selector or spec.tolerations:
        yield (
            "Knative takes a node selector and tolerations only where its ConfigMap config-features says "
            "`kubernetes.podspec-nodeselector: enabled` and `kubernetes.podspec-tolerations: enabled`."
        )
