"""What a workload must know of the nodes it is meant for. Pure; available before anything is created."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..fault import Fault
from . import limits
from .machines import allocatable, smallest_for
from .rules import checked_spec
from .spec import GkeClusterSpec

# GKE puts it on every node: DOCS/concepts/node-pools.
POOL_LABEL = "cloud.google.com/gke-nodepool"
_UPGRADE_NOTICE_SECONDS = 60.0 * limits.NODE_DRAIN_MINUTES
# From a pod that waits to a node that takes it, a GPU's driver included. A GPU may take 15 minutes to become
# allocatable: github.com/kubernetes/autoscaler, b7f8622.
_CPU_SECONDS, _GPU_SECONDS, _SCARCE_SECONDS = 180, 600, 900


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes that a workload will run on.

    cpu, memory_gib, gpus: what the pods of one node may request; None: not known, such as in an existing
    pool. gpus counts shares if a GPU is shared. max_nodes: over all zones. tolerations: in Kubernetes' terms.
    selector: of an existing pool. Only the cluster knows the name of a pool that it creates, which
    `{POOL_LABEL: cluster.node_pool}` selects. driver: branch of the NVIDIA driver; None: not known.
    notice_seconds: what pods get to end when a node is taken away.
    """

    selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, str], ...]
    start_seconds: float
    cpu: float | None = None
    memory_gib: float | None = None
    gpus: int = 0
    max_nodes: int | None = None
    machine_type: str = field(default="")
    driver: int | None = None
    notice_seconds: float = _UPGRADE_NOTICE_SECONDS


def nodes_of(name: str, args: Mapping[str, Any]) -> Nodes:
    """Describe the nodes that a workload gets: the GPU pool's if `gpu` is given, else the CPU pool's.

    Raises ArgumentsError, in which `name` is the component's.
    """
    return nodes_of_spec(checked_spec(name, args))


def nodes_of_spec(spec: GkeClusterSpec) -> Nodes:
    """Return the nodes for a spec that is checked; a machine type that is not known leaves its sizes None."""
    return _gpu_nodes(spec) if spec.gpu else _cpu_nodes(spec)


def fit_faults(
    nodes: Nodes, gpu: str, gpu_count: int, cpu: float, memory_gib: float, shared: bool
) -> Iterator[Fault]:
    """Yield what keeps one pod that requests this much off every node, with the machine that would hold it.

    The faults are about the arguments of GkeCluster, and `cpu`, `memory_gib` and `gpu_count` of a service.
    """
    if shared and gpu_count > 1:
        allowed = "a pod takes one share of one GPU: leave one out"
        yield Fault("gpu_count", f"{gpu_count}", allowed, "with `gpu_sharing`")
    if nodes.cpu is None or nodes.memory_gib is None:
        return
    if nodes.cpu >= cpu and nodes.memory_gib >= memory_gib:
        return
    larger = smallest_for(gpu, gpu_count, cpu, memory_gib)
    yield Fault(
        "machine_type" if gpu else "cpu_machine_type",
        nodes.machine_type,
        "" if larger else "no machine offers that: lower them",
        f", whose nodes offer their pods {nodes.cpu:g} vCPU and {nodes.memory_gib:g} GiB, and an instance "
        f"requests `cpu` {cpu:g} vCPU and `memory_gib` {memory_gib:g} GiB",
        larger.name if larger else None,
    )


def free_disk_gib(disk_gib: float) -> float:
    """Return how much of a node's disk is left for images and volumes, after what GKE reserves.

    docs.cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes: reserved is half of it, or 6 GiB
    and 35 %, or 100 GiB, whichever is least; pods are evicted when a tenth is left.
    """
    reserved = min(0.5 * disk_gib, 6 + 0.35 * disk_gib, 100)
    return disk_gib - reserved - 0.1 * disk_gib


def nodes_for(nodes: Nodes, gpu_count: int, cpu: float, memory_gib: float, replicas: int) -> int:
    """Return how many of these nodes hold `replicas` pods, by what is known of them; 1 if nothing is."""
    fitting = [nodes.gpus // gpu_count] if gpu_count else []
    if nodes.cpu is not None and nodes.memory_gib is not None:
        fitting += [_times(nodes.cpu, cpu), _times(nodes.memory_gib, memory_gib)]
    return math.ceil(replicas / max(min(fitting), 1)) if fitting else 1


def _times(offered: float, requested: float) -> int:
    return math.floor(offered / requested + 1e-9)


def _gpu_nodes(spec: GkeClusterSpec) -> Nodes:
    machine = spec.machine
    left = allocatable(machine) if machine else None
    return Nodes(
        selector=_selector(spec.node_pool),
        tolerations=(
            {"key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule"},
        ),
        start_seconds=_SCARCE_SECONDS if spec.spot or spec.flex_start else _GPU_SECONDS,
        cpu=left.cpu if left else None,
        memory_gib=left.memory_gib if left else None,
        gpus=int(spec.gpu_count) * int(spec.gpu_clients),
        max_nodes=int(spec.gpu_max_nodes) if spec.own_gpu_pool or "gpu_max_nodes" in spec.given else None,
        machine_type=spec.machine_type,
        driver=spec.driver,
        notice_seconds=limits.SPOT_NOTICE_SECONDS if spec.spot else _UPGRADE_NOTICE_SECONDS,
    )


def _cpu_nodes(spec: GkeClusterSpec) -> Nodes:
    if not spec.own_cluster:  # any node of it, or of the pool that is named
        return Nodes(_selector(spec.node_pool), (), _CPU_SECONDS)
    machine = spec.cpu_machine
    left = allocatable(machine) if machine else None
    return Nodes(
        selector={},
        tolerations=(),
        start_seconds=_CPU_SECONDS,
        cpu=left.cpu if left else None,
        memory_gib=left.memory_gib if left else None,
        max_nodes=int(spec.cpu_max_nodes),
        machine_type=spec.cpu_machine_type,
    )


def _selector(existing_pool: str) -> dict[str, str]:
    return {POOL_LABEL: existing_pool} if existing_pool else {}
