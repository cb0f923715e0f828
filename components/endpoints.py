"""The addresses that a service's environment tells the server to call, for the rules that let it out. Pure.

A target with a network rule of its own opens the port of each: an object store of one's own in
`AWS_ENDPOINT_URL=http://minio:9000`, or a proxy in `HTTPS_PROXY=http://proxy:3128`.
"""

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import pulumi

# RFC 9110 and RFC 1928; a proxy without a scheme is one by HTTP, whose port curl.se/docs/manpage.html gives.
_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}
_PROXY_PORT = 1080
_PROXY, _NO_PROXY = "_PROXY", "NO_PROXY"
# How the names of addresses end; their values may be known only later.
_ADDRESS_NAMES = ("_URL", "_URI", "_ENDPOINT", "_PROXY", "_HOST")


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """port: of TCP. address: the IP address of its host; '' for a name. name: else its name."""

    port: int
    address: str = ""
    name: str = ""

    @property
    def network(self) -> str:
        """Return the network of that one address, such as `10.0.0.7/32`; '' for a name."""
        return str(ipaddress.ip_network(self.address)) if self.address else ""


def endpoints_of(env: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """Return the endpoints outside the server's own machine, each once. env: name -> value."""
    return tuple(sorted({found for name, value in env.items() for found in _endpoints(name, value)}))


def later_address_warnings(env: Mapping[str, pulumi.Input[str]], rules: str) -> Iterator[str]:
    """Warn of addresses whose values are known too late for a rule. rules: what would have it."""
    for name, value in sorted(env.items()):
        if not isinstance(value, str) and name.upper().endswith(_ADDRESS_NAMES):
            yield (
                f"`env` has {name}, whose value is known only later: {rules} has no rule for its port. Give "
                "a plain string, or an address on port 443."
            )


def _endpoints(name: str, value: str) -> Iterator[Endpoint]:
    upper = name.upper()
    is_proxy = upper.endswith(_PROXY) and upper != _NO_PROXY
    if value and "://" not in value and is_proxy:
        value = f"//{value}"
    if "//" not in value:
        return
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return
    port = port or _PORTS.get(parts.scheme) or (_PROXY_PORT if is_proxy else None)
    if not host or port is None or host == "localhost":
        return
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        yield Endpoint(port, name=host)
        return
    if not address.is_loopback:
        yield Endpoint(port, str(address))
