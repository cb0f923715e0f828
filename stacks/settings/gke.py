"""The settings of the `gke` target: its cluster and its nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from slipway.stacks.settings import checks
from slipway.stacks.settings.common import (
    NETWORK,
    SUBNETWORK,
    SUBNETWORKS,
    alert_email_setting,
    google_log_retention_setting,
    kept_images_setting,
    observability_setting,
    project_setting,
    region_setting,
    scanned_images_setting,
)
from slipway.stacks.settings.kubernetes import WorkloadSettings
from slipway.stacks.settings.setting import setting

_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"
_CHANNELS = {name: name.upper() for name in ("rapid", "regular", "stable", "extended")}
# `mps` is read so that the cluster's rules can say why it is refused.
_SHARING = {"time-sharing": "TIME_SHARING", "mps": "MPS"}
_DRIVERS = {"latest": "LATEST", "default": "DEFAULT", "none": "INSTALLATION_DISABLED"}


@dataclass(frozen=True, kw_only=True)
class GkeSettings(WorkloadSettings):
    """The settings of a service on GKE, beyond those of every Kubernetes cluster."""

    specs: ClassVar[tuple[str, ...]] = ("kubernetes.spec.KubernetesSpec", "gke.spec.GkeClusterSpec")

    project: str = project_setting()
    region: str = region_setting("europe-west4")
    keep_images: int | None = kept_images_setting()
    scan: bool | None = scanned_images_setting()
    observability: str = observability_setting("Cloud Monitoring")
    alert_email: str = alert_email_setting()
    log_retention: Mapping[str, int] = google_log_retention_setting()
    location: str = setting(
        "location",
        checks.like(
            r"[a-z]+(-[a-z]+)+[0-9]{1,2}(-[a-z])?", "`region`, or a zone of it, such as europe-west4-a"
        ),
        "Location of the control plane: three zones of a region, or one zone.",
        unset="`region`",
    )
    zones: tuple[str, ...] = setting(
        "zones",
        checks.texts('zones of `region`, such as ["europe-west4-a"]'),
        "Zones of the nodes.",
        unset="those that Google chooses",
    )
    release_channel: str = setting(
        "releaseChannel",
        checks.choice(also=_CHANNELS),
        "How soon the cluster gets a new version of Kubernetes.",
    )
    private_nodes: bool | None = setting(
        "privateNodes", checks.flag(), "Whether nodes have no public address."
    )
    control_plane_cidrs: tuple[str, ...] = setting(
        "controlPlaneCidrs",
        checks.texts('IPv4 networks, such as ["203.0.113.0/24"]'),
        "Networks that may reach the control plane, with a login.",
        unset="every network",
    )
    network: str = setting(
        "network",
        checks.like(NETWORK, "the name of a network"),
        "Existing network to run in.",
        unset="the project's `default`",
    )
    subnetwork: str = setting(
        "subnetwork",
        checks.like(SUBNETWORK, SUBNETWORKS),
        "Subnetwork of `network`.",
        unset="the one with the network's name",
    )
    pods_range: str = setting(
        "podsRange",
        checks.like(_NAME, "the name of a secondary range of `subnetwork`"),
        "Secondary range for pods, required in a network of another project.",
        unset="GKE creates one",
    )
    services_range: str = setting(
        "servicesRange",
        checks.like(_NAME, "the name of a secondary range of `subnetwork`"),
        "Secondary range for services, together with `podsRange`.",
        unset="GKE creates one",
    )
    cluster: str = setting(
        "cluster",
        checks.like(r"[a-z][a-z0-9-]*", "the name of a GKE cluster at `location`"),
        "Existing cluster to run in.",
        unset="one is created",
    )
    node_pool: str = setting(
        "nodePool",
        checks.like(_NAME, "the name of a node pool of `cluster`"),
        "Existing pool to run in.",
        unset="one is created if `gpu` is set",
    )
    machine_type: str = setting(
        "machineType",
        checks.like(r"[a-z][a-z0-9]*(-[a-z0-9]+)+", "a machine type of Google Cloud, such as g2-standard-8"),
        "Machine of the nodes for the service.",
        unset="the smallest with the GPU, else e2-standard-4",
    )
    min_nodes: int | None = setting(
        "minNodes",
        checks.whole(0, 1000),
        "Minimum number of nodes with a GPU, over all zones, which stay once instances have needed them.",
        unit="nodes",
        unset="as many as `minInstances` need",
    )
    min_nodes_per_zone: int | None = setting(
        "minNodesPerZone",
        checks.whole(0, 1000),
        unit="nodes",
        description="Minimum number of nodes with a GPU in each of `zones`, which stay once instances have "
        "needed them; instead of `minNodes`.",
    )
    max_nodes: int | None = setting(
        "maxNodes",
        checks.whole(1, 1000),
        unit="nodes",
        description="Maximum number of nodes that run the service, over all zones.",
        unset="as many as `maxInstances` need",
    )
    disk_gib: float | None = setting(
        "nodeDisk", checks.size("20Gi to 1Ti"), "Disk of a node, for images and fetched models.", unit="bytes"
    )
    node_service_account: str = setting(
        "nodeServiceAccount",
        checks.like(r"[a-z0-9.-]+@[a-z0-9.-]+", "an email, <name>@<project>.iam.gserviceaccount.com"),
        "Existing account of the nodes, whose rights are not changed.",
        unset="one is created",
    )
    spot: bool | None = setting(
        "spot", checks.flag(), "Whether nodes with a GPU run on Spot capacity, which Google can reclaim."
    )
    flex_start: bool | None = setting(
        "flexStart",
        checks.flag(),
        "Whether nodes with a GPU wait for free capacity, and live for up to seven days.",
    )
    gpu_driver: str = setting(
        "gpuDriver",
        checks.choice(also=_DRIVERS),
        "Driver that GKE installs; `default` is too old for the CUDA of a built image.",
    )
    gpu_sharing: str = setting(
        "gpuSharing",
        checks.choice(also=_SHARING, hidden="mps"),
        "How instances share a GPU.",
        unset="each has its own",
    )
    gpu_clients: int | None = setting(
        "gpuClients",
        checks.whole(2, 48),
        "Instances that share one GPU.",
        unit="instances",
        unset="2 with `gpuSharing`",
    )
    monitoring: str = setting(
        "monitoring",
        checks.choice("none", "google", "operator"),
        "What reads the metrics and raises alarms, with a dashboard for Grafana: Managed Service for "
        "Prometheus, or the Prometheus Operator, which must be installed.",
        unset="none, or google with `metricsPath`",
    )
    computed: ClassVar[Mapping[str, str]] = {
        "cpu_machine_type": "machineType",
        "cpu_min_nodes": "minNodes",
        "cpu_max_nodes": "maxNodes",
        "gpu_min_nodes": "minNodes",
        "gpu_max_nodes": "maxNodes",
        "gpu_min_nodes_per_zone": "minNodesPerZone",
        "google_project": "project",
        "google_region": "location",
        "cluster_name": "cluster",
    }
