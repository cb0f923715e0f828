"""Names, places and references of a cluster, against limits.py. Pure."""

import ipaddress
import re
from collections.abc import Iterator

from ..artifact_registry import ImageRepository
from ..spec import NAME
from . import limits
from .spec import GkeClusterSpec

# What belongs to a cluster, and so is its owner's where an existing one is used.
_OF_THE_CLUSTER = (
    *("release_channel", "control_plane_cidrs", "network", "subnetwork"),
    *("cpu_machine_type", "cpu_min_nodes", "cpu_max_nodes"),
)
_OF_THE_POOL = (
    *("gpu_min_nodes", "gpu_min_nodes_per_zone", "gpu_driver", "cuda_version"),
    *("spot", "flex_start", "disk_gib", "zones", "private_nodes", "node_service_account"),
)


def name_faults(spec: GkeClusterSpec) -> Iterator[str]:
    if not NAME.fullmatch(spec.name):
        yield (
            f"the name is {spec.name!r}; allowed are 1 to 40 lowercase letters, digits and hyphens, "
            "starting with a letter and not ending with a hyphen."
        )
    yield from _place_faults(spec)
    yield from _network_faults(spec)
    yield from _existing_faults(spec)
    yield from _reference_faults(spec)
    yield from _label_faults(spec)


def _place_faults(spec: GkeClusterSpec) -> Iterator[str]:
    if not spec.project:
        yield "project is missing; set `project` in Pulumi.<stack>.yaml."
    elif not limits.PROJECT.fullmatch(spec.project):
        yield f"project is {spec.project!r}; allowed is 6 to 30 lowercase letters, digits and hyphens."
    if not spec.location:
        yield "location is missing; name a region, such as europe-west4, or a zone, such as europe-west4-a."
    elif not limits.LOCATION.fullmatch(spec.location):
        yield (
            f"location is {spec.location!r}; allowed is a region, such as europe-west4, or a zone of one, "
            "such as europe-west4-a."
        )
    elif spec.region:
        yield from _zone_faults(spec)


def _zone_faults(spec: GkeClusterSpec) -> Iterator[str]:
    for zone in spec.zones:
        if not re.fullmatch(rf"{spec.region}-[a-z]", zone):
            yield (
                f"zones has {zone!r}; allowed are zones of {spec.region}, such as {spec.region}-a; "
                f"`gcloud compute accelerator-types list` tells which have a GPU."
            )
    if len(set(spec.zones)) < len(spec.zones):
        yield f"zones has one twice: {', '.join(spec.zones)}."


def _network_faults(spec: GkeClusterSpec) -> Iterator[str]:
    for key, value in (("network", spec.network), ("subnetwork", spec.subnetwork)):
        if value and not limits.NETWORK.fullmatch(value):
            yield f"{key} is {value!r}; allowed is its name, or projects/<project>/… in full."
    if "/" in spec.network and not spec.subnetwork:
        yield f"subnetwork is missing with the network {spec.network} of another project; name it in full."
    if len(spec.control_plane_cidrs) > limits.AUTHORIZED_NETWORKS:
        yield (
            f"control_plane_cidrs has {len(spec.control_plane_cidrs)} networks; GKE allows "
            f"{limits.AUTHORIZED_NETWORKS}."
        )
    for cidr in spec.control_plane_cidrs:
        try:
            ipaddress.IPv4Network(cidr)
        except ValueError:
            yield f"control_plane_cidrs has {cidr!r}; allowed is an IPv4 network, such as 203.0.113.0/24."


def _existing_faults(spec: GkeClusterSpec) -> Iterator[str]:
    for key, value in (("cluster", spec.cluster), ("node_pool", spec.node_pool)):
        if value and not limits.CLUSTER_NAME.fullmatch(value):
            yield (
                f"{key} is {value!r}; allowed is its name: 1 to 40 lowercase letters, digits and hyphens, "
                "a letter first."
            )
    if spec.node_pool and not spec.cluster:
        yield f"node_pool is {spec.node_pool} without `cluster`; name the cluster that it belongs to."
    if spec.cluster:
        for key in sorted(spec.given.intersection(_OF_THE_CLUSTER)):
            yield f"{key} belongs to the cluster {spec.cluster}, which is its owner's; leave it out."
    if spec.node_pool:
        for key in sorted(spec.given.intersection(_OF_THE_POOL)):
            yield f"{key} belongs to the pool {spec.node_pool}, which is its owner's; leave it out."


def _reference_faults(spec: GkeClusterSpec) -> Iterator[str]:
    account = spec.node_service_account
    if isinstance(account, str) and not limits.EMAIL.fullmatch(account):
        yield (
            f"node_service_account is {account!r}; allowed is an email, "
            "<name>@<project>.iam.gserviceaccount.com."
        )
    if spec.image_repository and not ImageRepository.named(spec.image_repository):
        yield (
            f"image_repository is {spec.image_repository!r}; allowed is "
            "projects/<project>/locations/<location>/repositories/<name>."
        )


def _label_faults(spec: GkeClusterSpec) -> Iterator[str]:
    if len(spec.labels) > limits.LABELS:
        yield f"there are {len(spec.labels)} labels; Google Cloud allows {limits.LABELS} of one's own."
    for key, value in spec.labels.items():
        if not limits.LABEL_KEY.fullmatch(key):
            yield (
                f"label {key!r} is no label; a key has 1 to 63 lowercase letters, digits, _ and -, "
                "a letter first."
            )
        if not limits.LABEL_VALUE.fullmatch(value):
            yield f"label {key} is {value!r}; a value has at most 63 lowercase letters, digits, _ and -."
