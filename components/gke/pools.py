"""The node pools of a cluster: its checked spec in the terms of GKE's API."""

import math
from collections.abc import Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from ..drawn_names import drawn_name
from . import limits
from .account import NodeAccount
from .args import GpuDriver
from .spec import GkeClusterSpec

# Google would change these by replacing the nodes one by one, without a spare GPU. A new pool is made
# instead, and the pods move before the old one goes. What Google cannot change replaces a pool anyhow.
_REPLACED_BY = ["nodeConfig.machineType", "nodeConfig.diskSizeGb", "networkConfig.enablePrivateNodes"]
# The nodes of a pool that is changed or deleted are drained, and then have as long again to go.
_DRAINED = f"{3 * limits.NODE_DRAIN_MINUTES}m"
_TIMEOUTS = pulumi.CustomTimeouts(create="60m", update=_DRAINED, delete=_DRAINED)
GPU_TAINT: gcp.container.NodePoolNodeConfigTaintArgsDict = {
    "key": "nvidia.com/gpu",
    "value": "present",
    "effect": "NO_SCHEDULE",
}


def cpu_pool(
    spec: GkeClusterSpec, cluster: pulumi.Input[str], account: NodeAccount, parent: pulumi.Resource
) -> gcp.container.NodePool:
    """Create the pool where GKE's own pods run; an upgrade adds a node before it removes one."""
    return gcp.container.NodePool(
        f"{spec.name}-cpu-pool",
        name=_name(spec, "cpu", cluster, spec.cpu_machine_type, account, {}, parent),
        project=spec.project,
        location=spec.location,
        cluster=cluster,
        node_locations=list(spec.zones) or None,
        initial_node_count=_initial(spec),
        autoscaling={
            "total_min_node_count": int(spec.cpu_min_nodes),
            "total_max_node_count": int(spec.cpu_max_nodes),
            "location_policy": "BALANCED",
        },
        management={"auto_repair": True, "auto_upgrade": True},
        upgrade_settings={"strategy": "SURGE", "max_surge": 1, "max_unavailable": 0},
        network_config={"enable_private_nodes": spec.private_nodes},
        node_config=_node(spec, spec.cpu_machine_type, account),
        opts=_options(parent, [*account.grants]),
    )


def gpu_pool(
    spec: GkeClusterSpec,
    cluster: pulumi.Input[str],
    account: NodeAccount,
    after: Sequence[pulumi.Resource],
    parent: pulumi.Resource,
) -> gcp.container.NodePool:
    """Create the GPU pool. after: the CPU pool.

    A GPU pool that exists first attracts GKE's own pods, and can then never scale to 0.
    """
    return gcp.container.NodePool(
        f"{spec.name}-gpu-pool",
        name=_name(spec, "gpu", cluster, spec.machine_type, account, spec.gpu_choices, parent),
        project=spec.project,
        location=spec.location,
        cluster=cluster,
        node_locations=list(spec.zones) or None,
        initial_node_count=0,  # it counts for each zone, and the autoscaler brings the least
        autoscaling=_gpu_autoscaling(spec),
        # TOOLKIT: flex start needs nodes that are not repaired.
        management={"auto_repair": not spec.flex_start, "auto_upgrade": True},
        upgrade_settings=_gpu_upgrade(spec),
        network_config={"enable_private_nodes": spec.private_nodes},
        node_config=_gpu_node(spec, account),
        opts=_options(parent, [*after, *account.grants]),
    )


