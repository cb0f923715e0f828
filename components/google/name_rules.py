"""Checks of Google Cloud names in a component's arguments, against limits.py. Pure."""

import difflib
import re
from collections.abc import Callable, Iterator, Mapping

from ..fault import Fault
from . import limits


def project_faults(project: object) -> Iterator[Fault]:
    """Yield what is wrong with the argument `project`; an Output is left for Google Cloud to check."""
    if not isinstance(project, str):
        return
    if not project:
        yield Fault("project", "missing", "give the ID of a Google Cloud project, such as acme-ml")
    elif not limits.PROJECT.fullmatch(project):
        allowed = "allowed are 6 to 30 lowercase letters, digits and hyphens, a letter first, no hyphen last"
        yield Fault("project", repr(project), allowed)


def region_faults(region: str) -> Iterator[Fault]:
    """Yield what is wrong with the argument `region`."""
    if not region:
        yield Fault("region", "missing", "give the name of a region, such as europe-west4")
    elif not limits.REGION.fullmatch(region):
        yield Fault("region", repr(region), "allowed is the name of a region, such as europe-west4")


def place_warnings(project: object, region: str) -> Iterator[str]:
    """Warn of a project that is a placeholder, and of a region that may not exist: new ones come."""
    if project in limits.PLACEHOLDERS:
        yield f"`project` {project} is a placeholder of documentation: name your own before `up`."
    if limits.REGION.fullmatch(region) and region not in limits.REGIONS:
        near = difflib.get_close_matches(region, sorted(limits.REGIONS), 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        yield f"the region {region} is none of those that Google Cloud had in 2026-11.{hint}"


def network_faults(
    network_key: str, network: object, subnetwork_key: str, subnetwork: object, region: str
) -> Iterator[Fault]:
    """Yield what is wrong with a VPC network and its subnetwork; Outputs are left for Google Cloud to check.

    The keys are the arguments' names. region: of what is to be in the subnetwork.
    """
    for key, value in ((network_key, network), (subnetwork_key, subnetwork)):
        if isinstance(value, str) and value and not limits.NETWORK.fullmatch(value):
            yield Fault(key, repr(value), "allowed is its name, or projects/<project>/… in full")
    there = re.search(r"/regions/([a-z0-9-]+)/", subnetwork) if isinstance(subnetwork, str) else None
    if there and region and there[1] != region:
        reason = f", in {there[1]}, while the service is in {region}"
        yield Fault(subnetwork_key, repr(subnetwork), f"name one in {region}", reason)
    if isinstance(network, str) and "/" in network and not subnetwork:
        reason = f"with `{network_key}` {network}, which is another project's"
        yield Fault(subnetwork_key, "missing", "name it in full", reason)


def label_faults(
    labels: Mapping[str, str], own_fault: Callable[[str], Fault | None] = lambda _: None
) -> Iterator[Fault]:
    """Yield what is wrong with the argument `labels`.

    own_fault: returns what the component's own service does not allow of a key, which then replaces the fault
    that every service finds in it; None if it allows the key.
    """
    if len(labels) > limits.LABELS:
        allowed = f"Google Cloud allows {limits.LABELS} custom labels"
        yield Fault("labels", f"{len(labels)} labels", allowed, verb="has")
    for key, value in labels.items():
        if fault := own_fault(key):
            yield fault
        elif not limits.LABEL_KEY.fullmatch(key) or key != key.lower():
            allowed = "a key has 1 to 63 lowercase letters, digits, _ and -, a letter first"
            yield Fault("labels", repr(key), allowed, ", which is no key of a label", verb="has")
        if not limits.LABEL_VALUE.fullmatch(value) or value != value.lower():
            allowed = "a value has at most 63 lowercase letters, digits, _ and -"
            yield Fault(f"labels.{key}", repr(value), allowed)
