from typing import Any

import pulumi
import pulumi_aws as aws
import pytest

from slipway.components.fargate import Egress, FargateService
from tests.components.fargate.emitted import emitted, emitted_now, names_of
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.fargate_cases import (
    EXISTING,
    PLAIN,
    SECURE,
    SHARED,
    SUBNETS,
)


def test_only_listed_networks_get_to_the_load_balancer() -> None:
    def open_to(**args: Any) -> set[tuple[Any, Any]]:
        rules = emitted(**args).of_type(aws.vpc.SecurityGroupIngressRule)
        return {(r.inputs["cidrIpv4"], r.inputs["fromPort"]) for r in rules if "cidrIpv4" in r.inputs}

    assert open_to() == set()
    assert open_to(allowed_cidrs=["10.0.0.0/8"]) == {("10.0.0.0/8", 80)}
    assert open_to(public=True, **SECURE) == {("0.0.0.0/0", 80), ("0.0.0.0/0", 443)}


def test_the_tasks_let_in_the_load_balancer_alone() -> None:
    made = emitted(public=True)
    balancer = made.named("api-task-ingress").inputs["referencedSecurityGroupId"]
    assert [balancer] == made.named("api-balancer").inputs["securityGroups"]
    assert "cidrIpv4" not in made.named("api-task-ingress").inputs
    assert (
        emitted(**SHARED).named("api-task-ingress").inputs["referencedSecurityGroupId"]
        == (SHARED["listener_security_group_id"])
    )


def test_with_a_certificate_http_only_redirects() -> None:
    made = emitted(**SECURE)
    assert made.named("api-https-listener").inputs["certificateArn"] == SECURE["certificate_arn"]
    [plain] = made.named("api-http-listener").inputs["defaultActions"]
    assert (plain["type"], plain["redirect"]["protocol"]) == ("redirect", "HTTPS")
    assert made.outputs["url"] == "https://api.example.com"
    address = made.named("api-balancer").inputs["name"] + "-1234567890.eu-west-1.elb.amazonaws.com"
    assert made.outputs["domain_records"] == [f"CNAME api.example.com {address}."]
    name = made.named("api-balancer").inputs["name"]
    assert made.outputs["load_balancer"].startswith(f"app/{name}/")
    assert emitted(**SHARED).outputs["load_balancer"] == "app/shared/0123456789abcdef"


def test_http_redirects_only_once_https_is_open() -> None:
    made = emitted(public=True, **SECURE)
    before = names_of(made.named("api-http-listener").dependencies)
    assert {"api-https-listener", "api-balancer-0.0.0.0/0-443-ingress"} <= before


def test_a_zone_has_its_ranges_whichever_others_are_named() -> None:
    def ranges(zones: str) -> dict[str, str]:
        named = [f"eu-west-1{zone}" for zone in zones]
        subnets = emitted(zones=named, egress=Egress.ENDPOINTS).of_type(aws.ec2.Subnet)
        return {subnet.name: subnet.inputs["cidrBlock"] for subnet in subnets}

    # As they were when only the first two zones could be meant.
    assert ranges("ab") == {
        "api-public-eu-west-1a": "10.0.0.0/20",
        "api-public-eu-west-1b": "10.0.16.0/20",
        "api-private-eu-west-1a": "10.0.32.0/20",
        "api-private-eu-west-1b": "10.0.48.0/20",
    }
    every = {**ranges("abcdef"), **ranges("gh")}
    assert len(set(every.values())) == len(every) == 16
    for zones in ("bc", "cab", "fh"):
        assert ranges(zones).items() <= every.items()


def test_without_one_the_url_is_the_load_balancers() -> None:
    made = emitted()
    name = made.named("api-balancer").inputs["name"]
    assert made.outputs["url"] == f"http://{name}-1234567890.eu-west-1.elb.amazonaws.com"
    assert made.outputs["domain_records"] == []


