"""Checks of machines, GPUs and numbers of nodes, against machines.py and limits.py. Pure."""

import math
from collections.abc import Iterable, Iterator

from .. import gpu_drivers
from ..fault import Fault
from . import limits
from .args import GpuDriver, GpuSharing
from .machines import GPUS, L4, MACHINES, Machine, machines_with, smallest_with
from .shapes import is_arm, may_be_machine
from .spec import GkeClusterSpec

_WHOLE = (
    *("cpu_min_nodes", "cpu_max_nodes", "gpu_count", "gpu_min_nodes", "gpu_max_nodes"),
    *("gpu_min_nodes_per_zone", "gpu_clients", "disk_gib"),
)
_NEEDS_GPU = (
    *("gpu_count", "machine_type", "gpu_min_nodes", "gpu_max_nodes", "gpu_min_nodes_per_zone", "gpu_driver"),
    *("gpu_sharing", "gpu_clients", "spot", "flex_start"),
)


def pool_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    """Yield which nodes Google would not create; if a number is not finite, only that is reported."""
    broken = list(_number_faults(spec))
    yield from broken
    if broken:
        return
    if spec.own_cluster:
        yield from _cpu_pool_faults(spec)
    if spec.disk_gib not in limits.DISK_GIB:
        least, most = limits.DISK_GIB[0], limits.DISK_GIB[-1]
        nearest = min(max(spec.disk_gib, least), most)
        yield Fault("disk_gib", f"{spec.disk_gib:g}", f"allowed are {least} to {most} GiB", nearest=nearest)
    if spec.gpu:
        yield from _machine_faults(spec)
        yield from _node_faults(spec)
        yield from _sharing_faults(spec)
        yield from _driver_faults(spec)
        if spec.spot and spec.flex_start:
            yield Fault("spot", "true", "a pool has its nodes one way: keep one", "with `flex_start` true")
    else:
        for key in sorted(spec.given.intersection(_NEEDS_GPU)):
            if getattr(spec, key) is False:  # as without it
                continue
            allowed = f"name one ({L4}) or leave this out"
            yield Fault(key, "given", allowed, ", but no `gpu` is named")


def _number_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    for key in _WHOLE:
        number: float | None = getattr(spec, key)
        if number is not None and not (math.isfinite(number) and number == int(number)):
            unit = " of GiB" if key == "disk_gib" else ""
            yield Fault(key, f"{number:g}", f"it must be a whole number{unit}")


def _cpu_pool_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    machine, without_gpu = spec.cpu_machine, machines_with("", 0)
    if is_arm(spec.cpu_machine_type):
        allowed = f"take {_names(without_gpu[:3])}"
        reason = ", whose processors are ARM's, and the image is for linux/amd64"
        yield Fault("cpu_machine_type", repr(spec.cpu_machine_type), allowed, reason)
    elif machine is None:
        if not may_be_machine(spec.cpu_machine_type):
            allowed = f"known are {_names(without_gpu)}, and other types of Google's"
            yield Fault("cpu_machine_type", repr(spec.cpu_machine_type), allowed)
    elif machine.gpu and not spec.cpu_machine_type.startswith("n1-"):
        allowed = f"take {_names(without_gpu[:3])}"
        yield Fault("cpu_machine_type", machine.name, allowed, ", which has a GPU")
    if spec.cpu_min_nodes < 1:
        yield Fault(
            "cpu_min_nodes", f"{spec.cpu_min_nodes:g}", "GKE's own pods need 1 node or more", nearest=1
        )
    yield from _range_faults("cpu_min_nodes", spec.cpu_min_nodes, "cpu_max_nodes", spec.cpu_max_nodes)


def _machine_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    gpu, count = spec.gpu, int(spec.gpu_count)
    if gpu not in GPUS:
        if not (spec.node_pool or spec.machine_type):
            allowed = f"known are {', '.join(GPUS)}; of another one name the `machine_type` too"
            yield Fault("gpu", repr(gpu), allowed, nearest=L4)
    elif not machines_with(gpu, count):
        counts = sorted({n for m in MACHINES.values() if m.gpu == gpu for n in m.gpu_counts})
        nearest = min(counts, key=lambda each: abs(each - count))
        yield Fault("gpu_count", f"{count}", f"a node has {_or(counts)}", f"with `gpu` {gpu}", nearest)
    elif spec.machine is not None:
        yield from _count_faults(spec, spec.machine)
    elif not may_be_machine(spec.machine_type) and (spec.machine_type or not spec.node_pool):
        allowed = f"known are {_names(machines_with(gpu, count))}"
        yield Fault("machine_type", repr(spec.machine_type), allowed, f"with `gpu` {gpu}")


