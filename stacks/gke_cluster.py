"""The cluster of a `gke` stack: its settings, as the component's arguments."""

import math
from typing import Protocol

from slipway.components.gke import GkeClusterArgs, GpuDriver, GpuSharing, ReleaseChannel
from slipway.components.gke.machines import MACHINES
from slipway.components.gke.nodes import nodes_for, nodes_of_spec
from slipway.components.gke.spec import GkeClusterSpec
from slipway.stacks.kubernetes import WorkloadSettings
from slipway.stacks.parts import image_cuda_version

_CPU_MACHINE = "e2-standard-4"
_DRIVERS = {"latest": GpuDriver.LATEST, "default": GpuDriver.DEFAULT, "none": GpuDriver.DISABLED}
_SHARING = {"time-sharing": GpuSharing.TIME_SHARING, "mps": GpuSharing.MPS}
_CHANNELS = {channel.value.lower(): channel for channel in ReleaseChannel}


class GkeSettings(WorkloadSettings, Protocol):
    """What this target reads beyond every Kubernetes cluster's settings."""

    @property
    def project(self) -> str: ...
    @property
    def location(self) -> str: ...
    @property
    def zones(self) -> tuple[str, ...]: ...
    @property
    def release_channel(self) -> str: ...
    @property
    def private_nodes(self) -> bool: ...
    @property
    def control_plane_cidrs(self) -> tuple[str, ...]: ...
    @property
    def network(self) -> str: ...
    @property
    def subnetwork(self) -> str: ...
    @property
    def cluster(self) -> str: ...
    @property
    def node_pool(self) -> str: ...
    @property
    def machine_type(self) -> str: ...
    @property
    def min_nodes(self) -> int | None: ...
    @property
    def min_nodes_per_zone(self) -> int | None: ...
    @property
    def max_nodes(self) -> int | None: ...
    @property
    def node_disk_gib(self) -> float: ...
    @property
    def spot(self) -> bool: ...
    @property
    def flex_start(self) -> bool: ...
    @property
    def gpu_driver(self) -> str: ...
    @property
    def gpu_sharing(self) -> str: ...
    @property
    def gpu_clients(self) -> int | None: ...
    @property
    def metrics_path(self) -> str: ...


def cluster_args_of(name: str, settings: GkeSettings) -> GkeClusterArgs:
    """The arguments of GkeCluster; they are checked there."""
    args: GkeClusterArgs = {
        "project": settings.project,
        "location": settings.location or settings.region,
        "labels": dict(settings.labels),
        "deletion_protection": settings.deletion_protection,
    }
    if settings.cluster:
        args["cluster"] = settings.cluster
    if settings.node_pool:
        args["node_pool"] = settings.node_pool
    _set_cluster(args, settings)
    _set_nodes(args, name, settings)
    if settings.gpu:
        _set_gpu(args, settings)
        _set_gpu_nodes(args, name, settings)
    else:
        _set_cpu_nodes(args, name, settings)
    return args


def _set_cluster(args: GkeClusterArgs, settings: GkeSettings) -> None:
    """What is left as it is by default is not said: with an existing cluster it has no meaning."""
    if settings.release_channel != "regular":
        args["release_channel"] = _CHANNELS[settings.release_channel]
    if settings.control_plane_cidrs:
        args["control_plane_cidrs"] = list(settings.control_plane_cidrs)
    if settings.network:
        args["network"] = settings.network
    if settings.subnetwork:
        args["subnetwork"] = settings.subnetwork


def _set_nodes(args: GkeClusterArgs, name: str, settings: GkeSettings) -> None:
    if settings.zones:
        args["zones"] = list(settings.zones)
    if not settings.private_nodes:
        args["private_nodes"] = False
    if settings.node_disk_gib != 100:
        args["disk_gib"] = settings.node_disk_gib  # pyright: ignore[reportGeneralTypeIssues]  checked there
    if settings.image:
        args["image_ref"] = settings.image
    else:
        args["image_repository"] = (
            f"projects/{settings.project}/locations/{settings.region}/repositories/{name}-image"
        )


def _set_gpu(args: GkeClusterArgs, settings: GkeSettings) -> None:
    args["gpu"] = settings.gpu
    args["gpu_count"] = _node_gpus(settings)
    if settings.machine_type:
        args["machine_type"] = settings.machine_type
    if settings.gpu_driver != "latest":
        args["gpu_driver"] = _DRIVERS[settings.gpu_driver]
    if not settings.node_pool and (cuda := image_cuda_version(settings)):
        args["cuda_version"] = cuda
    if settings.gpu_sharing:
        args["gpu_sharing"] = _SHARING[settings.gpu_sharing]
    if settings.gpu_clients is not None:
        args["gpu_clients"] = settings.gpu_clients
    if settings.spot:
        args["spot"] = True
    if settings.flex_start:
        args["flex_start"] = True


def _set_gpu_nodes(args: GkeClusterArgs, name: str, settings: GkeSettings) -> None:
    """As many nodes as the fewest and the most instances need; where it is said so, the same in each zone."""
    always = _wanted_nodes(args, name, settings, settings.min_instances)
    least = settings.min_nodes or 0
    if settings.max_nodes is not None:
        args["gpu_max_nodes"] = settings.max_nodes
    elif not settings.node_pool:
        wanted = max(_wanted_nodes(args, name, settings, settings.max_instances), least, 1)
        each = settings.min_nodes_per_zone
        zones = len(settings.zones) if each is not None and settings.zones else 1
        args["gpu_max_nodes"] = max(math.ceil(wanted / zones), each or 0) * zones
    if settings.min_nodes_per_zone is not None:
        args["gpu_min_nodes_per_zone"] = settings.min_nodes_per_zone
    if settings.min_nodes is not None:
        args["gpu_min_nodes"] = settings.min_nodes
    elif settings.min_nodes_per_zone is None and settings.min_instances and not settings.node_pool:
        args["gpu_min_nodes"] = min(always, args.get("gpu_max_nodes", always))


def _set_cpu_nodes(args: GkeClusterArgs, name: str, settings: GkeSettings) -> None:
    """Without a GPU the service runs beside GKE's own pods, which have a node more to go to."""
    if settings.cluster:
        return
    most = settings.max_instances
    args["cpu_machine_type"] = settings.machine_type or _CPU_MACHINE
    if args["cpu_machine_type"] not in MACHINES:
        return  # refused with the rest; how many of it are needed, nobody knows
    args["cpu_max_nodes"] = settings.max_nodes or _wanted_nodes(args, name, settings, most) + 1
    if settings.min_nodes is not None:
        args["cpu_min_nodes"] = settings.min_nodes


def _wanted_nodes(args: GkeClusterArgs, name: str, settings: GkeSettings, instances: int) -> int:
    nodes = nodes_of_spec(GkeClusterSpec.read(name, args))
    return nodes_for(nodes, pod_gpus(settings), settings.cpu, settings.memory_gib, instances)


def pod_gpus(settings: GkeSettings) -> int:
    """That one instance asks for."""
    return (settings.gpu_count or 1) if settings.gpu else 0


def _node_gpus(settings: GkeSettings) -> int:
    """A machine that has a fixed number of GPUs has them all, and holds several instances."""
    machine, wanted = MACHINES.get(settings.machine_type), pod_gpus(settings)
    if machine is not None and machine.gpu == settings.gpu and len(machine.gpu_counts) == 1:
        return max(machine.gpu_counts[0], wanted)
    return wanted
