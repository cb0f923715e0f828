"""Machine types, the GPUs they have, and what of a node is left for pods. Pure tables; vCPU, GiB.

Shapes and GPU counts: Google's machine list as github.com/Cyclenerd/google-cloud-pricing-cost-calculator has
it (build/gcp.yml, dac3128, 2026-08-20); H100 and RTX counts from the machines' own names and
docs.cloud.google.com/compute/docs/accelerator-optimized-machines. Names of accelerators:
github.com/GoogleCloudPlatform/cluster-toolkit, pkg/config/machine_mappings.json (1047080, 2026-06-25).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

L4, T4, RTX = "nvidia-l4", "nvidia-tesla-t4", "nvidia-rtx-pro-6000"
A100, A100_80, H100 = "nvidia-tesla-a100", "nvidia-a100-80gb", "nvidia-h100-80gb"
V100, H100_MEGA, H200 = "nvidia-tesla-v100", "nvidia-h100-mega-80gb", "nvidia-h200-141gb"


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine type.

    gpu: '' if it has none. gpu_counts: how many one node may have; several if they are attached.
    interruptible_only: available only as Spot or by flex start.
    """

    name: str
    cpu: float
    memory_gib: float
    gpu: str = ""
    gpu_counts: tuple[int, ...] = ()
    interruptible_only: bool = False


@dataclass(frozen=True, slots=True)
class Allocatable:
    """What the pods of a node may request together, in addition to those that GKE runs on every node."""

    cpu: float
    memory_gib: float


def _t4_counts(cpu: float) -> tuple[int, ...]:
    return (1, 2, 4) if cpu <= 48 else (4,)


def _v100_counts(cpu: float) -> tuple[int, ...]:
    """Return how many V100 a machine can have: the more vCPU, the higher the minimum.

    docs.cloud.google.com/compute/docs/gpus
    """
    return next(
        (counts for most, counts in ((12, (1, 2, 4, 8)), (24, (2, 4, 8)), (48, (4, 8))) if cpu <= most), (8,)
    )


def _with_l4() -> Iterator[Machine]:
    counts = {4: 1, 8: 1, 12: 1, 16: 1, 24: 2, 32: 1, 48: 4, 96: 8}
    for cpu, count in counts.items():
        yield Machine(f"g2-standard-{cpu}", cpu, cpu * 4, L4, (count,))


def _with_t4() -> Iterator[Machine]:
    """Yield the N1 machines with T4: 1, 2 or 4 are attached, and above 48 vCPU exactly 4.

    docs.cloud.google.com/compute/docs/gpus
    """
    for family, gib in (("standard", 3.75), ("highmem", 6.5)):
        for cpu in (2, 4, 8, 16, 32, 64, 96):
            yield Machine(f"n1-{family}-{cpu}", cpu, cpu * gib, T4, _t4_counts(cpu))


def _with_a100() -> Iterator[Machine]:
    for count in (1, 2, 4, 8):
        yield Machine(f"a2-highgpu-{count}g", 12 * count, 85 * count, A100, (count,))
        yield Machine(f"a2-ultragpu-{count}g", 12 * count, 170 * count, A100_80, (count,))


def _with_h100() -> Iterator[Machine]:
    """Yield the machines with H100; those with fewer than 8 are available only as Spot or by flex start."""
    for count in (1, 2, 4, 8):
        yield Machine(f"a3-highgpu-{count}g", 26 * count, 234 * count, H100, (count,), count < 8)


def _with_eight() -> Iterator[Machine]:
    """Yield the machines with eight GPUs, A3 Mega and A3 Ultra.

    docs.cloud.google.com/compute/docs/accelerator-optimized-machines
    """
    yield Machine("a3-megagpu-8g", 208, 1872, H100_MEGA, (8,))
    yield Machine("a3-ultragpu-8g", 224, 2952, H200, (8,))


def _with_rtx() -> Iterator[Machine]:
    for count in (1, 2, 4, 8):
        yield Machine(f"g4-standard-{48 * count}", 48 * count, 180 * count, RTX, (count,))


