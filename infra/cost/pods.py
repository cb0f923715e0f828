"""What pods cost. Pure. On the stack's own nodes nothing by themselves; on an existing cluster it is unknown.

Next to "unknown" stands their share of the cheapest node of GKE that they fit on, so that a reader knows the
order of magnitude. A share is no bill: a node is paid for whole, and theirs may be of another kind or cloud.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from slipway.infra.cost.charge import Free, NotPriced, Scene, Verdict
from slipway.infra.cost.machines import Shape, shapes
from slipway.infra.cost.money import dollars
from slipway.infra.cost.prices import price_table
from slipway.infra.cost.usage import HOURS
from slipway.infra.resources.google import CLUSTER, NODE_POOL
from slipway.infra.resources.kubernetes import AUTOSCALER, SCALED_OBJECT
from slipway.infra.resources.reading import Resource, at, cores, items_at, memory_gib, number

_REGION = "us-central1"
_GPU = "nvidia.com/gpu"
_ACCELERATOR = "cloud.google.com/gke-accelerator"
# keda.sh/docs, ScaledObject: maxReplicaCount.
_KEDA_MAXIMUM = 100
_KSERVE = re.compile(r"kubernetes:serving\.kserve\.io/.*")


@dataclass(frozen=True, slots=True)
class Request:
    """What one pod requests. accelerator: the GPU's name in GKE; '' for any."""

    cpu: float
    memory_gib: float
    gpus: float
    accelerator: str


def pods(resource: Resource, scene: Scene) -> Verdict:
    """Return how the pods of a workload are charged."""
    if scene.of_type(NODE_POOL, CLUSTER):
        return Free("runs on the cluster's nodes, which are billed")
    least, most = counts(resource, scene)
    return NotPriced(
        f"it runs on nodes that are not of this stack{share_of_a_node(_request(resource), least, most)}"
    )


def share_of_a_node(request: Request, least: float, most: float) -> str:
    """Return what so many pods are of the cheapest machine that one fits on, to follow a sentence; or ''."""
    fitting = [(share * hour, shape.name) for shape, hour, share in _fitting(request)]
    if not fitting or not min(fitting)[0]:
        return ""
    hour, machine = min(fitting)
    sums = dict.fromkeys(dollars(count * hour * HOURS) for count in (least, most))
    return f"; its share of {machine}, the cheapest node of GKE for it in {_REGION}, is {' to '.join(sums)}"


def _fitting(request: Request) -> Iterator[tuple[Shape, float, float]]:
    """Yield the machines that one pod fits on, each with its price an hour and the pod's share of it."""
    table = price_table()
    for shape in shapes(table):
        quote = table.find(f"compute/{shape.name}", _REGION)
        if quote is None or quote.price.usd is None or request.accelerator not in ("", shape.gpu):
            continue
        hour = quote.price.usd
        if shape.gpu_apart and request.gpus:
            extra = table.find(f"compute/gpu/{shape.gpu}", _REGION)
            hour += (extra.price.usd or 0.0) * shape.gpus if extra else 0.0
        shares = [request.cpu / shape.cpu, request.memory_gib / shape.memory_gib]
        if request.gpus:
            shares.append(request.gpus / shape.gpus if shape.gpus else 2.0)
        if max(shares) <= 1 and bool(request.gpus) is bool(shape.gpus):
            yield shape, hour, max(shares)


def _request(resource: Resource) -> Request:
    """Return what one pod requests: its containers together; a limit stands in for a request."""
    spec = _pod_spec(resource)
    containers = items_at(spec, "containers") or [at(spec, "model")]
    return Request(
        sum(cores(_requested(one, "cpu")) or 0.0 for one in containers),
        sum(memory_gib(_requested(one, "memory")) or 0.0 for one in containers),
        sum(number(_requested(one, _GPU), 0) for one in containers),
        str(at(spec, "nodeSelector", _ACCELERATOR) or ""),
    )


def _requested(container: Any, name: str) -> Any:
    found = at(container, "resources", "requests", name)
    return at(container, "resources", "limits", name) if found is None else found


def _pod_spec(resource: Resource) -> Any:
    for path in (
        ("spec", "template", "spec"),
        ("spec", "predictor"),
        ("spec", "jobTemplate", "spec", "template", "spec"),
    ):
        if (found := at(resource.inputs, *path)) is not None:
            return found
    return at(resource.inputs, "spec")


def counts(resource: Resource, scene: Scene) -> tuple[float, float]:
    """Return the minimum and maximum of pods, by the autoscaler next to the workload if there is one."""
    if _KSERVE.fullmatch(resource.type):
        predictor = at(resource.inputs, "spec", "predictor")
        return number(at(predictor, "minReplicas"), 1), number(at(predictor, "maxReplicas"), 1)
    for scaler in scene.siblings(resource):
        if not _may_scale(scaler, resource):
            continue
        if AUTOSCALER.fullmatch(scaler.type):
            spec = scaler.inputs.get("spec")
            return number(at(spec, "minReplicas"), 1), number(at(spec, "maxReplicas"), 1)
        if scaler.type == SCALED_OBJECT:
            spec = scaler.inputs.get("spec")
            return number(at(spec, "minReplicaCount"), 0), number(at(spec, "maxReplicaCount"), _KEDA_MAXIMUM)
    replicas = number(at(resource.inputs, "spec", "replicas"), 1)
    return replicas, replicas


def _may_scale(scaler: Resource, workload: Resource) -> bool:
    """Return whether an autoscaler names the workload, or does not say which one it scales."""
    target = at(scaler.inputs, "spec", "scaleTargetRef", "name")
    name = at(workload.inputs, "metadata", "name")
    return target is None or name is None or target == name
