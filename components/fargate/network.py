"""The network of a service: an existing one, or a small new one without the cost of a NAT gateway.

In a new one the load balancer's subnets are public. The tasks are there too, each with a public address and
a security group that admits only the load balancer; or in private subnets without access to the internet,
with VPC endpoints for what they need of AWS. docs/guides/fargate.md compares the costs of the two.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from ..aws.secrets import is_parameter
from ..fault import Fault
from ..inputs import ApplyError
from .args import Egress
from .limits import SUBNET_BITS, ZONE_LETTERS
from .spec import FargateSpec, SubnetIds

# docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html; an image's layers come from S3.
_INTERFACES = ("ecr.api", "ecr.dkr", "logs", "secretsmanager")
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Ways:
    """Where the tasks may connect on port 443: networks, prefix lists, security groups."""

    cidrs: tuple[str, ...] = ()
    prefix_lists: tuple[pulumi.Input[str], ...] = ()
    security_groups: tuple[pulumi.Input[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """The network of a service. subnets: of the load balancer. made: what a task must wait for."""

    vpc_id: pulumi.Input[str]
    subnets: pulumi.Input[Sequence[pulumi.Input[str]]]
    task_subnets: pulumi.Input[Sequence[pulumi.Input[str]]]
    public_address: bool
    ways: Ways
    made: tuple[pulumi.Resource, ...] = ()


def network_of(spec: FargateSpec, parent: pulumi.Resource) -> Network:
    if spec.vpc_id is not None:
        tasks = spec.subnet_ids if spec.task_subnet_ids == () else spec.task_subnet_ids
        vpc_id = _in_one_vpc(spec.name, spec.vpc_id, (spec.subnet_ids, spec.task_subnet_ids))
        return Network(vpc_id, spec.subnet_ids, tasks, spec.assign_public_ip, Ways((EVERYWHERE,)))
    return _Own(spec, parent).network()


def _in_one_vpc(name: str, vpc_id: pulumi.Input[str], subnets: Iterable[SubnetIds]) -> pulumi.Input[str]:
    """Return the VPC, failing at apply time if a subnet created by the same program is in another one.

    Plain IDs say nothing about their VPC; of those AWS refuses the load balancer.
    """
    made = [output for ids in subnets for output in _outputs_of(ids)]
    if not made:
        return vpc_id

    async def theirs() -> list[pulumi.Output[str]]:
        resources = [resource for subnet in made for resource in await subnet.resources()]
        return [resource.vpc_id for resource in resources if isinstance(resource, aws.ec2.Subnet)]

    def check(ids: list[str]) -> str:
        mine, *others = ids
        if elsewhere := sorted(set(others) - {mine}):
            reason = f", and subnets are in {', '.join(elsewhere)}"
            fault = Fault("vpc_id", mine, "all subnets of a service must be in its VPC", reason)
            raise ApplyError(f"{name}: {fault}")
        return mine

    found = cast("pulumi.Output[list[pulumi.Output[str]]]", pulumi.Output.from_input(theirs()))
    return found.apply(lambda ids: pulumi.Output.all(vpc_id, *ids)).apply(check)


def _outputs_of(ids: SubnetIds) -> list[pulumi.Output[Any]]:
    """Return the IDs that are known only at apply time."""
    if isinstance(ids, tuple):
        return [subnet for subnet in ids if isinstance(subnet, pulumi.Output)]
    return [pulumi.Output.from_input(ids)]


class _Own:
    """A network that is created here, part by part."""

    def __init__(self, spec: FargateSpec, parent: pulumi.Resource) -> None:
        self._spec = spec
        self._options = pulumi.ResourceOptions(parent=parent)
        self._cidrs = list(ipaddress.IPv4Network(spec.vpc_cidr).subnets(SUBNET_BITS))
        self._vpc = aws.ec2.Vpc(
            f"{spec.name}-vpc",
            region=spec.region,
            cidr_block=spec.vpc_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
            # Another VPC means another load balancer, which protection refuses too late to take the VPC back.
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(protect=spec.deletion_protection)
            ),
        )
        # Every VPC comes with a group that lets everything in it through, until it has no rules.
        aws.ec2.DefaultSecurityGroup(
            f"{spec.name}-default-group", region=spec.region, vpc_id=self._vpc.id, opts=self._options
        )

    def network(self) -> Network:
        spec = self._spec
        public, routes = self._public_subnets()
        if spec.egress is Egress.PUBLIC_ADDRESS:
            return Network(self._vpc.id, public, public, True, Ways((EVERYWHERE,)), tuple(routes))
        private, table = self._private_subnets()
        ways, endpoints = self._endpoints(private, table)
        return Network(self._vpc.id, public, private, False, ways, (*routes, *endpoints))

    def _tags(self, role: str) -> dict[str, str]:
        """Return the tags of one part; the AWS console shows its tag `Name`."""
        return {**self._spec.service.labels, "Name": f"{self._spec.name}-{role}"}

    def _public_subnets(self) -> tuple[list[pulumi.Output[str]], list[pulumi.Resource]]:
        spec = self._spec
        gateway = aws.ec2.InternetGateway(
            f"{spec.name}-gateway",
            region=spec.region,
            vpc_id=self._vpc.id,
            tags=self._tags("gateway"),
            opts=self._options,
        )
        table = self._route_table("public")
        route = aws.ec2.Route(
            f"{spec.name}-public-route",
            region=spec.region,
            route_table_id=table.id,
            destination_cidr_block=EVERYWHERE,
            gateway_id=gateway.id,
            opts=self._options,
        )
        subnets, associations = self._subnets("public", table)
        return subnets, [route, *associations]

    def _private_subnets(self) -> tuple[list[pulumi.Output[str]], aws.ec2.RouteTable]:
        table = self._route_table("private")
        subnets, _ = self._subnets("private", table)
        return subnets, table

    def _route_table(self, kind: str) -> aws.ec2.RouteTable:
        return aws.ec2.RouteTable(
            f"{self._spec.name}-{kind}-routes",
            region=self._spec.region,
            vpc_id=self._vpc.id,
            tags=self._tags(kind),
            opts=self._options,
        )

    def _subnets(
        self, kind: str, table: aws.ec2.RouteTable
    ) -> tuple[list[pulumi.Output[str]], list[pulumi.Resource]]:
        """Create one subnet per zone, named for it, and return their IDs and associations.

        A subnet keeps its range when other zones are added or removed.
        """
        spec = self._spec
        subnets: list[pulumi.Output[str]] = []
        associations: list[pulumi.Resource] = []
        for zone in spec.zones:
            subnet = aws.ec2.Subnet(
                f"{spec.name}-{kind}-{zone}",
                region=spec.region,
                vpc_id=self._vpc.id,
                availability_zone=zone,
                cidr_block=str(self._cidrs[place_of(kind, zone)]),
                map_public_ip_on_launch=False,
                tags=self._tags(f"{kind}-{zone}"),
                opts=pulumi.ResourceOptions.merge(
                    self._options, pulumi.ResourceOptions(ignore_changes=["cidrBlock"])
                ),
            )
            associations.append(
                aws.ec2.RouteTableAssociation(
                    f"{spec.name}-{kind}-{zone}-routes",
                    region=spec.region,
                    subnet_id=subnet.id,
                    route_table_id=table.id,
                    opts=self._options,
                )
            )
            subnets.append(subnet.id)
        return subnets, associations

    def _endpoints(
        self, subnets: list[pulumi.Output[str]], table: aws.ec2.RouteTable
    ) -> tuple[Ways, list[pulumi.Resource]]:
        spec = self._spec
        group = aws.ec2.SecurityGroup(
            f"{spec.name}-endpoint-group",
            region=spec.region,
            description=f"Endpoints of the inference service {spec.name}",
            vpc_id=self._vpc.id,
            tags=self._tags("endpoints"),
            opts=self._options,
        )
        rule = aws.vpc.SecurityGroupIngressRule(
            f"{spec.name}-endpoint-ingress",
            region=spec.region,
            security_group_id=group.id,
            cidr_ipv4=spec.vpc_cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            opts=self._options,
        )
        storage = aws.ec2.VpcEndpoint(
            f"{spec.name}-s3-endpoint",
            region=spec.region,
            vpc_id=self._vpc.id,
            service_name=_service_name(spec.region, "s3"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            tags=self._tags("s3"),
            opts=self._options,
        )
        interfaces = [
            aws.ec2.VpcEndpoint(
                f"{spec.name}-{service}-endpoint",
                region=spec.region,
                vpc_id=self._vpc.id,
                service_name=_service_name(spec.region, service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=subnets,
                security_group_ids=[group.id],
                tags=self._tags(service),
                opts=self._options,
            )
            for service in _interfaces(spec)
        ]
        ways = Ways(prefix_lists=(storage.prefix_list_id,), security_groups=(group.id,))
        return ways, [rule, storage, *interfaces]


def _interfaces(spec: FargateSpec) -> tuple[str, ...]:
    """Return the AWS services that the tasks call without access to the internet, apart from S3."""
    parameters = any(is_parameter(reference) for reference in spec.service.secrets.values())
    return (*_INTERFACES, "ssm") if parameters else _INTERFACES


def place_of(kind: str, zone: str) -> int:
    """Return the position of a zone's `public` or `private` subnet among the ranges of the VPC.

    It is the same whichever zones are named. The first two zones, a and b, have their public ranges first,
    because existing networks were laid out so when there were only two.
    """
    letter = ZONE_LETTERS.index(zone[-1])
    private = int(kind == "private")
    return letter + 2 * private if letter < 2 else 2 * letter + private


def _service_name(region: str, service: str) -> str:
    """Return the name of an AWS service for a VPC endpoint; most of them have another prefix in AWS China."""
    chinese = region.startswith("cn-") and service not in ("s3", "logs", "ssm")
    return f"{'cn.' if chinese else ''}com.amazonaws.{region}.{service}"
