"""The limits of GKE clusters and node pools, each with its source. Sizes in GiB.

Collected on 2026-11-21. GKEPB: google-cloud-container 2.67.0, container_v1/types. PGCP: pulumi-gcp 10.2.0,
container. DOCS: docs.cloud.google.com/kubernetes-engine/docs. TOOLKIT: Google's
github.com/GoogleCloudPlatform/cluster-toolkit, modules/compute/gke-node-pool/main.tf (1047080, 2026-06-25).
"""

import re
from collections.abc import Mapping

from ..google import limits as google

# GKEPB Cluster.name, NodePool: lowercase letters, digits and hyphens, up to 40 characters.
CLUSTER_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
POOL_NAME = CLUSTER_NAME
LOCATION = re.compile(rf"(?P<region>{google.REGION.pattern})(?P<zone>-[{google.ZONE_LETTERS}])?")
# cloud.google.com/compute/docs/naming-resources: of a subnetwork's secondary range.
RANGE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
# DOCS/concepts/node-pool-upgrade-strategies: for a pod's end, and for what a disruption budget forbids.
NODE_DRAIN_MINUTES = 60
# DOCS/concepts/spot-vms: of a preemption's 25 s, pods other than the system's get 15.
SPOT_NOTICE_SECONDS = 15.0
# DOCS/concepts/cluster-autoscaler: nodes of one pool.
POOL_NODES = 1000
# DOCS/how-to/timesharing-gpus, nvidia-mps-gpus
CLIENTS = range(2, 48 + 1)
# GKEPB NodeConfig.disk_size_gb takes 10 and more; the images here leave no room in less than 20.
DISK_GIB = range(20, 65536 + 1)
# GKEPB MasterAuthorizedNetworksConfig, DOCS/how-to/authorized-networks
AUTHORIZED_NETWORKS = 100
# DOCS/concepts/regional-clusters: zones that Google chooses where none are named.
REGIONAL_ZONES = 3
# cloud.google.com/compute/quotas: SSD_TOTAL_GB of a new project in a region; FACTS: 3 x 100 GB hit it.
SSD_QUOTA_GB = 500
# cloud.google.com/kubernetes-engine/pricing: of a cluster, and the credit of a billing account.
CLUSTER_USD_PER_HOUR = 0.10
CREDIT_USD_PER_MONTH = 74.40
# docs.cloud.google.com/compute/docs/accelerator-optimized-machines: G4 has Hyperdisk only.
HYPERDISK_FAMILIES = ("g4",)
# TOOLKIT: what flex start and Spot ask of a pool.
NO_RESERVATION = "NO_RESERVATION"
# cloud.google.com/compute/resource-usage#gpu_quota: the quota of an accelerator in a region; a Spot GPU, and
# one by flex start, counts against another.
QUOTAS: Mapping[str, str] = {
    "nvidia-l4": "NVIDIA_L4_GPUS",
    "nvidia-tesla-t4": "NVIDIA_T4_GPUS",
    "nvidia-tesla-a100": "NVIDIA_A100_GPUS",
    "nvidia-a100-80gb": "NVIDIA_A100_80GB_GPUS",
    "nvidia-h100-80gb": "NVIDIA_H100_GPUS",
}
GLOBAL_QUOTA = "GPUS_ALL_REGIONS"
