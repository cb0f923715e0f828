"""The Google half of the GKE target: a cluster with its node pools, and pure rules about its arguments."""

from .args import GkeClusterArgs, GpuDriver, GpuSharing, ReleaseChannel
from .component import GkeCluster
from .nodes import Nodes, nodes_of

__all__ = [
    "GkeCluster",
    "GkeClusterArgs",
    "GpuDriver",
    "GpuSharing",
    "Nodes",
    "ReleaseChannel",
    "nodes_of",
]
