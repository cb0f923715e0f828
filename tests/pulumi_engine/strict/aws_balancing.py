"""What Elastic Load Balancing refuses. DOCS: docs.aws.amazon.com.

Texts of errors: DOCS elasticloadbalancing/latest/APIReference/CommonErrors and those of each operation.
"""

from collections.abc import Iterator, Mapping

from tests.pulumi_engine.strict.account import Account, Request, Rule, Thing, Verb, values_at
from tests.pulumi_engine.strict.aws_network import network_of, tags_within_quota, zone_of

# DOCS elasticloadbalancing/latest/application/load-balancer-limits: rules per balancer, the defaults left
# out.
RULES_PER_BALANCER = 100


def name_once(account: Account, request: Request) -> Iterator[str]:
    """Require unique names: DOCS elasticloadbalancing, API_CreateLoadBalancer, API_CreateTargetGroup."""
    for other in account.of_kind(request.kind):
        same = all(other.inputs.get(key) == request.inputs.get(key) for key in ("name", "region"))
        if request.verb is Verb.CREATE and same:
            word = {"lb.LoadBalancer": "LoadBalancer", "lb.TargetGroup": "TargetGroup"}[request.kind]
            yield f"Duplicate{word}Name: '{request.inputs['name']}' already exists"


def one_network(account: Account, request: Request) -> Iterator[str]:
    """Require that a balancer stays in its VPC, with existing subnets and groups (provider-aws#18317)."""
    if request.verb is Verb.DELETE:
        return
    subnets = list(request.inputs["subnets"])
    networks = {network_of(account, subnet) for subnet in subnets}
    if "" in networks:
        yield "InvalidSubnetID.NotFound: one or more subnets do not exist"
    if len(networks) > 1:
        yield "InvalidConfigurationRequest: the subnets are not in the same VPC"
    if request.thing is not None and networks != {balancer_network(account, request.thing)}:
        yield "InvalidConfigurationRequest: the subnets are not in the VPC of the load balancer"
    groups: list[str] = request.inputs.get("securityGroups") or []
    for group in groups:
        found = account.get(group)
        if found is None or {found.inputs["vpcId"]} != networks:
            yield f"InvalidConfigurationRequest: security group '{group}' is not in the VPC of the subnets"


