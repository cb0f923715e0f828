"""What an Ingress' annotations let in: its controller obeys them, and no other setting says the same."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, cast

from slipway.infra.diff.model import StackDiff
from slipway.infra.diff.paths import ABSENT, Change
from slipway.infra.diff.risk import Level, Risk
from slipway.infra.resources.kubernetes import INGRESS

_ANNOTATIONS = "metadata.annotations."
# kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations,
# kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/ingress/annotations,
# haproxy.org's ingress controller: lists of networks that are let in.
_RANGES = frozenset({"whitelist-source-range", "allowlist-source-range", "inbound-cidrs", "allow-list"})
# Who is let in apart from networks, and what a request must pass.
_GUARDS = frozenset(
    {
        *(
            "auth-url",
            "auth-type",
            "auth-secret",
            "auth-tls-secret",
            "auth-tls-verify-client",
            "auth-idp-oidc",
        ),
        *("security-groups", "wafv2-acl-arn", "waf-acl-id", "enable-modsecurity", "router.middlewares"),
        *("ssl-redirect", "force-ssl-redirect", "denylist-source-range", "deny-list"),
    }
)
_SCHEME, _PUBLIC = "scheme", "internet-facing"


def ingress(diff: StackDiff) -> Iterator[Risk]:
    """Yield the guards of an Ingress that go, and the networks that it lets in from now on."""
    for change in diff.resources:
        if change.type != INGRESS or change.before is None or change.after is None:
            continue
        for each in change.changes:
            for text in _openings(each):
                yield Risk(Level.HIGH, text, f"By an annotation of {change.name}.", change.urn)


def _openings(change: Change) -> Iterator[str]:
    if not change.path.startswith(_ANNOTATIONS):
        yield from _openings_of_all(change)
        return
    annotation = change.path.removeprefix(_ANNOTATIONS)
    name = annotation.rpartition("/")[2]
    if change.after is ABSENT and name in _RANGES:
        yield f"lets every network through the Ingress: `{annotation}` is gone, which let in {change.before}"
    elif change.after is ABSENT and name in _GUARDS:
        yield f"takes a guard off the Ingress: `{annotation}`"
    elif name in _RANGES and (wider := _wider(str(change.before), str(change.after))):
        yield f"lets further networks through the Ingress: {', '.join(wider)}"
    elif name == _SCHEME and change.after == _PUBLIC:
        yield "gives the Ingress public addresses"
    elif name in _GUARDS and str(change.after).lower() in ("false", "off", "none", ""):
        yield f"takes a guard off the Ingress: `{annotation}`"


def _openings_of_all(change: Change) -> Iterator[str]:
    """Yield what goes with all annotations."""
    if change.path == _ANNOTATIONS.removesuffix(".") and change.after is ABSENT:
        before = cast("dict[str, Any]", change.before or {})
        for name, value in before.items():
            yield from _openings(Change(_ANNOTATIONS + name, value, ABSENT))


def _wider(before: str, after: str) -> list[str]:
    """Return the networks of a list with commas that are within none of another list."""
    known = [network for text in before.split(",") if (network := _network(text))]
    names = [name for text in after.split(",") if (name := text.strip())]
    return [name for name in names if not any(_is_within(_network(name), each) for each in known)]


def _is_within(one: IPv4Network | IPv6Network | None, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.subnet_of(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.subnet_of(other)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        return None
