"""How the number of workers follows the queue: a ScaledObject of KEDA, which asks the database itself. Pure.

Without more workers than always run there is nothing to follow, and an autoscaler holds the number. The
trigger: keda.sh/docs/2.20/scalers/postgresql; github.com/kedacore/keda, pkg/scalers/postgresql_scaler.go.
"""

from collections.abc import Iterator
from typing import Any

from .. import keda_api
from ..need import inference_threads
from .job_database import address_reference
from .keda import FAILURES, trigger
from .scaling import LEAST_CALM_SECONDS
from .spec import DEFAULT_CPU_TARGET, KubernetesSpec
from .workers import worker_name

# service/jobs/role.py: how many jobs a worker has under way at once.
_LEAST_JOBS, _JOBS_PER_THREAD = 16, 4
# The server makes the view: one row, with how many jobs wait and run. KEDA wants a float.
QUERY = "SELECT (waiting + running)::float FROM slipway_jobs_open"


def jobs_of_a_worker(spec: KubernetesSpec) -> int:
    """Return how many of the jobs that wait or run are enough for one worker."""
    return max(_LEAST_JOBS, _JOBS_PER_THREAD * inference_threads(spec.jobs.worker_cpu))


def login_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of the TriggerAuthentication: the database's address, of the workers' own Secret."""
    secret, key = address_reference(spec)
    return {"secretTargetRef": [{"parameter": "connection", "name": secret, "key": key}]}


def scaled_object_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of the ScaledObject.

    While the database does not answer the workers that there are stay. They go one by one, once no job has
    wanted them for a while: what runs on one then is handed back and begun anew.
    """
    least = int(spec.jobs.min_workers)
    name = worker_name(spec.name)
    down = {"type": "Pods", "value": 1, "periodSeconds": 60}
    behavior = {"scaleDown": {"stabilizationWindowSeconds": LEAST_CALM_SECONDS, "policies": [down]}}
    query = {"query": QUERY, "targetQueryValue": f"{jobs_of_a_worker(spec)}"}
    query["activationTargetQueryValue"] = "0"
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicaCount": least,
        "maxReplicaCount": int(spec.jobs.max_workers),
        "cooldownPeriod": LEAST_CALM_SECONDS,
        "initialCooldownPeriod": LEAST_CALM_SECONDS,
        "fallback": {
            "failureThreshold": FAILURES,
            "replicas": max(least, 1),
            "behavior": "currentReplicasIfHigher",
        },
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": [{**trigger("postgresql", query), "authenticationRef": {"name": name}}],
    }


def autoscaler_spec(spec: KubernetesSpec) -> dict[str, Any]:
    """Return the spec of the autoscaler that holds a fixed number of workers, as of instances."""
    number = max(int(spec.jobs.min_workers), 1)
    target = {"type": "Utilization", "averageUtilization": DEFAULT_CPU_TARGET}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": worker_name(spec.name)},
        "minReplicas": number,
        "maxReplicas": number,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }


def worker_scaling_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of what the cluster must have."""
    if spec.jobs.jobs and spec.jobs.scales and not spec.with_keda:
        yield (
            f"KEDA 2.17 or newer ({keda_api.API}) must be in the cluster: it scales the workers by the jobs "
            "that wait and run. With `max_workers` as `min_workers` none is needed."
        )
