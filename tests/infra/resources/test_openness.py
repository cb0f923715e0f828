"""The policy and the risks of a change agree on what is open, because one function says it."""

from typing import Any

import pytest

from slipway.infra.policy.checks import Context, public
from slipway.infra.resources.table import ways_in
from tests.infra.plain import resource

SERVICE = "kubernetes:core/v1:Service"
GROUP = "aws:ec2/securityGroup:SecurityGroup"


def balancer(annotations: dict[str, str] | None = None, ranges: list[str] | None = None) -> dict[str, Any]:
    spec = {"type": "LoadBalancer", **({"loadBalancerSourceRanges": ranges} if ranges else {})}
    return {"spec": spec, "metadata": {"annotations": annotations or {}}}


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (SERVICE, balancer({"networking.gke.io/load-balancer-type": "Internal"})),
        (SERVICE, balancer({"service.beta.kubernetes.io/aws-load-balancer-internal": "true"})),
        (SERVICE, balancer({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internal"})),
        (SERVICE, balancer({"service.beta.kubernetes.io/azure-load-balancer-internal": "true"})),
        (SERVICE, balancer(ranges=["10.0.0.0/8"])),
        (SERVICE, {"spec": {"type": "ClusterIP"}}),
        (GROUP, {"ingress": [{"fromPort": 443, "cidrBlocks": ["10.0.0.0/8"]}]}),
    ],
)
def test_what_is_internal_or_limited_is_open_to_nobody(type_: str, inputs: dict[str, Any]) -> None:
    assert list(ways_in(resource(type_, inputs))) == []
    assert list(public(resource(type_, inputs), Context())) == []


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (SERVICE, balancer()),
        (SERVICE, balancer({"service.beta.kubernetes.io/aws-load-balancer-scheme": "internet-facing"})),
        (SERVICE, balancer({"example.com/note": "internal"})),
        (SERVICE, balancer(ranges=["0.0.0.0/0"])),
        (SERVICE, balancer(ranges=["0.0.0.0/1", "128.0.0.0/1"])),
        (GROUP, {"ingress": [{"fromPort": 443, "ipv6CidrBlocks": ["::/0"]}]}),
        ("gcp:cloudrunv2/serviceIamMember:ServiceIamMember", {"member": "allUsers"}),
        ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", {"cidrIpv4": "0.0.0.0/0"}),
    ],
)
def test_what_lets_everybody_in_is_open(type_: str, inputs: dict[str, Any]) -> None:
    assert len(list(ways_in(resource(type_, inputs)))) == 1
    assert len(list(public(resource(type_, inputs), Context()))) == 1
    assert list(public(resource(type_, inputs), Context(public=True))) == []
