"""What `slipway status` shows of the jobs of a service on Kubernetes: their numbers, and its workers.

The numbers are those of the newest line `Jobs` in the log of a pod: workers write it once a minute, and so
does the server, which is asked where no worker runs.
"""

from collections.abc import Mapping
from typing import Any

from slipway.components.observability.signal import WORKER_SUFFIX
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.job_words import worker_group
from slipway.infra.targets.kubectl import (
    KubernetesPlace,
    deployment_state,
    kubectl,
    log_entries,
    why_pods_wait,
)
from slipway.infra.targets.kubernetes_objects import ServiceObjects, revision_of

LINE = "Jobs"
FIELDS = ("jobs_waiting", "jobs_running", "jobs_oldest_seconds", "jobs_set_aside")
# A line comes once a minute; one that is older than this says nothing of now.
_FRESH = "5m"


def kubernetes_jobs(place: KubernetesPlace) -> dict[str, Any] | None:
    """Return the jobs of a service as JSON; None where it takes none. Raises Failed."""
    if not place.jobs:
        return None
    counted = _newest(place)
    states = {field.removeprefix("jobs_"): counted.get(field) for field in FIELDS}
    return {**states, "workers": [_workers(place)]}


def _newest(place: KubernetesPlace) -> Mapping[str, Any]:
    """Return the newest line of jobs; an empty one where none is fresh or the log may not be read."""
    for name in (f"{place.service}{WORKER_SUFFIX}", place.service):
        selector = ["--selector", f"app.kubernetes.io/name={name}"]
        options = ["--since", _FRESH, "--tail", "-1", "--prefix", "--timestamps", "--ignore-errors"]
        done = kubectl(["logs", *place.flags, *selector, *options])
        if done.returncode:
            return {}
        lines = [entry for entry in log_entries(done.stdout) if entry.get("message") == LINE]
        if lines:
            return lines[-1]
    return {}


def _workers(place: KubernetesPlace) -> dict[str, Any]:
    """Return how many workers are ready, and of which revision; with why the others do not start.

    None at all is as it should be where KEDA starts them with the first job.
    """
    name = f"{place.service}{WORKER_SUFFIX}"
    deployment = ServiceObjects(place).workers()
    if deployment is None:
        return worker_group(name, 0, 0, "missing", None, "there is no Deployment of workers yet")
    state, reason = deployment_state(deployment)
    if state == "stopped" and place.workers_may_sleep:
        state, reason = "ready", "KEDA starts one with the next job"
    if state != "ready":
        reason = " ".join(filter(None, (reason, why_pods_wait(place, name)))) or None
    number = revision_of(deployment)
    running = at(deployment, "status").get("availableReplicas", 0)
    wanted = at(deployment, "spec").get("replicas", 1)
    return worker_group(name, running, wanted, state, f"revision {number}" if number else None, reason)
