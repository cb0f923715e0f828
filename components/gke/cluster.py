"""The cluster without its pools: its checked spec in the terms of GKE's API."""

import pulumi
import pulumi_gcp as gcp

from ..google.accounts import workload_pool
from . import limits
from .account import NodeAccount
from .spec import GkeClusterSpec

# The nodes of a cluster that is changed are drained.
_TIMEOUTS = pulumi.CustomTimeouts(create="60m", update=f"{3 * limits.NODE_DRAIN_MINUTES}m", delete="60m")


def cluster_of(
    spec: GkeClusterSpec, account: NodeAccount, after: list[pulumi.Resource], parent: pulumi.Resource
) -> gcp.container.Cluster:
    """Create the cluster. Google requires a first pool, which is deleted again at once.

    In another network it has the same name, and in another place its name comes back when the move is undone:
    it is deleted before it is created, with its pools and with all that depends on its name.
    """
    return gcp.container.Cluster(
        f"{spec.name}-cluster",
        name=spec.cluster_name,
        project=spec.project,
        location=spec.location,
        node_locations=_further_zones(spec),
        network=spec.network,
        subnetwork=spec.subnetwork or None,
        networking_mode="VPC_NATIVE",
        ip_allocation_policy=_ranges(spec),
        datapath_provider="ADVANCED_DATAPATH",
        private_cluster_config={"enable_private_nodes": spec.private_nodes, "enable_private_endpoint": False},
        master_authorized_networks_config=_authorized(spec),
        release_channel={"channel": spec.release_channel.value},
        workload_identity_config={"workload_pool": workload_pool(spec.project)},
        enable_shielded_nodes=True,
        enable_legacy_abac=False,
        remove_default_node_pool=True,
        initial_node_count=1,
        node_config=_passing_node(spec, account),
        node_pool_defaults={"node_config_defaults": {"gcfs_config": {"enabled": True}}},
        logging_config={"enable_components": ["SYSTEM_COMPONENTS", "WORKLOADS"]},
        monitoring_config={
            "enable_components": ["SYSTEM_COMPONENTS"],
            "managed_prometheus": {"enabled": True},
        },
        addons_config={
            "gce_persistent_disk_csi_driver_config": {"enabled": True},
            "gcs_fuse_csi_driver_config": {"enabled": True},
            "horizontal_pod_autoscaling": {"disabled": False},
            "http_load_balancing": {"disabled": False},
        },
        gateway_api_config={"channel": "CHANNEL_STANDARD"},
        secret_manager_config={"enabled": True},
        resource_labels=spec.labels or None,
        deletion_protection=spec.deletion_protection,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[*after, *account.grants],
            delete_before_replace=True,
            protect=spec.deletion_protection,
            # The provider reads back a node that is gone, and would replace the cluster for it.
            ignore_changes=["nodeConfig"],
            custom_timeouts=_TIMEOUTS,
        ),
    )


def _ranges(spec: GkeClusterSpec) -> gcp.container.ClusterIpAllocationPolicyArgsDict:
    """Return the ranges of pods and services: those that are named, else what GKE creates."""
    ranges: gcp.container.ClusterIpAllocationPolicyArgsDict = {"stack_type": "IPV4"}
    if spec.pods_range:
        ranges["cluster_secondary_range_name"] = spec.pods_range
        ranges["services_secondary_range_name"] = spec.services_range
    return ranges


def _further_zones(spec: GkeClusterSpec) -> list[str] | None:
    """Return the zones apart from the cluster's own, as PGCP Cluster.node_locations requires."""
    return [zone for zone in spec.zones if zone != spec.location] or None


def _authorized(
    spec: GkeClusterSpec,
) -> gcp.container.ClusterMasterAuthorizedNetworksConfigArgsDict | None:
    if not spec.control_plane_cidrs:
        return None
    known = sorted({cidr for cidr in spec.control_plane_cidrs if isinstance(cidr, str)})
    later = [cidr for cidr in spec.control_plane_cidrs if not isinstance(cidr, str)]
    return {"cidr_blocks": [{"cidr_block": cidr} for cidr in (*known, *later)]}


def _passing_node(spec: GkeClusterSpec, account: NodeAccount) -> gcp.container.ClusterNodeConfigArgsDict:
    """Return the node of the temporary first pool.

    It does not use Google's default account, which many organisations forbid or leave without rights.
    """
    return {
        "machine_type": spec.cpu_machine_type,
        "service_account": account.email,
        "oauth_scopes": ["https://www.googleapis.com/auth/cloud-platform"],
        "shielded_instance_config": {"enable_secure_boot": True, "enable_integrity_monitoring": True},
        "workload_metadata_config": {"mode": "GKE_METADATA"},
    }
