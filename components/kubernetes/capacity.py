"""How many pods fit a pool, in whole numbers that a person can check. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .spec import KubernetesSpec


@dataclass(frozen=True, slots=True)
class Room:
    """What one node offers of one resource, and what one pod requests of it."""

    resource: str
    offered: float
    requested: float
    unit: str

    @property
    def pods(self) -> int:
        # A request of 0.1 fits thrice into 0.3, whatever floats say.
        return math.floor(self.offered / self.requested + 1e-9)

    def __str__(self) -> str:
        return f"{self.offered:g}{self.unit} / {self.requested:g}{self.unit} = {self.pods} by {self.resource}"


def rooms(spec: KubernetesSpec) -> tuple[Room, ...]:
    """Of what is known of a node. Empty: nothing is."""
    service = spec.service
    known = (
        ("cpu", spec.node_cpu, service.cpu, " vCPU"),
        ("memory", spec.node_memory_gib, service.memory_gib, " GiB"),
        ("GPU", spec.node_gpus, service.gpu_count, ""),
    )
    return tuple(
        Room(resource, offered, requested, unit)
        for resource, offered, requested, unit in known
        if offered is not None and requested > 0
    )


def pods_per_node(spec: KubernetesSpec) -> int | None:
    """None: not known."""
    found = rooms(spec)
    return min(room.pods for room in found) if found else None


def most_pods(spec: KubernetesSpec) -> int | None:
    """Of the pool at its maximum. None: not known."""
    each = pods_per_node(spec)
    return None if each is None or spec.max_nodes is None else each * int(spec.max_nodes)


def has_spare(spec: KubernetesSpec) -> bool:
    """Whether a rollout may count on room for one pod more than there are."""
    if spec.spare_node_given is not None:
        return spec.spare_node_given
    most = most_pods(spec)
    if most is not None:
        return most > spec.service.max_replicas
    return not spec.service.gpu


def capacity_faults(spec: KubernetesSpec) -> Iterator[str]:
    """What can never be scheduled."""
    for field in ("node_cpu", "node_memory_gib", "node_gpus", "max_nodes"):
        number: float | None = getattr(spec, field)
        if number is not None and not 0 <= number < math.inf:
            yield f"{field} is {number:g}; it must be 0 or more."
            return
    too_large = [room for room in rooms(spec) if room.pods < 1]
    for room in too_large:
        yield (
            f"one pod requests {room.requested:g}{room.unit} of {room.resource}, and a node of the pool "
            f"offers its pods {room.offered:g}{room.unit}; lower `{_setting(room.resource)}`, or take a "
            "larger machine."
        )
    most = most_pods(spec)
    if too_large or most is None or most >= spec.service.max_replicas:
        return
    arithmetic = ", ".join(map(str, rooms(spec)))
    yield (
        f"max_replicas is {spec.service.max_replicas}, and the pool holds {most} at its maximum: "
        f"{spec.max_nodes:g} nodes x {pods_per_node(spec)} pods a node ({arithmetic}). "
        f"Lower `maxInstances` to {most}, or raise the pool's maximum to "
        f"{math.ceil(spec.service.max_replicas / (pods_per_node(spec) or 1))} nodes."
    )


def _setting(resource: str) -> str:
    return {"cpu": "cpu", "memory": "memory", "GPU": "gpuCount"}[resource]
