"""What opens a resource to everybody on the internet. Pure: plain inputs in, phrases out.

What is not known yet opens nothing here; whoever judges says so.
"""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any

from slipway.infra.resources.reading import Resource, at, items_at

EVERYBODY = ("allUsers", "allAuthenticatedUsers")
# A rule may be written in two halves, each of which is open enough.
_WIDEST = 1
_INGRESS_CLASS = ("metadata", "annotations", "kubernetes.io/ingress.class")
# knative.dev/docs/serving/services/private-services
_KNATIVE_PRIVATE = ("metadata", "labels", "networking.knative.dev/visibility")
# Annotations by which a cloud gives a load balancer private addresses alone, and the values that say so:
# cloud.google.com/kubernetes-engine/docs/concepts/service-load-balancer-parameters,
# kubernetes-sigs.github.io/aws-load-balancer-controller, learn.microsoft.com/azure/aks/internal-lb.
_INTERNAL = {
    "networking.gke.io/load-balancer-type": ("internal",),
    "cloud.google.com/load-balancer-type": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-scheme": ("internal",),
    "service.beta.kubernetes.io/aws-load-balancer-internal": ("true", "0.0.0.0/0"),
    "service.beta.kubernetes.io/azure-load-balancer-internal": ("true",),
}


def by_grant(resource: Resource) -> Iterator[str]:
    """Yield the members of a Google grant that stand for everybody."""
    members = [at(resource.inputs, "member"), *items_at(resource.inputs, "members")]
    yield from (f"a grant to {member}" for member in members if member in EVERYBODY)


def by_ingress_rule(resource: Resource) -> Iterator[str]:
    """Yield the networks of one security group rule that are the internet."""
    inputs = resource.inputs
    cidrs = (at(inputs, "cidrIpv4"), at(inputs, "cidrIpv6"))
    port = f" on port {at(inputs, 'fromPort')}" if at(inputs, "fromPort") is not None else ""
    yield from (f"a security group rule for {cidr}{port}" for cidr in cidrs if _is_anywhere([cidr]))


def by_security_group(resource: Resource) -> Iterator[str]:
    """Yield the rules within a security group that let everybody in."""
    for rule in items_at(resource.inputs, "ingress"):
        if _is_anywhere([*items_at(rule, "cidrBlocks"), *items_at(rule, "ipv6CidrBlocks")]):
            yield f"a security group rule for everybody on port {at(rule, 'fromPort')}"


def by_unchecked_invoker(resource: Resource) -> Iterator[str]:
    """Yield it where Cloud Run does not check who calls."""
    if at(resource.inputs, "invokerIamDisabled") is True:
        yield "a check of callers that is off"


def by_authorized_network(resource: Resource) -> Iterator[str]:
    """Yield the networks of a Cloud SQL instance that are the internet, where it has a public address."""
    addresses = at(resource.inputs, "settings", "ipConfiguration")
    if at(addresses, "ipv4Enabled") is False:
        return
    for network in items_at(addresses, "authorizedNetworks"):
        if _is_anywhere([at(network, "value")]):
            yield f"an authorised network {at(network, 'value')}"


def by_direct_connections(resource: Resource) -> Iterator[str]:
    """Yield it where a Cloud SQL instance has a public address that takes more than Google's connectors."""
    settings = at(resource.inputs, "settings")
    is_public = at(settings, "ipConfiguration", "ipv4Enabled") is not False
    if is_public and at(settings, "connectorEnforcement") != "REQUIRED":
        yield "a public address that needs no connector"


def by_ingress_from_everywhere(resource: Resource) -> Iterator[str]:
    """Yield it where a Cloud Run service takes requests from outside Google's network."""
    if at(resource.inputs, "ingress") in (None, "INGRESS_TRAFFIC_ALL"):
        yield "ingress from everywhere"


def by_public_addresses(resource: Resource) -> Iterator[str]:
    """Yield it where a load balancer of AWS has public addresses, whoever its rules let in."""
    if at(resource.inputs, "internal") is not True:
        yield "public addresses of the load balancer"


def by_public_instance(resource: Resource) -> Iterator[str]:
    """Yield it where a database of RDS has a public address, whoever its security groups let in."""
    if at(resource.inputs, "publiclyAccessible") is True:
        yield "a public address of the database"


def by_kubernetes_balancer(resource: Resource) -> Iterator[str]:
    """Yield it where a Kubernetes Service has a load balancer for everybody."""
    if _is_open_balancer(resource.inputs):
        yield "a load balancer without `loadBalancerSourceRanges`"


def by_ingress(resource: Resource) -> Iterator[str]:
    """Yield it where an Ingress has a public address on Google Cloud."""
    if at(resource.inputs, *_INGRESS_CLASS) == "gce":
        yield "an Ingress with a public address"


def by_knative(resource: Resource) -> Iterator[str]:
    """Yield it where Knative gives an InferenceService a public address, as it does by default."""
    if at(resource.inputs, *_KNATIVE_PRIVATE) != "cluster-local":
        yield "an InferenceService with a public address"


def _is_anywhere(cidrs: list[Any]) -> bool:
    """Return whether one of the networks has half of all addresses or more."""
    return any(_prefix(cidr) <= _WIDEST for cidr in cidrs)


def _prefix(cidr: Any) -> int:
    """Return the length of a network's prefix; that of one address where it is no known network."""
    try:
        return ip_network(str(cidr), strict=False).prefixlen
    except ValueError:
        return 128


def _is_open_balancer(inputs: Mapping[str, Any]) -> bool:
    if at(inputs, "spec", "type") != "LoadBalancer":
        return False
    for name, values in _INTERNAL.items():
        if str(at(inputs, "metadata", "annotations", name) or "").lower() in values:
            return False
    ranges = items_at(inputs, "spec", "loadBalancerSourceRanges")
    return not ranges or _is_anywhere(ranges)
