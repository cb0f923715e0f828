"""The Google half of the GKE target: a cluster with its node pools, and pure rules about what it takes."""

from components.gke.args import GkeClusterArgs, GpuDriver, GpuSharing, ReleaseChannel
from components.gke.component import GkeCluster
from components.gke.nodes import Nodes, nodes_of
from components.gke.rules import warnings

__all__ = [
    "GkeCluster",
    "GkeClusterArgs",
    "GpuDriver",
    "GpuSharing",
    "Nodes",
    "ReleaseChannel",
    "nodes_of",
    "warnings",
]
