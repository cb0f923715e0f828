"""The cluster of a `gke` stack: its settings, as the component's arguments."""

import math
from typing import Any, cast

from slipway.components.gke import GkeClusterArgs
from slipway.components.gke.nodes import nodes_for, nodes_of_spec
from slipway.components.gke.shapes import machine_of
from slipway.components.gke.spec import GkeClusterSpec
from slipway.components.kubernetes.capacity import least_pods, wanted_pods
from slipway.components.kubernetes.spec import KubernetesSpec
from slipway.components.rollouts.second import second_pods
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.engine import image_cuda_version
from slipway.stacks.settings.gke import GkeSettings

_CPU_MACHINE = "e2-standard-4"
# Of nodes with a GPU; without one, `machineType` is that of the nodes without.
_GPU_ONLY = ("machine_type", "gpu_count")


def cluster_args_of(name: str, settings: GkeSettings, workload: KubernetesSpec) -> GkeClusterArgs:
    """Return the arguments of GkeCluster, which checks them. workload: what its pods request."""
    args = {**settings.args_for(GkeClusterArgs), "location": settings.location or settings.region}
    if settings.image:
        args["image_ref"] = settings.image
    else:
        place = f"projects/{settings.project}/locations/{settings.region}"
        args["image_repository"] = f"{place}/repositories/{name}-image"
    if settings.gpu:
        args["gpu_count"] = _node_gpus(settings)
        if not settings.node_pool and (cuda := image_cuda_version(settings)):
            args["cuda_version"] = cuda
        _set_gpu_nodes(args, name, settings, workload)
    else:
        args = {key: value for key, value in args.items() if key not in _GPU_ONLY}
        _set_cpu_nodes(args, name, settings, workload)
    return cast("GkeClusterArgs", args)


def _set_gpu_nodes(args: dict[str, Any], name: str, settings: GkeSettings, workload: KubernetesSpec) -> None:
    """Set the numbers of GPU nodes that the minimum and maximum instances need, per zone if so requested."""
    service = workload.service
    always = _wanted_nodes(args, name, settings, service, least_pods(workload))
    least = settings.min_nodes or 0
    if settings.max_nodes is not None:
        args["gpu_max_nodes"] = settings.max_nodes
    elif not settings.node_pool:
        wanted = max(_wanted_nodes(args, name, settings, service, _most_pods(settings, workload)), least, 1)
        each = settings.min_nodes_per_zone
        zones = len(settings.zones) if each is not None and settings.zones else 1
        args["gpu_max_nodes"] = max(math.ceil(wanted / zones), each or 0) * zones
    if settings.min_nodes_per_zone is not None:
        args["gpu_min_nodes_per_zone"] = settings.min_nodes_per_zone
    if settings.min_nodes is not None:
        args["gpu_min_nodes"] = settings.min_nodes
    elif settings.min_nodes_per_zone is None and least_pods(workload) and not settings.node_pool:
        args["gpu_min_nodes"] = min(always, args.get("gpu_max_nodes", always))


def _set_cpu_nodes(args: dict[str, Any], name: str, settings: GkeSettings, workload: KubernetesSpec) -> None:
    """Set the numbers of CPU nodes, with one more than the service needs, for GKE's own pods."""
    if settings.min_nodes_per_zone is not None:
        args["gpu_min_nodes_per_zone"] = settings.min_nodes_per_zone  # refused, as there is no GPU
    if settings.cluster:
        given = {"cpu_machine_type": settings.machine_type or None, "cpu_max_nodes": settings.max_nodes}
        given["cpu_min_nodes"] = settings.min_nodes
        args |= {argument: value for argument, value in given.items() if value is not None}
        return  # those are refused, as they are its owner's
    args["cpu_machine_type"] = settings.machine_type or _CPU_MACHINE
    if machine_of(args["cpu_machine_type"]) is None:
        args |= {} if settings.max_nodes is None else {"cpu_max_nodes": settings.max_nodes}
        return  # it is not known how many are needed
    wanted = _wanted_nodes(args, name, settings, workload.service, _most_pods(settings, workload))
    args["cpu_max_nodes"] = settings.max_nodes or wanted + 1
    if settings.min_nodes is not None:
        args["cpu_min_nodes"] = settings.min_nodes
    elif workload.jobs.jobs:
        least = _wanted_nodes(args, name, settings, workload.service, least_pods(workload))
        args["cpu_min_nodes"] = min(least, args["cpu_max_nodes"])


def _most_pods(settings: GkeSettings, workload: KubernetesSpec) -> int:
    """Return the maximum number of pods, with a second version's during a rollout and what jobs take."""
    most = workload.service.max_replicas
    if settings.serving == "kserve":
        return most
    return wanted_pods(workload) + second_pods(settings.rollout, settings.canary_percent, most)


def _wanted_nodes(
    args: dict[str, Any], name: str, settings: GkeSettings, service: InferenceServiceSpec, instances: int
) -> int:
    nodes = nodes_of_spec(GkeClusterSpec.read(name, args))
    return nodes_for(nodes, pod_gpus(settings), service.cpu, service.memory_gib, instances)


def pod_gpus(settings: GkeSettings) -> int:
    """Return the number of GPUs that one instance requests."""
    return (settings.gpu_count or 1) if settings.gpu else 0


def _node_gpus(settings: GkeSettings) -> int:
    """Return the GPUs of a node: all of a machine with a fixed number, which holds several instances."""
    machine, wanted = machine_of(settings.machine_type, settings.gpu), pod_gpus(settings)
    if machine is not None and machine.gpu == settings.gpu and len(machine.gpu_counts) == 1:
        return max(machine.gpu_counts[0], wanted)
    return wanted