def _count_faults(spec: GkeClusterSpec, machine: Machine) -> Iterator[Fault]:
    """Yield why a machine does not support this number of GPUs, naming machines that do."""
    gpu, count = spec.gpu, int(spec.gpu_count)
    nearest = smallest_with(gpu, count)
    assert nearest is not None  # there are machines with them
    if machine.gpu != gpu:
        has = f"takes {machine.gpu}" if len(machine.gpu_counts) > 1 else f"has {machine.gpu or 'no GPU'}"
        allowed = f"{gpu} is on {_names(machines_with(gpu, count))}"
        reason = f"with `gpu` {gpu}: that machine {has}"
        yield Fault("machine_type", machine.name, allowed, reason, nearest.name)
    elif count not in machine.gpu_counts:
        allowed = f"take {machine.gpu_counts[0]}, or `machine_type` {nearest.name}"
        reason = f"with `machine_type` {machine.name}, which has {_or(machine.gpu_counts)}"
        yield Fault("gpu_count", f"{count}", allowed, reason)
    elif machine.interruptible_only and not (spec.spot or spec.flex_start) and spec.own_gpu_pool:
        allowed = "set `spot` or `flex_start` to true, or take a3-highgpu-8g"
        reason = ", which Google offers only as Spot or by flex start"
        yield Fault("machine_type", machine.name, allowed, reason)


def _node_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    each = spec.gpu_min_nodes_per_zone
    if each is None:
        yield from _range_faults("gpu_min_nodes", spec.gpu_min_nodes, "gpu_max_nodes", spec.gpu_max_nodes)
        return
    if "gpu_min_nodes" in spec.given:
        reason = f"with `gpu_min_nodes_per_zone` {each:g}"
        yield Fault(
            "gpu_min_nodes", f"{spec.gpu_min_nodes:g}", "GKE takes one of them: leave one out", reason
        )
    if not spec.zones:
        allowed = "name them, so that their number is known"
        yield Fault("gpu_min_nodes_per_zone", f"{each:g}", allowed, "without `zones`")
        return
    yield from _zonal_faults(each, spec.gpu_max_nodes, len(spec.zones))
    yield from _range_faults("gpu_min_nodes_per_zone", each, "gpu_max_nodes", spec.gpu_max_nodes)


def _zonal_faults(each: float, most: float, zones: int) -> Iterator[Fault]:
    """Yield which numbers of nodes do not divide evenly over the zones.

    each: minimum nodes per zone, `gpu_min_nodes_per_zone`.
    """
    if each * zones > most:
        allowed = (
            f"take `gpu_max_nodes` {each * zones:g}, or `gpu_min_nodes` {min(each, most):g} over all zones"
        )
        reason = f", in {zones} zones {each * zones:g} nodes, over `gpu_max_nodes` {most:g}"
        yield Fault("gpu_min_nodes_per_zone", f"{each:g}", allowed, reason)
    elif most % zones:
        below = most - most % zones
        choices = [f"{n:g}" for n in (below, below + zones) if 1 <= n <= limits.POOL_NODES]
        reason = f"with `gpu_min_nodes_per_zone` in {zones} zones, which share it evenly"
        yield Fault("gpu_max_nodes", f"{most:g}", f"take {' or '.join(choices)}", reason)


def _range_faults(least_key: str, least: float, most_key: str, most: float) -> Iterator[Fault]:
    if least < 0:
        yield Fault(least_key, f"{least:g}", "it must be 0 or more", nearest=0)
    if not 1 <= most <= limits.POOL_NODES:
        nearest = min(max(most, 1), limits.POOL_NODES)
        yield Fault(most_key, f"{most:g}", f"it must be from 1 to {limits.POOL_NODES}", nearest=nearest)
    elif least > most:
        reason = f", below `{least_key}` {least:g}"
        yield Fault(most_key, f"{most:g}", "raise the one or lower the other", reason)


def _sharing_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    clients, least, most = spec.gpu_clients, limits.CLIENTS[0], limits.CLIENTS[-1]
    if spec.gpu_sharing is None:
        if "gpu_clients" in spec.given:
            allowed = "say how they share, or leave it out"
            yield Fault("gpu_clients", f"{clients:g}", allowed, "without `gpu_sharing`")
        return
    if spec.gpu_sharing is GpuSharing.MPS:
        # DOCS/how-to/nvidia-mps-gpus: `hostIPC: true`, which Pod Security `baseline` and `restricted` forbid.
        reason = (
            ": GKE runs it only for pods with `hostIPC: true`, which could then reach the memory that other "
            "pods of the node share, and which the service's namespace (Pod Security: restricted) forbids"
        )
        yield Fault("gpu_sharing", spec.gpu_sharing.value, "", reason, GpuSharing.TIME_SHARING.value)
    if clients not in limits.CLIENTS:
        allowed = f"GKE allows {least} to {most} instances on one GPU"
        nearest = min(max(clients, least), most)
        yield Fault("gpu_clients", f"{clients:g}", allowed, "with `gpu_sharing`", nearest)


def _driver_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    yield from gpu_drivers.version_faults(spec.cuda_version)
    installed = spec.driver
    if installed is not None and gpu_drivers.is_too_old(installed, spec.cuda_version):
        least = gpu_drivers.least_driver(spec.cuda_version)
        allowed = f"CUDA {spec.cuda_version} needs {least} or newer"
        reason = f", which installs driver {installed}"
        yield Fault("gpu_driver", spec.gpu_driver.value, allowed, reason, GpuDriver.LATEST.value)


def _names(machines: Iterable[Machine]) -> str:
    return ", ".join(machine.name for machine in machines)


def _or(numbers: Iterable[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last
