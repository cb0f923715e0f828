"""What EC2 refuses between the parts of a network. DOCS: docs.aws.amazon.com.

Texts of errors: DOCS AWSEC2/latest/APIReference/errors-overview.
"""

import ipaddress
from collections.abc import Iterator, Mapping

from tests.pulumi_engine.strict.account import Account, Request, Rule, Thing, Verb, values_at

# DOCS vpc/latest/userguide/amazon-vpc-limits: inbound or outbound rules per security group.
RULES_PER_GROUP = 60
# DOCS tag-editor/latest/userguide/tagging: tags per resource.
TAGS = 50
_GROUP_RULES = ("vpc.SecurityGroupIngressRule", "vpc.SecurityGroupEgressRule")


def range_inside_its_network(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/subnet-sizing: a subnet's range is a part of its VPC's."""
    if request.verb is Verb.CREATE and (network := account.get(request.inputs["vpcId"])):
        mine = ipaddress.IPv4Network(request.inputs["cidrBlock"])
        if not mine.subnet_of(ipaddress.IPv4Network(network.inputs["cidrBlock"])):
            yield f"InvalidSubnet.Range: The CIDR '{mine}' is invalid."


def range_of_its_own(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/subnet-sizing: the ranges of a VPC's subnets cannot overlap."""
    if request.verb is not Verb.CREATE:
        return
    mine = ipaddress.IPv4Network(request.inputs["cidrBlock"])
    for other in account.of_kind("ec2.Subnet"):
        theirs = ipaddress.IPv4Network(other.inputs["cidrBlock"])
        if other.inputs["vpcId"] == request.inputs["vpcId"] and mine.overlaps(theirs):
            yield f"InvalidSubnet.Conflict: The CIDR '{mine}' conflicts with another subnet"


def network_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS AWSEC2/latest/APIReference/errors-overview: InvalidVpcID.NotFound."""
    if request.verb is Verb.CREATE and account.get(request.inputs["vpcId"]) is None:
        yield f"InvalidVpcID.NotFound: The vpc ID '{request.inputs['vpcId']}' does not exist"


def network_empty(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/delete-vpc: all that is in a VPC is deleted first."""
    if request.verb is not Verb.DELETE or request.thing is None:
        return
    own = ("ec2.Subnet", "ec2.SecurityGroup", "ec2.InternetGateway", "ec2.RouteTable", "ec2.VpcEndpoint")
    inside = [each.name for each in account.of_kind(*own) if each.inputs["vpcId"] == request.thing.id]
    if inside:
        yield f"DependencyViolation: The vpc has dependencies and cannot be deleted: {', '.join(inside)}"


def users_of(account: Account, kind: str, id_: str) -> list[Thing]:
    """List what has an interface in a subnet or with a security group, such as a database."""
    keys = {
        "subnet": ("subnets", "subnetIds"),
        "group": ("securityGroups", "securityGroupIds", "vpcSecurityGroupIds"),
    }[kind]
    holders = account.of_kind(
        "lb.LoadBalancer", "ecs.Service", "ec2.VpcEndpoint", "rds.SubnetGroup", "rds.Instance"
    )
    return [
        each for each in holders if any(id_ in found for key in keys for found in values_at(each.inputs, key))
    ]


def subnet_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/subnet-deleting: not while a network interface is in it."""
    if request.verb is Verb.DELETE and request.thing is not None:
        for user in users_of(account, "subnet", request.thing.id):
            yield f"DependencyViolation: The subnet has dependencies and cannot be deleted: {user.name}"


def group_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/deleting-security-groups: nothing has it, and no rule of another names it."""
    if request.verb is not Verb.DELETE or request.thing is None:
        return
    for user in users_of(account, "group", request.thing.id):
        yield f"DependencyViolation: resource {request.thing.id} has a dependent object: {user.name}"
    for rule in account.of_kind(*_GROUP_RULES):
        referenced = rule.inputs.get("referencedSecurityGroupId") == request.thing.id
        if referenced and rule.inputs["securityGroupId"] != request.thing.id:
            yield f"DependencyViolation: resource {request.thing.id} has a dependent object: {rule.name}"


def rule_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS AWSEC2/latest/APIReference/errors-overview: InvalidPermission.Duplicate."""
    if request.verb is Verb.DELETE:
        return
    for other in account.of_kind(request.kind):
        if other is not request.thing and _said(other.inputs) == _said(request.inputs):
            yield "InvalidPermission.Duplicate: the specified rule already exists"


def rules_within_quota(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/amazon-vpc-limits."""
    group = request.inputs.get("securityGroupId")
    there = [each for each in account.of_kind(request.kind) if each.inputs["securityGroupId"] == group]
    if request.verb is Verb.CREATE and len(there) >= RULES_PER_GROUP:
        yield "RulesPerSecurityGroupLimitExceeded: The maximum number of rules has been reached."


def group_exists(account: Account, request: Request) -> Iterator[str]:
    """DOCS AWSEC2/latest/APIReference/errors-overview: InvalidGroup.NotFound, also of a rule's other side."""
    if request.verb is Verb.DELETE:
        return
    for key in ("securityGroupId", "referencedSecurityGroupId"):
        id_ = request.inputs.get(key)
        if id_ and account.get(id_) is None:
            yield f"InvalidGroup.NotFound: The security group '{id_}' does not exist"


def gateway_without_addresses(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/delete-vpc: a gateway stays attached while public addresses are mapped."""
    if request.verb is not Verb.DELETE or request.thing is None:
        return
    network = request.thing.inputs["vpcId"]
    for user in account.of_kind("lb.LoadBalancer", "ecs.Service"):
        within = any(network_of(account, subnet) == network for subnet in _subnets(user.inputs))
        if within and (user.inputs.get("internal") is False or any(values_at(user.inputs, "assignPublicIp"))):
            yield f"DependencyViolation: Network {network} has some mapped public address(es): {user.name}"


def one_gateway(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/amazon-vpc-limits: one internet gateway is attached to a VPC."""
    others = [each for each in account.of_kind("ec2.InternetGateway") if each is not request.thing]
    if request.verb is Verb.CREATE and any(o.inputs["vpcId"] == request.inputs["vpcId"] for o in others):
        yield "Resource.AlreadyAssociated: the VPC already has an internet gateway"


def route_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS AWSEC2/latest/APIReference/API_CreateRoute: one route of a destination in a table."""
    keys = ("routeTableId", "destinationCidrBlock")
    for other in account.of_kind("ec2.Route"):
        same = all(other.inputs.get(key) == request.inputs.get(key) for key in keys)
        if request.verb is Verb.CREATE and same:
            yield "RouteAlreadyExists: The route identified by its destination already exists."


def one_table(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/subnet-route-tables: a subnet is associated with one table."""
    for other in account.of_kind("ec2.RouteTableAssociation"):
        if request.verb is Verb.CREATE and other.inputs["subnetId"] == request.inputs["subnetId"]:
            yield "Resource.AlreadyAssociated: the specified subnet has an association already"


def table_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/userguide/route-table-options: not while a subnet is associated with it."""
    for other in account.of_kind("ec2.RouteTableAssociation"):
        used = request.thing is not None and other.inputs["routeTableId"] == request.thing.id
        if request.verb is Verb.DELETE and used:
            yield f"DependencyViolation: The routeTable has dependencies and cannot be deleted: {other.name}"


def one_name_of_an_endpoint(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/privatelink/manage-dns-names: a private name of a service is taken once in a VPC."""
    keys = ("vpcId", "serviceName", "vpcEndpointType")
    for other in account.of_kind("ec2.VpcEndpoint"):
        same = all(other.inputs[key] == request.inputs[key] for key in keys)
        if request.verb is Verb.CREATE and same and request.inputs.get("privateDnsEnabled"):
            yield "InvalidParameter: private-dns-enabled cannot be set, there is a conflicting DNS domain"


def subnets_in_their_network(account: Account, request: Request) -> Iterator[str]:
    """DOCS vpc/latest/privatelink/create-interface-endpoint: its subnets are of its VPC, one in a zone."""
    ids: list[str] = request.inputs.get("subnetIds") or []
    if request.verb is not Verb.DELETE and any(
        network_of(account, i) != request.inputs["vpcId"] for i in ids
    ):
        yield "InvalidParameter: the subnets are not in the VPC of the endpoint"


def tags_within_quota(account: Account, request: Request) -> Iterator[str]:
    """DOCS tag-editor/latest/userguide/tagging."""
    if request.verb is not Verb.DELETE and len(request.inputs.get("tags") or {}) > TAGS:
        yield f"TagLimitExceeded: a resource has at most {TAGS} tags"


def network_of(account: Account, subnet: str) -> str:
    """Return the VPC of a subnet; '' if there is no subnet with that id."""
    thing = account.get(subnet)
    return str(thing.inputs["vpcId"]) if thing else ""


def zone_of(account: Account, subnet: str) -> str:
    thing = account.get(subnet)
    return str(thing.inputs["availabilityZone"]) if thing else ""


def _subnets(inputs: Mapping[str, object]) -> list[str]:
    return [subnet for found in values_at(inputs, "subnets") for subnet in found]


def _said(inputs: Mapping[str, object]) -> tuple[object, ...]:
    keys = ("securityGroupId", "ipProtocol", "fromPort", "toPort", "cidrIpv4", "prefixListId")
    return tuple(inputs.get(key) for key in (*keys, "referencedSecurityGroupId"))


NETWORK_RULES: Mapping[str, tuple[Rule, ...]] = {
    "ec2.Vpc": (network_empty, tags_within_quota),
    "ec2.Subnet": (
        network_exists,
        range_inside_its_network,
        range_of_its_own,
        subnet_unused,
        tags_within_quota,
    ),
    "ec2.SecurityGroup": (network_exists, group_unused, tags_within_quota),
    "ec2.DefaultSecurityGroup": (network_exists,),
    "ec2.InternetGateway": (network_exists, one_gateway, gateway_without_addresses),
    "ec2.RouteTable": (network_exists, table_unused),
    "ec2.Route": (route_once,),
    "ec2.RouteTableAssociation": (one_table,),
    "ec2.VpcEndpoint": (network_exists, one_name_of_an_endpoint, subnets_in_their_network, group_exists),
    "vpc.SecurityGroupIngressRule": (group_exists, rule_once, rules_within_quota),
    "vpc.SecurityGroupEgressRule": (group_exists, rule_once, rules_within_quota),
}
