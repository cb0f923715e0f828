"""What a workload must know of the nodes it is meant for. Pure, and before anything is made."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .machines import allocatable, smallest_for
from .rules import checked_spec
from .spec import GkeClusterSpec

# GKE puts it on every node: DOCS/concepts/node-pools.
POOL_LABEL = "cloud.google.com/gke-nodepool"
# From a pod that waits to a node that takes it, a GPU's driver included. A GPU may take 15 minutes to become
# allocatable: github.com/kubernetes/autoscaler, b7f8622.
_CPU_SECONDS, _GPU_SECONDS, _SCARCE_SECONDS = 180, 600, 900


@dataclass(frozen=True, slots=True)
class Nodes:
    """cpu, memory_gib, gpus: what the pods of one node may request; None: not known, as of an existing pool.

    gpus counts shares where a GPU is shared. max_nodes: over all zones. tolerations: in Kubernetes' words.
    selector: of an existing pool. Of a pool that the cluster makes only the cluster knows the name, which
    `{POOL_LABEL: cluster.node_pool}` selects.
    driver: branch of the NVIDIA driver; None: not known.
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


def nodes_of(name: str, args: Mapping[str, Any]) -> Nodes:
    """Of the GPU pool, or where there is none of the CPU pool. Raises ValueError as GkeCluster does."""
    return nodes_of_spec(checked_spec(name, args))


def nodes_of_spec(spec: GkeClusterSpec) -> Nodes:
    """The same of arguments that were read. Of a machine that is not known nothing is known."""
    return _gpu_nodes(spec) if spec.gpu else _cpu_nodes(spec)


def fit_faults(
    nodes: Nodes, gpu: str, gpu_count: int, cpu: float, memory_gib: float, shared: bool
) -> Iterator[str]:
    """What keeps one pod that requests this much off every node, with the machine that would hold it."""
    if shared and gpu_count > 1:
        yield f"gpuCount is {gpu_count} with gpuSharing; a pod takes one share of one GPU: leave one out."
    if nodes.cpu is None or nodes.memory_gib is None:
        return
    if nodes.cpu >= cpu and nodes.memory_gib >= memory_gib:
        return
    larger = smallest_for(gpu, gpu_count, cpu, memory_gib)
    nearest = f"; nearest: machineType {larger.name}" if larger else ""
    yield (
        f"an instance asks for {cpu:g} vCPU and {memory_gib:g} GiB, and a node of machineType "
        f"{nodes.machine_type} offers its pods {nodes.cpu:g} vCPU and {nodes.memory_gib:g} GiB{nearest}."
    )


def nodes_for(nodes: Nodes, gpu_count: int, cpu: float, memory_gib: float, replicas: int) -> int:
    """How many of these nodes hold so many pods; 1 where it is not known."""
    if nodes.cpu is None or nodes.memory_gib is None:
        return 1
    each = min(_times(nodes.cpu, cpu), _times(nodes.memory_gib, memory_gib))
    if gpu_count:
        each = min(each, nodes.gpus // gpu_count)
    return math.ceil(replicas / max(each, 1))


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
