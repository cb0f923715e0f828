"""Checks of names, locations and references of a cluster, against limits.py. Pure."""

import ipaddress
import re
from collections.abc import Iterator

from ..fault import Fault
from ..google import limits as google
from ..google.artifact_registry import ImageRepository
from ..google.limits import ACCOUNT_EMAIL
from ..google.name_rules import label_faults, network_faults, project_faults
from ..service_name import NAME
from . import limits
from .spec import GkeClusterSpec

# What belongs to a cluster, and so is its owner's where an existing one is used.
_OF_THE_CLUSTER = (
    *("release_channel", "control_plane_cidrs", "network", "subnetwork", "pods_range", "services_range"),
    *("cpu_machine_type", "cpu_min_nodes", "cpu_max_nodes"),
)
_OF_THE_POOL = (
    *("gpu_min_nodes", "gpu_min_nodes_per_zone", "gpu_driver", "cuda_version"),
    *("spot", "flex_start", "disk_gib", "zones", "private_nodes", "node_service_account"),
)
_OF_MADE_NODES = ("disk_gib", "zones", "private_nodes", "node_service_account")


def name_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    """Yield what is wrong with a name, a location, a network or a reference."""
    if not NAME.fullmatch(spec.name):
        allowed = "allowed are 1 to 40 lowercase letters, digits and hyphens, a letter first, no hyphen last"
        yield Fault("name", repr(spec.name), allowed)
    yield from _place_faults(spec)
    yield from _network_faults(spec)
    yield from _existing_faults(spec)
    yield from _reference_faults(spec)
    yield from label_faults(spec.labels)


def _place_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    yield from project_faults(spec.project)
    if not spec.location:
        allowed = "give a region, such as europe-west4, or a zone, such as europe-west4-a"
        yield Fault("location", "missing", allowed)
    elif not limits.LOCATION.fullmatch(spec.location):
        allowed = "allowed is a region, such as europe-west4, or a zone of one, such as europe-west4-a"
        yield Fault("location", repr(spec.location), allowed)
    elif spec.location in google.MISSING_ZONES:
        allowed = f"its zones begin with b, such as {spec.region}-b"
        yield Fault("location", repr(spec.location), allowed, nearest=f"{spec.region}-b")
    elif spec.region:
        yield from _zone_faults(spec)


def _zone_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    for zone in spec.zones:
        known = re.fullmatch(rf"{spec.region}-[{google.ZONE_LETTERS}]", zone)
        if not known or zone in google.MISSING_ZONES:
            allowed = (
                f"allowed are zones of {spec.region}, such as {spec.region}-b; "
                "`gcloud compute accelerator-types list` shows which have a GPU"
            )
            yield Fault("zones", repr(zone), allowed, verb="has")
    if len(set(spec.zones)) < len(spec.zones):
        yield Fault("zones", "one twice", "name each once", f": {', '.join(spec.zones)}", verb="has")


def _network_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    yield from network_faults("network", spec.network, "subnetwork", spec.subnetwork, spec.region)
    yield from _range_faults(spec)
    cidrs = spec.control_plane_cidrs
    if len(cidrs) > limits.AUTHORIZED_NETWORKS:
        allowed = f"GKE allows {limits.AUTHORIZED_NETWORKS}"
        yield Fault("control_plane_cidrs", f"{len(cidrs)} networks", allowed, verb="has")
    for cidr in cidrs:
        if isinstance(cidr, str) and not _is_network(cidr):
            allowed = "allowed is an IPv4 network, such as 203.0.113.0/24"
            near = _network_of(cidr)
            yield Fault("control_plane_cidrs", repr(cidr), allowed, nearest=near, verb="has")


def _range_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    """Yield which secondary ranges are missing; GKE creates them in networks of its own project only.

    Source: DOCS/how-to/cluster-shared-vpc.
    """
    for key, other in (("pods_range", "services_range"), ("services_range", "pods_range")):
        value = getattr(spec, key)
        if isinstance(value, str) and value and not limits.RANGE_NAME.fullmatch(value):
            allowed = "allowed is its name: 1 to 63 lowercase letters, digits and hyphens, a letter first"
            yield Fault(key, repr(value), allowed)
        if getattr(spec, other) and not value:
            yield Fault(key, "missing", "name both", f"with `{other}`")
    elsewhere = isinstance(spec.network, str) and re.match("projects/([^/]+)/", spec.network)
    if elsewhere and elsewhere[1] != spec.project and not (spec.pods_range or spec.services_range):
        allowed = (
            "name the subnetwork's secondary ranges for pods and for services (`services_range`), which the "
            "network's owner has made"
        )
        reason = f"with `network` {spec.network}, in which GKE can create none"
        yield Fault("pods_range", "missing", allowed, reason)


def _is_network(cidr: str) -> bool:
    try:
        ipaddress.IPv4Network(cidr)
    except ValueError:
        return False
    return True


def _network_of(cidr: str) -> str | None:
    """Return the network that an address with a prefix is in; None if it is no such address."""
    try:
        return str(ipaddress.IPv4Network(cidr, strict=False))
    except ValueError:
        return None


def _existing_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    for key, value in (("cluster", spec.cluster), ("node_pool", spec.node_pool)):
        if value and not limits.CLUSTER_NAME.fullmatch(value):
            allowed = "allowed is its name: 1 to 40 lowercase letters, digits and hyphens, a letter first"
            yield Fault(key, repr(value), allowed)
    if spec.node_pool and not spec.cluster:
        yield Fault("node_pool", spec.node_pool, "name the cluster that it belongs to", "without `cluster`")
    for owner, value, keys in (
        ("cluster", spec.cluster, _OF_THE_CLUSTER),
        ("node_pool", spec.node_pool, _OF_THE_POOL),
    ):
        for key in sorted(spec.given.intersection(keys)) if value else ():
            yield Fault(key, "given", "leave it out", f"with `{owner}` {value}, whose owner decides it")
    if spec.cluster and not spec.makes_nodes and not spec.node_pool:
        for key in sorted(spec.given.intersection(_OF_MADE_NODES)):
            reason = f"with `cluster` {spec.cluster} and no `gpu`, so that no nodes are made"
            yield Fault(key, "given", "leave it out", reason)


def _reference_faults(spec: GkeClusterSpec) -> Iterator[Fault]:
    account = spec.node_service_account
    if isinstance(account, str) and not ACCOUNT_EMAIL.fullmatch(account):
        allowed = "allowed is an email, <name>@<project>.iam.gserviceaccount.com"
        yield Fault("node_service_account", repr(account), allowed)
    if spec.image_repository and not ImageRepository.named(spec.image_repository):
        allowed = "allowed is projects/<project>/locations/<location>/repositories/<name>"
        yield Fault("image_repository", repr(spec.image_repository), allowed)
