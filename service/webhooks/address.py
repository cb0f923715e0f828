"""Where a webhook may go: an https address on a host that the service names, and a public IP address.

The name is checked when a job is accepted, the IP address each time before a connection is made.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

_ADDRESS = re.compile(
    r"https://(?P<host>[A-Za-z0-9.-]{1,253})(?::(?P<port>[0-9]{1,5}))?(?P<target>/[!-\"$-~]*)?(?P<rest>.*)",
    re.DOTALL,
)
HTTPS_PORT = 443
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What is no host of the public internet: the registries of special-purpose addresses, RFC 6890 and its
# updates (iana.org/assignments/iana-ipv4-special-registry), multicast and class E. Azure's metadata service
# has an address that looks public: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24"),
            *("192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        ),
    )
)
# Of IPv6 only 2000::/3 is assigned to hosts: that leaves out loopback, mapped and translated IPv4 (::/8,
# 64:ff9b::/96, 64:ff9b:1::/48), private, link-local and multicast ones. Within it: protocols (Teredo,
# ORCHID), documentation, 6to4, and AS112.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        ipaddress.IPv6Network,
        ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
    )
)


@dataclass(frozen=True, slots=True)
class WebhookAddress:
    """A checked address. target: path and query."""

    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address. Raises ValueError with what is wrong, as the end of a sentence about it."""
        if not text.startswith("https://"):
            raise ValueError("is no https address")
        found = _ADDRESS.fullmatch(text)
        if found is None or found["rest"]:
            raise ValueError(
                "is not https://host/path in ASCII, without a login, an IP address in brackets or a fragment"
            )
        port = int(found["port"] or HTTPS_PORT)
        if not 1 <= port <= 65535:
            raise ValueError("has a port that is none")
        return cls(found["host"].lower(), port, found["target"] or "/")

    @property
    def authority(self) -> str:
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def webhook_fault(text: str, hosts: Sequence[str]) -> str:
    """Return what is wrong with an address, as the end of a sentence about it; '' if nothing is."""
    if not hosts:
        return "is given, and this service calls no host (JOBS_WEBHOOK_HOSTS)"
    try:
        address = WebhookAddress.parse(text)
    except ValueError as error:
        return str(error)
    if address.host not in {each.lower() for each in hosts}:
        return f"is not on a host of this service; allowed: {', '.join(hosts)}"
    return ""


def is_public(text: str) -> bool:
    """Return whether an IP address is that of a host of the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _PUBLIC_6 and not any(address in network for network in _NOT_PUBLIC_6)
