"""The workers of a service that takes jobs: a second Deployment of the same image, which no Service selects.

A worker has the service's settings and secrets, a size of its own, and `ROLE`; it answers probes and has the
metrics page like a server. While a canary or a blue-green rollout is under way the workers stay at the old
version, as whoever hands in jobs may still be of either. Pure.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..fault import Fault
from ..jobs.rules import jobs_faults
from ..need import inference_threads
from ..observability.signal import WORKER_SUFFIX
from . import timing
from .capacity import has_spare, rooms
from .job_database import database_faults
from .pod import SERVICE_LABEL, Wiring, labels_of, model_fetcher, selector_of, server_of, template_of
from .spec import KubernetesSpec

CONTAINER = "worker"
_OF_SIZE = ("cpu", "memory_gib")


def worker_name(name: str) -> str:
    """Return the name of the workers' objects, and the value of their pods' own label."""
    return f"{name}{WORKER_SUFFIX}"


def sized_as_worker(spec: KubernetesSpec) -> KubernetesSpec:
    """Return the spec with a worker's size, and with the number of workers in place of the instances."""
    jobs = spec.jobs
    service = replace(
        spec.service,
        cpu=jobs.worker_cpu,
        memory_gib=jobs.worker_memory_gib,
        min_replicas=int(jobs.min_workers),
        max_replicas=int(jobs.max_workers),
    )
    return replace(spec, service=service)


def deployment_spec(spec: KubernetesSpec, wiring: Wiring) -> dict[str, Any]:
    """Return the spec of the Deployment, whose first `up` waits for one worker at least, as of instances."""
    sized, spare = sized_as_worker(spec), has_spare(spec)
    return {
        "replicas": max(int(spec.jobs.min_workers), 1),
        "selector": {"matchLabels": selector_of(spec, worker_name(spec.name))},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": int(spare), "maxUnavailable": int(not spare)},
        },
        "progressDeadlineSeconds": timing.progress_deadline_seconds(sized),
        "revisionHistoryLimit": 0,
        "template": _template(sized, wiring),
    }


def _template(sized: KubernetesSpec, wiring: Wiring) -> dict[str, Any]:
    name = worker_name(sized.name)
    server = server_of(sized, wiring)
    container = {**server, "name": CONTAINER, "env": [*_plain(sized), *server["env"]]}
    fetcher = [{**model_fetcher(sized, wiring), "name": f"fetch-model-of-{CONTAINER}"}]
    labels = {**labels_of(sized), SERVICE_LABEL: name}
    return template_of(sized, container, labels, {SERVICE_LABEL: name}, fetcher if sized.is_fetched else [])


def _plain(sized: KubernetesSpec) -> list[dict[str, Any]]:
    """Return what a worker's environment has in addition, or otherwise, than the ConfigMap of the service."""
    found = dict(sized.jobs.worker_environment)
    if "INFERENCE_THREADS" not in sized.service.env:
        found["INFERENCE_THREADS"] = str(inference_threads(sized.service.cpu))
    return [{"name": name, "value": value} for name, value in sorted(found.items())]


def worker_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why no jobs could be taken, or no worker could run them."""
    broken = [*jobs_faults(spec.jobs, {*spec.secret_values, *spec.service.secrets}), *database_faults(spec)]
    yield from broken
    if broken or not spec.jobs.jobs:
        return
    if spec.with_kserve:
        allowed = "set `serving` to deployment, or leave this out"
        yield Fault("jobs", "true", allowed, "with KServe, whose pods are its own")
    yield from _room_faults(spec)


def _room_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why no node holds a worker. One that is as large as an instance has that one's faults."""
    if (spec.jobs.worker_cpu, spec.jobs.worker_memory_gib) == (spec.service.cpu, spec.service.memory_gib):
        return
    for room in rooms(sized_as_worker(spec)):
        if room.argument in _OF_SIZE and room.pods < 1:
            reason = f", and a node of the pool offers its pods {room.offered:g}{room.unit}"
            allowed = "lower it, or take a larger machine"
            yield Fault(f"worker_{room.argument}", f"{room.requested:g}", allowed, reason, room.most)