def _name(
    spec: GkeClusterSpec,
    role: str,
    cluster: pulumi.Input[str],
    machine_type: str,
    account: NodeAccount,
    choices: Mapping[str, str],
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """Return a new name for each new pool, which exists before the old one is deleted.

    No name is used twice.
    """
    keepers: dict[str, pulumi.Input[str]] = {
        "project": spec.project,
        "location": spec.location,
        "cluster": cluster,
        "machine_type": machine_type,
        "disk_gib": str(int(spec.disk_gib)),
        "private_nodes": str(spec.private_nodes),
        "service_account": account.email,
        **choices,
    }
    return drawn_name(f"{spec.name}-{role}-pool", role, keepers, parent)


def _options(parent: pulumi.Resource, after: list[pulumi.Resource]) -> pulumi.ResourceOptions:
    """Return the options of a pool: the autoscaler owns its number of nodes, which must not replace it.

    The name is one of those that a pool keeps for its life: components/drawn_names.py.
    """
    return pulumi.ResourceOptions(
        parent=parent,
        depends_on=after,
        ignore_changes=["initialNodeCount", "name"],
        replace_on_changes=_REPLACED_BY,
        custom_timeouts=_TIMEOUTS,
    )


def _initial(spec: GkeClusterSpec) -> int:
    """Return the initial nodes per zone: enough for the minimum, or 0 if that would exceed the maximum."""
    each = math.ceil(spec.cpu_min_nodes / spec.node_zones)
    return each if each * spec.node_zones <= spec.cpu_max_nodes else 0


def _gpu_autoscaling(spec: GkeClusterSpec) -> gcp.container.NodePoolAutoscalingArgsDict:
    """Return the limits of the GPU pool.

    The policy ANY uses whichever zone has the GPU; with a number for each zone there is nothing to choose.
    """
    if spec.gpu_min_nodes_per_zone is not None:
        return {
            "min_node_count": int(spec.gpu_min_nodes_per_zone),
            "max_node_count": int(spec.gpu_max_nodes) // spec.node_zones,
            "location_policy": "BALANCED",
        }
    return {
        "total_min_node_count": int(spec.gpu_min_nodes),
        "total_max_node_count": int(spec.gpu_max_nodes),
        "location_policy": "ANY",
    }


def _gpu_upgrade(spec: GkeClusterSpec) -> gcp.container.NodePoolUpgradeSettingsArgsDict | None:
    """Return an upgrade that removes one node before adding its successor, because a spare GPU may not exist.

    Flex start has its own way, which Google sets (GKEPB NodePoolUpdateStrategy.SHORT_LIVED).
    """
    if spec.flex_start:
        return None
    return {"strategy": "SURGE", "max_surge": 0, "max_unavailable": 1}


def _gpu_node(spec: GkeClusterSpec, account: NodeAccount) -> gcp.container.NodePoolNodeConfigArgsDict:
    node = _node(spec, spec.machine_type, account)
    node["taints"] = [GPU_TAINT]
    node["guest_accelerators"] = [_accelerator(spec)]
    node["spot"] = spec.spot
    if spec.spot or spec.flex_start:
        node["reservation_affinity"] = {"consume_reservation_type": limits.NO_RESERVATION}
    if spec.flex_start:
        node["flex_start"] = True
    if spec.gpu_driver is GpuDriver.DISABLED:  # a driver that Google has not signed would not load
        node["shielded_instance_config"] = {"enable_secure_boot": False, "enable_integrity_monitoring": True}
    return node


def _accelerator(spec: GkeClusterSpec) -> gcp.container.NodePoolNodeConfigGuestAcceleratorArgsDict:
    accelerator: gcp.container.NodePoolNodeConfigGuestAcceleratorArgsDict = {
        "type": spec.gpu,
        "count": int(spec.gpu_count),
        "gpu_driver_installation_config": {"gpu_driver_version": spec.gpu_driver.value},
    }
    if spec.gpu_sharing is not None:
        accelerator["gpu_sharing_config"] = {
            "gpu_sharing_strategy": spec.gpu_sharing.value,
            "max_shared_clients_per_gpu": int(spec.gpu_clients),
        }
    return accelerator


def _node(
    spec: GkeClusterSpec, machine_type: str, account: NodeAccount
) -> gcp.container.NodePoolNodeConfigArgsDict:
    """Return the configuration of a node.

    It has every OAuth scope, because its rights come from the account's roles alone.
    """
    hyperdisk = machine_type.startswith(limits.HYPERDISK_FAMILIES)
    node: gcp.container.NodePoolNodeConfigArgsDict = {
        "machine_type": machine_type,
        "image_type": "COS_CONTAINERD",
        "disk_type": "hyperdisk-balanced" if hyperdisk else "pd-balanced",
        "disk_size_gb": int(spec.disk_gib),
        "service_account": account.email,
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "metadata": {"disable-legacy-endpoints": "true"},
        "gcfs_config": {"enabled": True},
        "gvnic": {"enabled": True},
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
    }
    if spec.labels:
        node["resource_labels"] = spec.labels
    return node