def test_an_existing_listener_gets_a_rule_for_the_domain_and_its_paths() -> None:
    rule = (
        emitted(**SHARED, listener_paths=["/predict"], listener_priority=7).named("api-listener-rule").inputs
    )
    assert rule["conditions"] == [
        {"hostHeader": {"values": ["api.example.com"]}},
        {"pathPattern": {"values": ["/predict"]}},
    ]
    assert (rule["listenerArn"], rule["priority"]) == (SHARED["listener_arn"], 7)
    assert "priority" not in emitted(**SHARED).named("api-listener-rule").inputs
    assert emitted(**SHARED).outputs["url"] == "https://api.example.com"


def test_the_load_balancer_waits_as_long_as_a_request_may_take() -> None:
    assert emitted(request_timeout_seconds=300).named("api-balancer").inputs["idleTimeout"] == 310
    targets = emitted(request_timeout_seconds=300).named("api-targets").inputs
    assert (targets["targetType"], targets["deregistrationDelay"]) == ("ip", 300)
    assert targets["healthCheck"]["path"] == "/ready"


def test_a_slow_start_brings_its_algorithm() -> None:
    def algorithm(**args: Any) -> tuple[Any, Any]:
        targets = emitted(**args).named("api-targets").inputs
        return targets["loadBalancingAlgorithmType"], targets["slowStart"]

    assert algorithm() == ("least_outstanding_requests", 0)
    assert algorithm(slow_start_seconds=60) == ("round_robin", 60)


def test_a_network_of_its_own_has_no_nat_gateway_and_two_ways_out() -> None:
    public, endpoints = emitted(), emitted(egress=Egress.ENDPOINTS)
    for made in (public, endpoints):
        assert not [r for r in made.resources if "nat" in r.type.lower()]
        assert {r.inputs["availabilityZone"] for r in made.of_type(aws.ec2.Subnet)} == {
            "eu-west-1a",
            "eu-west-1b",
        }
    assert public.named("api-service").inputs["networkConfiguration"]["assignPublicIp"] is True
    assert endpoints.named("api-service").inputs["networkConfiguration"]["assignPublicIp"] is False
    assert {r.inputs["serviceName"].split(".", 3)[3] for r in endpoints.of_type(aws.ec2.VpcEndpoint)} == {
        "ecr.api",
        "ecr.dkr",
        "logs",
        "s3",
        "secretsmanager",
    }
    assert not [
        r
        for r in endpoints.of_type(aws.vpc.SecurityGroupEgressRule)
        if r.inputs.get("cidrIpv4") == "0.0.0.0/0"
    ]


def test_an_existing_network_is_used_and_left_alone() -> None:
    made = emitted(**EXISTING)
    assert not made.of_type(aws.ec2.Vpc)
    assert not made.of_type(aws.ec2.Subnet)
    assert made.named("api-balancer").inputs["subnets"] == SUBNETS
    network = made.named("api-service").inputs["networkConfiguration"]
    assert (network["subnets"], network["assignPublicIp"]) == (SUBNETS, True)
    apart = emitted(**EXISTING, task_subnet_ids=["subnet-0a1b2c3d", "subnet-0a1b2c3e"])
    network = apart.named("api-service").inputs["networkConfiguration"]
    assert (network["subnets"], network["assignPublicIp"]) == (["subnet-0a1b2c3d", "subnet-0a1b2c3e"], False)


def own_network(*zones_of_vpcs: int, as_one_output: bool = False) -> Emitted:
    """Plan a service in subnets that the program creates: in the first VPC, or in those numbered."""

    def program() -> None:
        vpcs = [aws.ec2.Vpc(f"vpc-{i}", cidr_block=f"10.{i}.0.0/16", region="eu-west-1") for i in range(2)]
        subnets = [
            aws.ec2.Subnet(
                f"subnet-{i}", vpc_id=vpcs[vpc].id, cidr_block=f"10.{vpc}.{i}.0/24", region="eu-west-1"
            )
            for i, vpc in enumerate(zones_of_vpcs)
        ]
        ids = [subnet.id for subnet in subnets]
        given = {"vpc_id": vpcs[0].id, "subnet_ids": pulumi.Output.all(*ids) if as_one_output else ids}
        FargateService("api", {**PLAIN, **given})  # pyright: ignore[reportArgumentType]

    return emitted_by(program)


