"""What IP networks cover together. Pure."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network


def cover_everyone(cidrs: Iterable[object]) -> bool:
    """Return whether the networks hold every address of a version of IP, however they are divided.

    cidrs: what is no network counts for nothing.
    """
    found = [network for cidr in cidrs if (network := _network(cidr)) is not None]
    of_version_4 = [network for network in found if isinstance(network, IPv4Network)]
    of_version_6 = [network for network in found if isinstance(network, IPv6Network)]
    merged = [*collapse_addresses(of_version_4), *collapse_addresses(of_version_6)]
    return any(network.prefixlen == 0 for network in merged)


def _network(cidr: object) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(cidr) if isinstance(cidr, str) else None
    except ValueError:
        return None
