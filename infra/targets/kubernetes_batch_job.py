"""The Job of a batch: an indexed one with a pod for each shard, made of the pods that serve. Pure.

Kubernetes starts a shard's pod again where one is lost or fails, and not where another try does not help:
kubernetes.io/docs/concepts/workloads/controllers/job, pod failure policy and backoff limit per index, which
are on without a switch since 1.31.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from slipway.components.gke.nodes import POOL_LABEL
from slipway.infra.targets.batch_run import REFUSED, STOPPED, TOO_MANY_FAILED, BatchOrder
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.kubectl import listed

CONTAINER = "batch"
BATCH_LABEL = "slipway.dev/batch"
# What a pod of a Job has: kubernetes.io/docs/reference/labels-annotations-taints.
INDEX_ANNOTATION = "batch.kubernetes.io/job-completion-index"
_NAME_LABEL = "app.kubernetes.io/name"
# Of one shard, apart from pods that their node lost.
_TRIES = 5
# The finished Job is deleted with its pods and their logs.
_KEPT_SECONDS = 24 * 3600
# A batch serves nobody, and knows no job.
_NOT_FOR_A_BATCH = ("MODEL_API_KEY", "MODEL_API_KEYS", "JOBS_DATABASE", "JOBS_WEBHOOK_SECRET", "ROLE")
# docs.cloud.google.com/kubernetes-engine/docs/concepts/spot-vms: label and taint of Spot nodes.
_SPOT = "cloud.google.com/gke-spot"
_SPOT_TAINT = {"key": _SPOT, "operator": "Equal", "value": "true", "effect": "NoSchedule"}
_OF_A_SERVER = ("ports", "lifecycle", "startupProbe", "readinessProbe", "livenessProbe")


def job_name(service: str, order: BatchOrder) -> str:
    """Return the name of the Job, the same for the same order: at most 61 of 63 characters."""
    return f"{service}-{order.name}".lower().rstrip("-")


def batch_job(deployment: Mapping[str, Any], service: str, order: BatchOrder) -> dict[str, Any]:
    """Return the Job. deployment: whose pods have the image, the size, the account and the settings."""
    labels = {_NAME_LABEL: f"{service}-batch", BATCH_LABEL: order.name}
    labels["app.kubernetes.io/part-of"] = "slipway"
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(service, order),
            "namespace": at(deployment, "metadata")["namespace"],
            "labels": labels,
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": order.shards,
            "parallelism": order.shards,
            "backoffLimitPerIndex": _TRIES,
            "maxFailedIndexes": order.shards,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": list(_failure_rules())},
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "template": _template(deployment, labels, order),
        },
    }


def _failure_rules() -> Iterator[dict[str, Any]]:
    """Yield what counts as a try: not a pod that its node lost or that stopped at a checkpoint.

    What is refused ends the shard, and so does a complete shard with too many failed rows.
    """
    yield {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    for action, codes in (("FailIndex", [REFUSED, TOO_MANY_FAILED]), ("Ignore", [STOPPED])):
        ends = {"containerName": CONTAINER, "operator": "In", "values": codes}
        yield {"action": action, "onExitCodes": ends}


def _template(deployment: Mapping[str, Any], labels: Mapping[str, str], order: BatchOrder) -> dict[str, Any]:
    """Return the pods' template: that of the service, without what only a server has."""
    template = copy.deepcopy(dict(at(deployment, "spec", "template")))
    pod: dict[str, Any] = template["spec"]
    pod.pop("topologySpreadConstraints", None)
    [container] = pod["containers"]
    for name in _OF_A_SERVER:
        container.pop(name, None)
    container["name"] = CONTAINER
    container["env"] = [*_environment(order), *_kept(container, order)]
    pod["restartPolicy"] = "Never"
    if order.spot:
        _move_to_spot(pod)
    annotations = at(template, "metadata", "annotations")
    metadata = {"labels": dict(labels), **({"annotations": annotations} if annotations else {})}
    return {"metadata": metadata, "spec": pod}


def _environment(order: BatchOrder) -> Iterator[dict[str, str]]:
    """Yield the order's variables; of a shard's number Kubernetes says it itself, as JOB_COMPLETION_INDEX."""
    found = {**order.environment, "BATCH_SHARDS": str(order.shards)}
    yield from ({"name": name, "value": value} for name, value in sorted(found.items()))


def _kept(container: Mapping[str, Any], order: BatchOrder) -> Iterator[dict[str, Any]]:
    """Yield the service's other variables, such as a login to a bucket."""
    left_out = {*_NOT_FOR_A_BATCH, *order.environment}
    yield from (each for each in listed(container, "env") if each["name"] not in left_out)


def _move_to_spot(pod: dict[str, Any]) -> None:
    """Have the pods run on Spot nodes of GKE, in whichever pool has them."""
    selector = {key: value for key, value in at(pod, "nodeSelector").items() if key != POOL_LABEL}
    pod["nodeSelector"] = {**selector, _SPOT: "true"}
    pod["tolerations"] = [*listed(pod, "tolerations"), _SPOT_TAINT]
