"""How many pods fit into a pool, in whole numbers that a person can check. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..fault import Fault
from .job_database import CPU, MEMORY_MIB, makes_database
from .spec import KubernetesSpec


@dataclass(frozen=True, slots=True)
class Room:
    """How much of one resource a node offers, and how much a pod requests by `argument`, in steps."""

    resource: str
    argument: str
    offered: float
    requested: float
    unit: str
    step: float

    @property
    def pods(self) -> int:
        # A request of 0.1 fits thrice into 0.3, whatever floats say.
        return math.floor(self.offered / self.requested + 1e-9)

    @property
    def most(self) -> float | None:
        """Return the most that one pod can request; None if the node offers nothing of the resource."""
        steps = math.floor(self.offered / self.step + 1e-9)
        return steps * self.step if steps else None

    def __str__(self) -> str:
        return f"{self.offered:g}{self.unit} / {self.requested:g}{self.unit} = {self.pods} by {self.resource}"


def rooms(spec: KubernetesSpec) -> tuple[Room, ...]:
    """Return a room for each resource of a node that is known."""
    service = spec.service
    known = (
        ("cpu", "cpu", spec.node_cpu, service.cpu, " vCPU", 0.001),
        ("memory", "memory_gib", spec.node_memory_gib, service.memory_gib, " GiB", 1 / 1024),
        ("GPU", "gpu_count", spec.node_gpus, service.gpu_count, "", 1),
    )
    return tuple(
        Room(resource, argument, offered, requested, unit, step)
        for resource, argument, offered, requested, unit, step in known
        if offered is not None and requested > 0
    )


def pods_per_node(spec: KubernetesSpec) -> int | None:
    """Return how many pods fit on one node; None if its size is not known."""
    found = rooms(spec)
    return min(room.pods for room in found) if found else None


def most_pods(spec: KubernetesSpec) -> int | None:
    """Return how many pods fit into the pool at its maximum; None if that is not known."""
    each = pods_per_node(spec)
    return None if each is None or spec.max_nodes is None else each * int(spec.max_nodes)


def pods_of_jobs(spec: KubernetesSpec) -> int:
    """Return how many pods of the service's size all workers take the room of, and their database."""
    return _pods_of_jobs(spec, spec.jobs.max_workers)


def _pods_of_jobs(spec: KubernetesSpec, workers: float) -> int:
    """Return it for so many workers. Numbers with faults take none; those are reported elsewhere."""
    jobs, service = spec.jobs, spec.service
    if not jobs.jobs or not (service.cpu > 0 and service.memory_gib > 0):
        return 0
    least = 1 if service.gpu else 0  # a GPU is a worker's own, whatever its size
    share = max(jobs.worker_cpu / service.cpu, jobs.worker_memory_gib / service.memory_gib, least)
    pods = workers * share
    if makes_database(spec) and not service.gpu:  # whose pods need no node with a GPU
        share = max(CPU / service.cpu, MEMORY_MIB / 1024 / service.memory_gib)
        pods += spec.jobs_database_instances * share
    return math.ceil(pods - 1e-9) if 0 < pods < math.inf else 0


def wanted_pods(spec: KubernetesSpec) -> int:
    """Return how many pods of the service's size there are at its maximum, with the room that jobs take."""
    return int(spec.service.max_replicas) + pods_of_jobs(spec)


def least_pods(spec: KubernetesSpec) -> int:
    """Return how many pods of the service's size always run, with the room that jobs take."""
    return int(spec.service.min_replicas) + _pods_of_jobs(spec, spec.jobs.min_workers)


def has_spare(spec: KubernetesSpec) -> bool:
    """Return whether a rollout may count on room for one extra pod."""
    if spec.spare_node is not None:
        return spec.spare_node
    most = most_pods(spec)
    if most is not None:
        return most > wanted_pods(spec)
    return not spec.service.gpu


def capacity_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield why the pods, or that many of them, can never be scheduled."""
    for field in ("node_cpu", "node_memory_gib", "node_gpus", "max_nodes"):
        number: float | None = getattr(spec, field)
        if number is not None and not 0 <= number < math.inf:
            yield Fault(field, f"{number:g}", "it must be 0 or more")
            return
    too_large = [room for room in rooms(spec) if room.pods < 1]
    for room in too_large:
        yield Fault(
            room.argument,
            f"{room.requested:g}",
            "lower it, or take a larger machine",
            f", and a node of the pool offers its pods {room.offered:g}{room.unit}",
            room.most,
        )
    most = most_pods(spec)
    if too_large or most is None or most >= wanted_pods(spec):
        return
    each, taken = pods_per_node(spec) or 1, pods_of_jobs(spec)
    arithmetic = ", ".join(map(str, rooms(spec)))
    with_jobs = f"with `jobs`, whose workers take the room of {taken} more" if taken else ""
    lower = f"lower it to {most - taken}, or raise" if most > taken else "raise"
    yield Fault(
        "max_replicas",
        f"{spec.service.max_replicas}",
        f"{lower} the pool's maximum, `max_nodes`, to {math.ceil(wanted_pods(spec) / each)} nodes",
        f"{with_jobs}, and the pool holds {most} at its maximum: {spec.max_nodes:g} nodes x {each} pods a "
        f"node ({arithmetic})",
    )
