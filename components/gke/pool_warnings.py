"""Warnings about a cluster that is allowed: quotas, cost, and nodes that can be taken away. Pure."""

from collections.abc import Iterator

from ..google.name_rules import place_warnings
from ..networks import cover_everyone
from . import limits
from .args import GpuDriver
from .machines import GPUS
from .spec import GkeClusterSpec


def cluster_warnings(spec: GkeClusterSpec) -> Iterator[str]:
    if not spec.own_cluster:
        return
    fee = f"${limits.CLUSTER_USD_PER_HOUR:.2f} an hour"
    if spec.is_zonal:
        yield (
            f"`location` {spec.location} is a zone: one control plane, unavailable for minutes at each "
            "upgrade, and lost with its zone; running pods continue. "
            f"It costs {fee}, which the monthly credit of "
            f"${limits.CREDIT_USD_PER_MONTH:.2f} pays for one such cluster of a billing account."
        )
    else:
        yield (
            f"`location` {spec.location} is a region: a control plane in three zones, for {fee} (the monthly "
            f"credit of ${limits.CREDIT_USD_PER_MONTH:.2f} is for a zonal cluster), and traffic between "
            "zones is "
            "billed. A zone, such as "
            f"{spec.region}-a, is for trying out."
        )
    if spec.private_nodes:
        yield (
            "nodes are private: they reach Google's services (Artifact Registry, Cloud Storage), and the "
            "internet only where the network has a Cloud NAT."
        )
    if spec.cpu_machine is None:
        yield (
            f"the size of `cpu_machine_type` {spec.cpu_machine_type} is not known here: whether the pods fit "
            "is not checked."
        )
    yield from place_warnings(spec.project, spec.region)
    if not spec.control_plane_cidrs or cover_everyone(spec.control_plane_cidrs):
        yield (
            "the control plane answers on a public address to whoever has a login and the rights; "
            "`control_plane_cidrs` narrows that to networks."
        )


def gpu_warnings(spec: GkeClusterSpec) -> Iterator[str]:
    if not spec.own_gpu_pool:
        return
    if spec.machine is None or spec.gpu not in GPUS:
        yield (
            f"`machine_type` {spec.machine_type} with {spec.gpu} is not known: whether Google has it, and "
            "whether the pods fit, is not checked."
        )
    yield _quota(spec)
    yield from _disk_quota(spec)
    if spec.own_cluster and not spec.zones:
        yield (
            f"not every zone has {spec.gpu}, and Google chooses the pool's zones. Name `zones` that "
            f"have it: `gcloud compute accelerator-types list --filter=name={spec.gpu}`."
        )
    if spec.gpu_min_nodes_per_zone:
        yield (
            f"`gpu_min_nodes_per_zone` keeps up to {spec.least_gpu_nodes} nodes with "
            f"{spec.least_gpu_nodes * int(spec.gpu_count)} GPUs running, {int(spec.gpu_min_nodes_per_zone)} "
            f"in each of {spec.node_zones} zones: none starts before pods ask for it, and then it stays."
        )
    elif not spec.least_gpu_nodes:
        yield (
            "the GPU pool goes down to 0 nodes: the first instance then waits for a node and its driver, "
            "which "
            "takes 4 to 15 minutes."
        )
    if spec.spot:
        yield (
            "GPU nodes are on Spot capacity: Google reclaims one with 25 seconds' notice, or has none "
            "available."
        )
    if spec.flex_start:
        yield (
            "GPU nodes come by flex start: one is waited for until capacity is free, lives for seven days at "
            "most, and is not repaired; an instance that answers people moves at least once a week."
        )
    if spec.gpu_driver is GpuDriver.DISABLED:
        yield (
            "GKE installs no driver: a pod that requests a GPU waits until something else has installed one."
        )


def _quota(spec: GkeClusterSpec) -> str:
    gpus = int(spec.gpu_max_nodes) * int(spec.gpu_count)
    name = limits.QUOTAS.get(spec.gpu, f"the one of {spec.gpu}")
    if spec.spot or spec.flex_start:
        name = f"PREEMPTIBLE_{name}" if spec.gpu in limits.QUOTAS else f"{name}, preemptible"
    return (
        f"at its maximum the pool has {gpus} GPU{'s' if gpus > 1 else ''}: a new project has a quota of "
        "none. Ask "
        f"for two, {name} in {spec.region} and {limits.GLOBAL_QUOTA}, of {gpus} each at least; either at 0 "
        "leaves "
        "every instance waiting."
    )


def _disk_quota(spec: GkeClusterSpec) -> Iterator[str]:
    nodes = int(spec.gpu_max_nodes) + (int(spec.cpu_max_nodes) if spec.own_cluster else 0)
    size = nodes * int(spec.disk_gib)
    if size > limits.SSD_QUOTA_GB:
        yield (
            f"{nodes} nodes with {int(spec.disk_gib)} GiB each are {size} GiB of disk, over the quota "
            "SSD_TOTAL_GB "
            f"of a new project, {limits.SSD_QUOTA_GB} in a region; request more, or take smaller disks."
        )
