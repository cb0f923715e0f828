"""The arguments of a GKE cluster for inference. Nodes are counted over all zones, unless stated otherwise."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi


class ReleaseChannel(Enum):
    """How soon the cluster gets a new version of Kubernetes; upgrades are automatic."""

    RAPID = "RAPID"
    """Weeks after it appears; not for production."""
    REGULAR = "REGULAR"
    """Months after it appears."""
    STABLE = "STABLE"
    """When others have used it for long."""
    EXTENDED = "EXTENDED"
    """As regular, with a minor version kept for up to 24 months, at a price after the first 14."""


class GpuDriver(Enum):
    """Which NVIDIA driver GKE installs on the nodes."""

    DEFAULT = "DEFAULT"
    """The one that comes with the node's image; often too old for a new CUDA."""
    LATEST = "LATEST"
    """The newest that the node's image offers."""
    DISABLED = "INSTALLATION_DISABLED"
    """None: what you run on the cluster installs it, such as NVIDIA's GPU operator."""


class GpuSharing(Enum):
    """How several instances share one GPU."""

    TIME_SHARING = "TIME_SHARING"
    """In turn; each instance may use all of the GPU's memory."""
    MPS = "MPS"
    """At once, by NVIDIA's Multi-Process Service. Refused: it needs pods in their node's IPC namespace, which
    the namespace of a service forbids."""


class GkeClusterArgs(TypedDict):
    """A Standard cluster with a small CPU pool and, if `gpu` is given, a GPU pool; or an existing one."""

    project: str
    """Google Cloud project of everything that is created."""
    location: str
    """A region, `europe-west4`, for a control plane in three zones; or a zone, `europe-west4-a`, for one."""
    zones: NotRequired[list[str]]
    """Zones of the nodes, in that region. Default: Google's choice; in a zonal cluster its zone."""
    release_channel: NotRequired[ReleaseChannel]
    """How soon it is upgraded. Default regular."""
    private_nodes: NotRequired[bool]
    """Nodes without public addresses, which reach Google's services only, unless `network` has a Cloud NAT.
    Default true."""
    control_plane_cidrs: NotRequired[list[pulumi.Input[str]]]
    """IPv4 networks that may reach the control plane, such as `203.0.113.0/24`. Default any, with a login."""
    network: NotRequired[pulumi.Input[str]]
    """Existing VPC network. Default the project's `default`."""
    subnetwork: NotRequired[pulumi.Input[str]]
    """Its subnetwork, in the region. Default the one with the network's name."""
    pods_range: NotRequired[pulumi.Input[str]]
    """Name of the subnetwork's secondary range for pods; required in a network of another project (Shared
    VPC), where GKE can create none. Default: GKE creates one."""
    services_range: NotRequired[pulumi.Input[str]]
    """Name of its secondary range for services, together with `pods_range`."""
    node_service_account: NotRequired[pulumi.Input[str]]
    """Email of an existing account for the nodes; its rights are not changed. Default: one is created."""
    image_ref: NotRequired[str]
    """Finished image that the nodes pull, with its digest: of the project's own repositories they may read
    the one that holds it, and no other. For an image that is still to be built give `image_repository`."""
    image_repository: NotRequired[str]
    """Artifact Registry repository that the nodes pull from and may read,
    `projects/<project>/locations/<location>/repositories/<name>`. Default: every one of the project, unless
    `image_ref` names one."""
    cpu_machine_type: NotRequired[str]
    """Machine of the CPU pool, such as `e2-standard-4`. Default `e2-standard-2`."""
    cpu_min_nodes: NotRequired[int]
    """Minimum number of nodes of the CPU pool. Default 1."""
    cpu_max_nodes: NotRequired[int]
    """Maximum number of nodes of the CPU pool. Default 3."""
    gpu: NotRequired[str]
    """Accelerator of the GPU pool, such as `nvidia-l4`. Default none: there is no GPU pool."""
    gpu_count: NotRequired[int]
    """GPUs of one node. Default 1."""
    machine_type: NotRequired[str]
    """Machine of the GPU pool, such as `g2-standard-8`. Default the smallest with these GPUs."""
    gpu_min_nodes: NotRequired[int]
    """Minimum number of nodes of the GPU pool, which stay once pods have asked for them. Default 0."""
    gpu_max_nodes: NotRequired[int]
    """Maximum number of nodes of the GPU pool. Default 1."""
    gpu_min_nodes_per_zone: NotRequired[int]
    """Minimum number of nodes in each zone, instead of `gpu_min_nodes`; requires `zones`, among which
    `gpu_max_nodes` is divided."""
    gpu_driver: NotRequired[GpuDriver]
    """Driver that GKE installs. Default the latest."""
    cuda_version: NotRequired[str]
    """CUDA that the images are built for, such as `13.2`, which the driver must run. Default unknown."""
    gpu_sharing: NotRequired[GpuSharing]
    """How instances share a GPU. Default: each has its own."""
    gpu_clients: NotRequired[int]
    """Instances that share one GPU, 2 to 48. Default 2 with `gpu_sharing`."""
    spot: NotRequired[bool]
    """Whether GPU nodes run on Spot capacity, which Google can reclaim. Default false."""
    flex_start: NotRequired[bool]
    """Whether GPU nodes wait for free capacity and live for up to seven days. Default false."""
    disk_gib: NotRequired[int]
    """Boot disk of a node, 20 to 65536. Default 100: images with CUDA are large."""
    cluster: NotRequired[str]
    """Existing cluster at `location` to run in. Default: one is created."""
    node_pool: NotRequired[str]
    """Existing pool of `cluster`, which is not changed. Default: a GPU pool is created if `gpu` is given."""
    labels: NotRequired[dict[str, str]]
    """Labels of everything that is created."""
    deletion_protection: NotRequired[bool]
    """Refuse to delete cluster and pools, until an `up` with false. Default true."""
    enable_apis: NotRequired[bool]
    """Enable the APIs it needs; they stay enabled afterwards. Default true."""