def two_zones(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/application/application-load-balancers: two zones."""
    if request.verb is Verb.DELETE:
        return
    zones = [zone_of(account, subnet) for subnet in request.inputs["subnets"]]
    if len(set(zones)) < 2:
        yield "ValidationError: At least two subnets in two different Availability Zones must be specified"
    if len(set(zones)) < len(zones):
        yield "InvalidConfigurationRequest: A load balancer takes one subnet of a zone"


def way_to_the_internet(account: Account, request: Request) -> Iterator[str]:
    """Require an internet gateway (InvalidSubnet): DOCS elasticloadbalancing, API_CreateLoadBalancer."""
    if request.verb is not Verb.CREATE or request.inputs.get("internal") is not False:
        return
    networks = {network_of(account, subnet) for subnet in request.inputs["subnets"]}
    if not any(each.inputs["vpcId"] in networks for each in account.of_kind("ec2.InternetGateway")):
        yield "InvalidSubnet: VPC has no internet gateway"


def not_protected(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/application/edit-load-balancer-attributes: deletion protection."""
    if request.verb is Verb.DELETE and request.inputs.get("enableDeletionProtection"):
        yield "OperationNotPermitted: Load balancer cannot be deleted because deletion protection is enabled"


def one_balancer_of_a_group(account: Account, request: Request) -> Iterator[str]:
    """Require that a target group has one load balancer (TargetGroupAssociationLimit, provider-aws#22005)."""
    if request.verb is Verb.DELETE:
        return
    mine = balancer_of(account, request.inputs)
    for group in groups_of(request.inputs):
        if account.get(group) is None:
            yield f"TargetGroupNotFound: Target group '{group}' not found"
        for other in forwarding_to(account, group):
            if other is not request.thing and balancer_of(account, other.inputs) != mine:
                yield (
                    "TargetGroupAssociationLimit: The following target groups cannot be associated with more "
                    f"than one load balancer: {group}"
                )


def group_in_the_balancers_network(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/APIReference/API_CreateListener: of another VPC."""
    if request.verb is Verb.DELETE:
        return
    balancer = account.get(balancer_of(account, request.inputs))
    if balancer is None:
        yield "LoadBalancerNotFound: One or more load balancers not found"
        return
    for group in map(account.get, groups_of(request.inputs)):
        if group and group.inputs["vpcId"] != balancer_network(account, balancer):
            yield f"InvalidConfigurationRequest: {group.name} is not in the VPC of the load balancer"


def port_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/APIReference/API_CreateListener: DuplicateListener."""
    for other in account.of_kind("lb.Listener"):
        same = all(other.inputs[key] == request.inputs[key] for key in ("loadBalancerArn", "port"))
        if request.verb is not Verb.DELETE and other is not request.thing and same:
            yield "DuplicateListener: A listener already exists on this port for this load balancer"


def certificate_issued(account: Account, request: Request) -> Iterator[str]:
    """Require an issued certificate (UnsupportedCertificate): DOCS elasticloadbalancing, API_CreateListener.

    A certificate whose id is all zeros is pending.
    """
    pending = str(request.inputs.get("certificateArn", "")).endswith("/00000000-0000-0000-0000-000000000000")
    if request.verb is not Verb.DELETE and pending:
        yield "UnsupportedCertificate: The certificate must have a fully-qualified domain name and be issued"


def priority_once(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/APIReference/API_CreateRule: PriorityInUse."""
    for other in account.of_kind("lb.ListenerRule"):
        same = all(other.inputs.get(key) == request.inputs.get(key) for key in ("listenerArn", "priority"))
        if (
            request.verb is not Verb.DELETE
            and other is not request.thing
            and same
            and other.inputs.get("priority")
        ):
            yield f"PriorityInUse: Priority '{other.inputs['priority']}' is currently in use"


def balancer_rules_within_quota(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/application/load-balancer-limits."""
    mine = balancer_of(account, request.inputs)
    there = [each for each in account.of_kind("lb.ListenerRule") if balancer_of(account, each.inputs) == mine]
    if request.verb is Verb.CREATE and len(there) >= RULES_PER_BALANCER:
        yield "TooManyRules: You've reached the limit on the number of rules per load balancer."


def target_group_unused(account: Account, request: Request) -> Iterator[str]:
    """DOCS elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup: ResourceInUse."""
    if request.verb is Verb.DELETE and request.thing is not None:
        for user in forwarding_to(account, request.thing.id):
            yield f"ResourceInUse: Target group is currently in use by a listener or a rule: {user.name}"


def groups_of(inputs: Mapping[str, object]) -> list[str]:
    weighted = [str(each["arn"]) for groups in values_at(inputs, "targetGroups") for each in groups]
    return [*values_at(inputs, "targetGroupArn"), *weighted]


def forwarding_to(account: Account, group: str) -> list[Thing]:
    """List the listeners and rules that forward to a target group."""
    return [
        each for each in account.of_kind("lb.Listener", "lb.ListenerRule") if group in groups_of(each.inputs)
    ]


def balancers_of(account: Account, group: str) -> set[str]:
    """ARNs of the load balancers that a target group gets requests from."""
    return {balancer_of(account, each.inputs) for each in forwarding_to(account, group)}


def balancer_network(account: Account, balancer: Thing) -> str:
    return network_of(account, balancer.inputs["subnets"][0])


def balancer_of(account: Account, inputs: Mapping[str, object]) -> str:
    """Of a listener, or of a rule by its listener."""
    if "loadBalancerArn" in inputs:
        return str(inputs["loadBalancerArn"])
    listener = account.get(inputs.get("listenerArn"))
    return str(listener.inputs["loadBalancerArn"]) if listener else ""


_FORWARDS: tuple[Rule, ...] = (one_balancer_of_a_group, group_in_the_balancers_network)
BALANCING_RULES: Mapping[str, tuple[Rule, ...]] = {
    "lb.LoadBalancer": (
        name_once,
        one_network,
        two_zones,
        way_to_the_internet,
        not_protected,
        tags_within_quota,
    ),
    "lb.TargetGroup": (name_once, target_group_unused),
    "lb.Listener": (*_FORWARDS, port_once, certificate_issued),
    "lb.ListenerRule": (*_FORWARDS, priority_once, balancer_rules_within_quota),
}
