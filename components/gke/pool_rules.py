"""Machines, GPUs and numbers of nodes, against machines.py and limits.py. Pure."""

import math
from collections.abc import Iterable, Iterator

from .. import gpu_drivers
from . import limits
from .args import GpuDriver, GpuSharing
from .machines import GPUS, MACHINES, Machine, machines_with, smallest_with
from .spec import GkeClusterSpec

_WHOLE = (
    *("cpu_min_nodes", "cpu_max_nodes", "gpu_count", "gpu_min_nodes", "gpu_max_nodes"),
    *("gpu_min_nodes_per_zone", "gpu_clients", "disk_gib"),
)
_NEEDS_GPU = (
    *("gpu_count", "machine_type", "gpu_min_nodes", "gpu_max_nodes", "gpu_min_nodes_per_zone", "gpu_driver"),
    *("gpu_sharing", "gpu_clients", "spot", "flex_start"),
)


def pool_faults(spec: GkeClusterSpec) -> Iterator[str]:
    broken = list(_number_faults(spec))
    yield from broken
    if broken:
        return
    if spec.own_cluster:
        yield from _cpu_pool_faults(spec)
    if spec.disk_gib not in limits.DISK_GIB:
        yield f"disk_gib is {spec.disk_gib:g}; allowed are {limits.DISK_GIB[0]} to {limits.DISK_GIB[-1]}."
    if spec.gpu:
        yield from _machine_faults(spec)
        yield from _node_faults(spec)
        yield from _sharing_faults(spec)
        yield from _driver_faults(spec)
        if spec.spot and spec.flex_start:
            yield "spot and flex_start are both true; a pool has its nodes one way: keep one."
    else:
        for key in sorted(spec.given.intersection(_NEEDS_GPU)):
            yield f"{key} is given, but no gpu is named; name one (nvidia-l4) or leave this out."


def _number_faults(spec: GkeClusterSpec) -> Iterator[str]:
    for key in _WHOLE:
        number: float | None = getattr(spec, key)
        if number is not None and not (math.isfinite(number) and number == int(number)):
            yield f"{key} is {number:g}; it must be a whole number."


def _cpu_pool_faults(spec: GkeClusterSpec) -> Iterator[str]:
    machine = spec.cpu_machine
    if machine is None:
        yield f"cpu_machine_type is {spec.cpu_machine_type!r}; known are {_names(machines_with('', 0))}."
    elif machine.gpu and not spec.cpu_machine_type.startswith("n1-"):
        yield (
            f"cpu_machine_type is {machine.name}, which has a GPU; take {_names(machines_with('', 0)[:3])}."
        )
    if spec.cpu_min_nodes < 1:
        yield f"cpu_min_nodes is {spec.cpu_min_nodes:g}; GKE's own pods need 1 node at least."
    yield from _range_faults("cpu_min_nodes", spec.cpu_min_nodes, "cpu_max_nodes", spec.cpu_max_nodes)


def _machine_faults(spec: GkeClusterSpec) -> Iterator[str]:
    gpu, count, machine = spec.gpu, int(spec.gpu_count), spec.machine
    if gpu not in GPUS:
        yield f"gpu is {gpu!r}; known are {', '.join(GPUS)}; nearest: nvidia-l4."
        return
    if not machines_with(gpu, count):
        counts = sorted({n for m in MACHINES.values() if m.gpu == gpu for n in m.gpu_counts})
        yield f"gpu_count is {count} with {gpu}; a node has {_or(counts)}."
        return
    if machine is None:
        if spec.machine_type or not spec.node_pool:
            yield (
                f"machine_type is {spec.machine_type!r}; with {gpu} known are "
                f"{_names(machines_with(gpu, count))}."
            )
        return
    nearest = smallest_with(gpu, count)
    assert nearest is not None  # there are machines with them
    if machine.gpu != gpu:
        has = f"takes {machine.gpu}" if len(machine.gpu_counts) > 1 else f"has {machine.gpu or 'no GPU'}"
        yield (
            f"machine_type is {machine.name} with gpu {gpu}; that machine {has}. {gpu} is on "
            f"{_names(machines_with(gpu, count))}; nearest: {nearest.name}."
        )
    elif count not in machine.gpu_counts:
        yield (
            f"gpu_count is {count} with machine_type {machine.name}, which has {_or(machine.gpu_counts)}; "
            f"nearest: gpu_count {machine.gpu_counts[0]}, or machine_type {nearest.name}."
        )
    elif machine.interruptible_only and not (spec.spot or spec.flex_start) and spec.own_gpu_pool:
        yield (
            f"machine_type is {machine.name}, which Google gives as Spot or by flex start only; "
            "set `spot` or `flex_start`, or take a3-highgpu-8g."
        )