def _without_gpu() -> Iterator[Machine]:
    for cpu in (2, 4, 8, 16, 32):
        yield Machine(f"e2-standard-{cpu}", cpu, cpu * 4)
    for cpu in (2, 4, 8, 16, 32, 48, 64, 80, 96, 128):
        yield Machine(f"n2-standard-{cpu}", cpu, cpu * 4)


MACHINES: Mapping[str, Machine] = {
    machine.name: machine
    for machines in (
        _without_gpu(),
        _with_l4(),
        _with_t4(),
        _with_a100(),
        _with_h100(),
        _with_eight(),
        _with_rtx(),
    )
    for machine in machines
}

# What is attached to N1: accelerator -> how many a machine of so many vCPU takes.
ATTACHED: Mapping[str, Callable[[float], tuple[int, ...]]] = {T4: _t4_counts, V100: _v100_counts}
GPUS = tuple(dict.fromkeys([*(machine.gpu for machine in MACHINES.values() if machine.gpu), *ATTACHED]))

# docs.cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes: reserved of each further slice of
# memory in GiB, and of CPU.
_MEMORY_SLICES = ((4, 0.25), (4, 0.20), (8, 0.10), (112, 0.06), (float("inf"), 0.02))
_CPU_SLICES = ((1, 0.06), (1, 0.01), (2, 0.005), (float("inf"), 0.0025))
_EVICTION_GIB = 100 / 1024
# docs.cloud.google.com/kubernetes-engine/docs/how-to/image-streaming: the same slices, for its cache.
_STREAMING_SHARE = 0.4
# What GKE's own pods of each node request: network, logs, metrics, metadata, volumes, GPU. An estimate.
_OWN_PODS_CPU = 0.4
_OWN_PODS_GIB = 0.75


def allocatable(machine: Machine) -> Allocatable:
    """Return what pods may request of a node with Dataplane V2, managed Prometheus and image streaming."""
    reserved = _reserved(machine.memory_gib, _MEMORY_SLICES)
    gib = machine.memory_gib - reserved * (1 + _STREAMING_SHARE) - _EVICTION_GIB - _OWN_PODS_GIB
    cpu = machine.cpu - _reserved(machine.cpu, _CPU_SLICES) - _OWN_PODS_CPU
    return Allocatable(round(cpu, 3), round(gib, 3))


def machines_with(gpu: str, count: int) -> list[Machine]:
    """Return the machines that can have this many of the accelerator, smallest first. gpu: '' for none."""
    with_gpu = (equipped(machine, gpu) for machine in MACHINES.values())
    found = [m for m in with_gpu if m.gpu == gpu and (count in m.gpu_counts or not gpu)]
    return sorted(found, key=lambda machine: (machine.cpu, machine.memory_gib))


def equipped(machine: Machine, gpu: str) -> Machine:
    """Return the machine with the accelerator attached; unchanged if it cannot have one."""
    counts = ATTACHED.get(gpu)
    if counts is None or machine.gpu not in ATTACHED:
        return machine
    return replace(machine, gpu=gpu, gpu_counts=counts(machine.cpu))


def smallest_with(gpu: str, count: int) -> Machine | None:
    """Return the default machine for the GPUs, of more than 2 vCPU: an N1 of 2 is too small for a server."""
    return next((machine for machine in machines_with(gpu, count) if machine.cpu >= _LEAST_CPU), None)


def smallest_for(gpu: str, count: int, cpu: float, memory_gib: float) -> Machine | None:
    """Return the smallest machine whose node holds one pod that requests this much."""
    return next((machine for machine in machines_with(gpu, count) if _holds(machine, cpu, memory_gib)), None)


_LEAST_CPU = 4


def _holds(machine: Machine, cpu: float, memory_gib: float) -> bool:
    left = allocatable(machine)
    return left.cpu >= cpu and left.memory_gib >= memory_gib


def _reserved(size: float, slices: tuple[tuple[float, float], ...]) -> float:
    reserved = 0.0
    for width, share in slices:
        part = min(size, width)
        reserved += part * share
        size -= part
    return reserved
