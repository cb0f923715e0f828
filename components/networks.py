"""What IP networks cover together. Pure."""

import ipaddress
from collections.abc import Iterable

_OF_A_VERSION = (ipaddress.IPv4Network, ipaddress.IPv6Network)


def cover_everyone(cidrs: Iterable[object]) -> bool:
    """Return whether the networks hold every address of a version of IP, however they are divided.

    cidrs: what is no network counts for nothing.
    """
    found = [network for cidr in cidrs if (network := _network(cidr)) is not None]
    for kind in _OF_A_VERSION:
        merged = ipaddress.collapse_addresses([network for network in found if isinstance(network, kind)])
        if any(network.prefixlen == 0 for network in merged):
            return True
    return False


def _network(cidr: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(cidr) if isinstance(cidr, str) else None
    except ValueError:
        return None