def _node_faults(spec: GkeClusterSpec) -> Iterator[str]:
    most, each = spec.gpu_max_nodes, spec.gpu_min_nodes_per_zone
    if each is None:
        yield from _range_faults("gpu_min_nodes", spec.gpu_min_nodes, "gpu_max_nodes", most)
        return
    if "gpu_min_nodes" in spec.given:
        yield "gpu_min_nodes and gpu_min_nodes_per_zone are both given; GKE takes one of them."
    if not spec.zones:
        yield "gpu_min_nodes_per_zone is given without `zones`; name them, so that their number is known."
        return
    zones = len(spec.zones)
    if each * zones > most:
        yield (
            f"gpu_min_nodes_per_zone is {each:g}, in {zones} zones {each * zones:g} nodes, over "
            "gpu_max_nodes "
            f"{most:g}; nearest: gpu_max_nodes {each * zones:g}, or gpu_min_nodes {min(each, most):g} over "
            "all zones."
        )
    elif most % zones:
        yield (
            f"gpu_max_nodes is {most:g} with gpu_min_nodes_per_zone in {zones} zones, which share it evenly; "
            f"nearest: {most - most % zones:g} or {most - most % zones + zones:g}."
        )
    yield from _range_faults("gpu_min_nodes_per_zone", each, "gpu_max_nodes", most)


def _range_faults(least_key: str, least: float, most_key: str, most: float) -> Iterator[str]:
    if least < 0:
        yield f"{least_key} is {least:g}; it must be 0 or more."
    if not 1 <= most <= limits.POOL_NODES:
        yield f"{most_key} is {most:g}; it must be from 1 to {limits.POOL_NODES}."
    elif least > most:
        yield f"{most_key} is {most:g}, below {least_key} {least:g}; raise the one or lower the other."


def _sharing_faults(spec: GkeClusterSpec) -> Iterator[str]:
    if spec.gpu_sharing is None:
        if "gpu_clients" in spec.given:
            yield (
                f"gpu_clients is {spec.gpu_clients:g} without gpu_sharing; say how they share, or leave it "
                "out."
            )
        return
    if spec.gpu_sharing is GpuSharing.MPS:
        # DOCS/how-to/nvidia-mps-gpus: `hostIPC: true`, which Pod Security `baseline` and `restricted` forbid.
        yield (
            "gpu_sharing is MPS; GKE runs it only for pods with `hostIPC: true`, which could then reach the "
            "memory that other pods of the node share, and which the service's namespace (Pod Security "
            f"`restricted`) forbids; allowed is {GpuSharing.TIME_SHARING.value}. In Pulumi.<stack>.yaml: "
            "`gpuSharing: time-sharing`."
        )
    if spec.gpu_clients not in limits.CLIENTS:
        yield (
            f"gpu_clients is {spec.gpu_clients:g} with gpu_sharing; GKE allows {limits.CLIENTS[0]} to "
            f"{limits.CLIENTS[-1]} instances on one GPU."
        )


def _driver_faults(spec: GkeClusterSpec) -> Iterator[str]:
    yield from gpu_drivers.version_faults(spec.cuda_version)
    installed = spec.driver
    if installed is not None and gpu_drivers.is_too_old(installed, spec.cuda_version):
        yield (
            f"gpu_driver is {spec.gpu_driver.value}, which installs driver {installed}; CUDA "
            f"{spec.cuda_version} needs {gpu_drivers.least_driver(spec.cuda_version)} or newer; nearest: "
            f"{GpuDriver.LATEST.value}."
        )


def _names(machines: Iterable[Machine]) -> str:
    return ", ".join(machine.name for machine in machines)


def _or(numbers: Iterable[int]) -> str:
    *most, last = map(str, numbers)
    return f"{', '.join(most)} or {last}" if most else last
