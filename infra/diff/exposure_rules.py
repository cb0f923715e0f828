"""Who reaches the service and what it runs on, apart from everybody: networks, namespaces, members, nodes."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from slipway.infra.diff.model import Action, ResourceChange, StackDiff
from slipway.infra.diff.risk import Level, Risk
from slipway.infra.resources.kubernetes import DEPLOYMENT, NETWORK_POLICY
from slipway.infra.resources.reading import at, items_at

# A network with this prefix or a shorter one is of no single organisation: 1/256 of the internet.
_WIDE_PREFIX = 8
# Of these anybody gets an account.
MAIL_DOMAINS = frozenset({"gmail.com", "googlemail.com"})


@dataclass(frozen=True, slots=True)
class _Networks:
    """An argument that lists networks. nobody: without one nobody is let in, else everybody."""

    argument: str
    what: str
    nobody: bool


_NETWORKS = (
    _Networks("allowed_cidrs", "the service", nobody=True),
    _Networks("control_plane_cidrs", "the control plane of the cluster", nobody=False),
)


def networks(diff: StackDiff) -> Iterator[Risk]:
    """Yield the networks that are let in and were not before."""
    for change in _of_components(diff):
        for each in _NETWORKS:
            before, after = _sides(change, each.argument)
            if before == after:
                continue
            if not after and not each.nobody:
                text = f"lets every network reach {each.what}"
                yield Risk(Level.HIGH, text, f"`{each.argument}` has no entry any more.", change.urn)
            elif before or each.nobody:
                yield from _wider(change, each, before, after)


def _wider(change: ResourceChange, each: _Networks, before: list[str], after: list[str]) -> Iterator[Risk]:
    known = [network for name in before if (network := _network(name))]
    wider = [name for name in after if name not in before and not _is_within(name, known)]
    wide = [name for name in wider if (found := _network(name)) and _is_wide(found)]
    if wide:
        share = sum(2.0**-network.prefixlen for name in wide if (network := _network(name)))
        text = f"opens {each.what} to {min(share, 1):.2g} of the internet: {', '.join(wide)}"
        yield Risk(Level.HIGH, text, "", change.urn)
    if rest := [name for name in wider if name not in wide]:
        yield Risk(Level.MEDIUM, _further(each.what, rest), "", change.urn)


def _further(what: str, networks: list[str]) -> str:
    return f"lets further networks reach {what}: {', '.join(networks)}"


def namespaces(diff: StackDiff) -> Iterator[Risk]:
    for change in _of_components(diff):
        before, after = _sides(change, "allowed_namespaces")
        if before and not after:
            text = "lets the pods of every namespace call the service"
            yield Risk(Level.HIGH, text, f"Before: {', '.join(before)}.", change.urn)
        elif further := [name for name in after if before and name not in before]:
            text = f"lets the pods of further namespaces call the service: {', '.join(further)}"
            yield Risk(Level.MEDIUM, text, "", change.urn)


def addresses(diff: StackDiff) -> Iterator[Risk]:
    """Yield what gets public addresses that it did not have."""
    for change in _of_components(diff):
        egress, nodes = change.change_of("egress"), change.change_of("private_nodes")
        if egress and egress.before == "endpoints":
            yield Risk(Level.HIGH, "gives every task a public address", "Before they had none.", change.urn)
        if nodes and nodes.before is not False and nodes.after is False:
            yield Risk(Level.HIGH, "gives every node a public address", "Before they had none.", change.urn)


def policies(diff: StackDiff) -> Iterator[Risk]:
    """Yield the network policies that go without another in their place."""
    for change in diff.resources:
        if diff.after is not None and is_policy_gone(change) and not _go_too(diff, change):
            text = f"deletes {change.name}: nothing limits who calls the pods, and whom they call"
            yield Risk(Level.HIGH, text, "", change.urn)


def _go_too(diff: StackDiff, policy: ResourceChange) -> bool:
    """Return whether the pods that a policy selects are deleted with it."""
    selected = at(policy.resource.inputs, "spec", "podSelector", "matchLabels")
    return any(
        at(each.resource.inputs, "spec", "selector", "matchLabels") == selected
        for each in diff.resources
        if each.type == DEPLOYMENT and each.action is Action.DELETE
    )


def is_policy_gone(change: ResourceChange) -> bool:
    return change.type == NETWORK_POLICY and change.action is Action.DELETE


def members(diff: StackDiff) -> Iterator[Risk]:
    """Yield the members that stand for whoever opens an account."""
    for change in _of_components(diff):
        before, after = _sides(change, "invokers")
        for member in after:
            domain = member.removeprefix("domain:").lower()
            if member not in before and member.startswith("domain:") and domain in MAIL_DOMAINS:
                text = f"lets everybody with an account of {domain} call the service"
                yield Risk(Level.HIGH, text, "Anybody gets such an account.", change.urn)


def _of_components(diff: StackDiff) -> Iterator[ResourceChange]:
    """Yield the components that were there before, with the arguments that they record."""
    for change in diff.resources:
        is_component = change.type.startswith("slipway:")
        if is_component and change.before and change.after and change.action is not Action.SAME:
            yield change


def _sides(change: ResourceChange, argument: str) -> tuple[list[str], list[str]]:
    before, after = (
        [str(item) for item in items_at(side.inputs if side else {}, argument)]
        for side in (change.before, change.after)
    )
    return before, after


def _network(text: Any) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(str(text), strict=False)
    except ValueError:
        return None  # a prefix list or a security group


def _is_wide(network: IPv4Network | IPv6Network) -> bool:
    return network.prefixlen <= _WIDE_PREFIX and not network.is_private


def _is_within(text: str, known: list[IPv4Network | IPv6Network]) -> bool:
    network = _network(text)
    return any(
        (isinstance(network, IPv4Network) and isinstance(each, IPv4Network) and network.subnet_of(each))
        or (isinstance(network, IPv6Network) and isinstance(each, IPv6Network) and network.subnet_of(each))
        for each in known
    )
