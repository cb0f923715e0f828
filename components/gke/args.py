"""What a GKE cluster for inference takes. Nodes are counted over all zones, unless it says otherwise."""

from enum import Enum
from typing import NotRequired, TypedDict

import pulumi


class ReleaseChannel(Enum):
    """How soon the cluster gets a new version of Kubernetes, which it gets by itself."""

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
    """How several instances use one GPU."""

    TIME_SHARING = "TIME_SHARING"
    """In turn; each may use all of its memory."""
    MPS = "MPS"
    """At once, by NVIDIA's Multi-Process Service. Refused: it needs pods in their node's IPC namespace, which
    the namespace of a service forbids."""


class GkeClusterArgs(TypedDict):
    """A Standard cluster with a small CPU pool and, where `gpu` is given, a GPU pool; or an existing one."""

    project: str
    """Google Cloud project that everything is made in."""
    location: str
    """A region, `europe-west4`, for a control plane in three zones; or a zone, `europe-west4-a`, for one."""
    zones: NotRequired[list[str]]
    """Zones of the nodes, in that region. Default: those that Google chooses; of a zonal cluster its zone."""
    release_channel: NotRequired[ReleaseChannel]
    """How soon it is upgraded. Default regular."""
    private_nodes: NotRequired[bool]
    """Nodes without public addresses, which reach Google's services only, unless `network` has a Cloud NAT.
    Default true."""
    control_plane_cidrs: NotRequired[list[str]]
    """IPv4 networks that may reach the control plane, such as `203.0.113.0/24`. Default any, with a login."""
    network: NotRequired[str]
    """Existing VPC network. Default the project's `default`."""
    subnetwork: NotRequired[str]
    """Its subnetwork, in the region. Default the one with the network's name."""
    node_service_account: NotRequired[pulumi.Input[str]]
    """Email of an existing account for the nodes; its rights stay its owner's. Default: one is made."""
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
    """Nodes of the CPU pool at least. Default 1."""
    cpu_max_nodes: NotRequired[int]
    """Nodes of the CPU pool at most. Default 3."""
    gpu: NotRequired[str]
    """Accelerator of the GPU pool, such as `nvidia-l4`. Default none: there is no GPU pool."""
    gpu_count: NotRequired[int]
    """GPUs of one node. Default 1."""
    machine_type: NotRequired[str]
    """Machine of the GPU pool, such as `g2-standard-8`. Default the smallest with these GPUs."""
    gpu_min_nodes: NotRequired[int]
    """Nodes of the GPU pool at least. Default 0."""
    gpu_max_nodes: NotRequired[int]
    """Nodes of the GPU pool at most. Default 1."""
    gpu_min_nodes_per_zone: NotRequired[int]
    """Nodes in each zone at least, instead of `gpu_min_nodes`; then `zones` is needed, and `gpu_max_nodes`
    is divided among them."""
    gpu_driver: NotRequired[GpuDriver]
    """Driver that GKE installs. Default the latest."""
    cuda_version: NotRequired[str]
    """CUDA that the images are built for, such as `13.2`, which the driver must know. Default unknown."""
    gpu_sharing: NotRequired[GpuSharing]
    """How instances share a GPU. Default: each has its own."""
    gpu_clients: NotRequired[int]
    """Instances that share one GPU, 2 to 48. Default 2 with `gpu_sharing`."""
    spot: NotRequired[bool]
    """GPU nodes on Spot capacity, which Google can take back. Default false."""
    flex_start: NotRequired[bool]
    """GPU nodes that wait for free capacity and live for seven days at most. Default false."""
    disk_gib: NotRequired[int]
    """Boot disk of a node, 20 to 65536. Default 100: images with CUDA are large."""
    cluster: NotRequired[str]
    """Existing cluster at `location` to run in. Default: one is made."""
    node_pool: NotRequired[str]
    """Existing pool of `cluster`, which then stays its owner's. Default: a GPU pool is made where `gpu` is
    given."""
    labels: NotRequired[dict[str, str]]
    """Labels of what is made."""
    deletion_protection: NotRequired[bool]
    """Refuse to delete cluster and pools, until an `up` with false. Default true."""
    enable_apis: NotRequired[bool]
    """Enable the APIs it needs; they stay enabled afterwards. Default true."""
