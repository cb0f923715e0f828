"""Who sent a request, for its log line: the client's address as far as it may be shown, and its trace.

The address that a proxy reports counts only where the proxy is trusted, because anybody can send the header.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal, NamedTuple

Shown = Literal["network", "full", "none"]
Network = IPv4Network | IPv6Network
# Such a network holds some hundreds of clients, or one site: what is needed against abuse, and no person.
SHOWN_BITS = {4: 24, 6: 48}
# w3.org/TR/trace-context, section 3.2: version ff is invalid, and so are ids of zeros.
TRACEPARENT = re.compile(
    rb"(?!ff)[0-9a-f]{2}-((?!0{32})[0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?"
)
MAX_HOPS = 20
Headers = Sequence[tuple[bytes, bytes]]


class Clients:
    """Reads the address of a client. trusted: the proxies whose word counts."""

    def __init__(self, trusted: Sequence[Network], shown: Shown) -> None:
        self._trusted = trusted
        self._shown = shown
        # Most requests come from few addresses, so that this costs a look-up; it holds no more than these.
        self._of_peer = lru_cache(maxsize=1024)(self._shown_address)
        self._is_proxy = lru_cache(maxsize=1024)(self._is_trusted)

    def address(self, peer: str, headers: Headers) -> str | None:
        """Return the client's address, or its network; None where it is not shown or not known."""
        if self._shown == "none":
            return None
        if self._trusted and self._is_proxy(peer):
            peer = self._behind(peer, headers)
        return self._of_peer(peer)

    def _behind(self, peer: str, headers: Headers) -> str:
        """Return the last address that no trusted proxy has, from the server outwards."""
        sent = b",".join(value for name, value in headers if name == b"x-forwarded-for")
        hops = [hop.strip().decode("latin-1") for hop in sent.split(b",")[-MAX_HOPS:]]
        for hop in reversed(hops):
            if self._shown_address(hop) is None:  # no address: whoever wrote it is the last that is known
                break
            peer = hop
            if not self._is_trusted(hop):
                break
        return peer

    def _is_trusted(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._trusted)

    def _shown_address(self, address: str) -> str | None:
        try:
            found = ip_address(address)
        except ValueError:
            return None
        if self._shown == "full":
            return str(found)
        return str(ip_network(f"{found}/{SHOWN_BITS[found.version]}", strict=False))


class TraceContext(NamedTuple):
    """The caller's trace. parent_id: its span."""

    trace_id: str
    parent_id: str
    is_sampled: bool


def trace_context(headers: Headers) -> TraceContext | None:
    """Return what a valid traceparent header says; None without one."""
    for name, value in headers:
        if name == b"traceparent":
            match = TRACEPARENT.fullmatch(value)
            if match is None:
                return None
            return TraceContext(match[1].decode(), match[2].decode(), bool(int(match[3], 16) & 1))
    return None


def networks(text: str) -> tuple[Network, ...]:
    """Read addresses and networks, separated by commas. Raises ValueError with what is wrong."""
    return tuple(ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