def test_subnets_of_the_program_may_be_given() -> None:
    made = own_network(0, 0)
    assert (
        made.named("api-service").inputs["networkConfiguration"]["subnets"]
        == (made.named("api-balancer").inputs["subnets"])
    )


def test_subnets_of_two_vpcs_are_refused_before_anything_is_in_them() -> None:
    said = r"api: vpc_id is vpc-\w+, and subnets are in vpc-\w+; all subnets of a service must be in its VPC"
    for as_one_output in (False, True):
        with pytest.raises(Exception, match=said):
            own_network(0, 1, as_one_output=as_one_output)


def test_subnets_may_be_one_output() -> None:
    """As a component that makes a VPC has them."""
    made = own_network(0, 0, as_one_output=True)
    subnets = made.named("api-balancer").inputs["subnets"]
    network = made.named("api-service").inputs["networkConfiguration"]
    assert len(subnets) == 2
    assert (network["subnets"], network["assignPublicIp"]) == (subnets, True)


def test_subnets_of_the_tasks_may_be_one_output() -> None:
    apart = ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]
    made = emitted_now(**EXISTING, task_subnet_ids=lambda: pulumi.Output.from_input(apart))
    network = made.named("api-service").inputs["networkConfiguration"]
    assert (network["subnets"], network["assignPublicIp"]) == (apart, False)
    assert made.named("api-balancer").inputs["subnets"] == SUBNETS


def test_paths_of_a_listener_may_be_known_later() -> None:
    made = emitted_now(**SHARED, listener_paths=lambda: ["/v1/*", pulumi.Output.from_input("/predict")])
    conditions = made.named("api-listener-rule").inputs["conditions"]
    assert conditions[1] == {"pathPattern": {"values": ["/v1/*", "/predict"]}}


@pytest.mark.parametrize("argument", ["zones", "vpc_cidr", "allowed_cidrs", "region", "domain"])
def test_an_output_is_refused_where_an_argument_decides_what_is_made(argument: str) -> None:
    with pytest.raises(Exception, match=f"{argument} is an Output; it must be a plain value"):
        emitted_now(**{argument: lambda: pulumi.Output.from_input("x")})


@pytest.mark.parametrize("egress", list(Egress))
def test_tasks_may_call_what_their_environment_names(egress: Egress) -> None:
    env = {
        "AWS_ENDPOINT_URL": "http://minio.internal:9000",
        "HTTPS_PROXY": "http://10.0.0.7:3128",
        "NOTES": "see https://example.com/",
    }
    rules = emitted(env=env, egress=egress).of_type(aws.vpc.SecurityGroupEgressRule)
    named = {(rule.inputs.get("cidrIpv4"), rule.inputs["toPort"]) for rule in rules}
    assert {("0.0.0.0/0", 9000), ("10.0.0.7/32", 3128)} <= named
    assert {port for _, port in named} <= {443, 8080, 9000, 3128}


def test_tasks_without_the_internet_reach_the_parameters_among_their_secrets() -> None:
    """Source: docs.aws.amazon.com/AmazonECS, vpc-endpoints: `ssm` for parameters of Systems Manager."""

    def endpoints(**secrets: str) -> set[str]:
        made = emitted(egress=Egress.ENDPOINTS, secrets=secrets).of_type(aws.ec2.VpcEndpoint)
        return {endpoint.inputs["serviceName"].removeprefix("com.amazonaws.eu-west-1.") for endpoint in made}

    of_each = {"ecr.api", "ecr.dkr", "logs", "s3", "secretsmanager"}
    assert endpoints() == of_each
    parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/team/token"
    assert endpoints(TOKEN=parameter) == of_each | {"ssm"}
