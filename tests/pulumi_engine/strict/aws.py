"""An AWS account for the components: its rules, the outputs of its resources, and existing ones."""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.aws_outputs import arn
from tests.contract.cloud import made_of
from tests.pulumi_engine.strict.account import (
    EXISTING,
    Account,
    Inputs,
    Request,
    Rule,
    Thing,
    Verb,
    kind_of,
    strings_in,
)
from tests.pulumi_engine.strict.aws_balancing import BALANCING_RULES
from tests.pulumi_engine.strict.aws_database import DATABASE_RULES
from tests.pulumi_engine.strict.aws_network import NETWORK_RULES
from tests.pulumi_engine.strict.aws_service import SERVICE_RULES, answers, redirects_arrive
from tests.pulumi_engine.strict.aws_traffic import TRAFFIC_RULES, AwsAccount, traffic_arrives
from tests.pulumi_engine.strict.aws_watch import WATCH_RULES

REGION, ELSEWHERE = "eu-west-1", "eu-central-1"


def found_in_its_region(account: Account, request: Request) -> Iterator[str]:
    """Find nothing of another region: DOCS general/latest/gr/rande, regional endpoints.

    Roles have no region.
    """
    mine = request.inputs.get("region")
    if request.verb is Verb.DELETE or not mine:
        return
    for text in strings_in(request.inputs):
        named = account.get(text)
        if named and named.inputs.get("region", mine) != mine:
            yield f"NotFound: {named.name} is in {named.inputs['region']}, not in {mine}"


_OF_ONE_SERVICE: Mapping[str, tuple[Rule, ...]] = {
    **NETWORK_RULES,
    **BALANCING_RULES,
    **SERVICE_RULES,
    **DATABASE_RULES,
    **WATCH_RULES,
}
RULES: Mapping[str, tuple[Rule, ...]] = {
    kind: (found_in_its_region, *rules, *TRAFFIC_RULES.get(kind, ()))
    for kind, rules in _OF_ONE_SERVICE.items()
}
# registry.terraform.io, providers/hashicorp/aws/latest/docs/guides/enhanced-region-support: what is known by
# a name alone is imported as `<name>@<region>`.
_KNOWN_BY_NAME = (
    "appautoscaling.Policy",
    "appautoscaling.ScheduledAction",
    "appautoscaling.Target",
    "cloudwatch.CompositeAlarm",
    "cloudwatch.EventRule",
    "cloudwatch.EventTarget",
    "cloudwatch.LogGroup",
    "cloudwatch.LogMetricFilter",
    "cloudwatch.MetricAlarm",
    "ecr.LifecyclePolicy",
    "ecr.Repository",
    "ecs.ClusterCapacityProviders",
)
# DOCS secretsmanager/latest/APIReference/API_DeleteSecret, elasticloadbalancing/latest/APIReference/
# API_DeleteLoadBalancer: what is deleted with it.
_PARTS = {
    "secretsmanager.Secret": ("secretsmanager.SecretVersion", "secretId"),
    "lb.LoadBalancer": ("lb.Listener", "loadBalancerArn"),
}


def aws_account() -> AwsAccount:
    return AwsAccount(RULES, _made, (answers, redirects_arrive, traffic_arrives), _PARTS, stays=stays)


def stays(thing: Thing) -> bool:
    """Return whether a thing is there after its deletion.

    PROVIDER ecs/task_definition.go: `skip_destroy`. DOCS secretsmanager, API_DeleteSecret: the recovery
    window.
    """
    return bool(thing.inputs.get("skipDestroy") or thing.inputs.get("recoveryWindowInDays"))


def _made(account: Account, type_: str, inputs: Inputs) -> Mapping[str, Any]:
    """As the table of the contract tests has it, with ids that never return."""
    made = dict(made_of(type_, {**inputs, "drawn": account.made}))
    kind = kind_of(type_)
    if kind == "index.RandomId":
        drawn = secrets.token_hex(int(inputs["byteLength"]))
        made |= {"hex": drawn, "id": drawn}
    elif kind == "lb.ListenerRule":
        made["arn"] = made["id"] = f"{made['id']}{account.made}"
    elif kind == "ecs.TaskDefinition":
        made["arn"] = made["id"] = arn("ecs", inputs, f"task-definition/{inputs['family']}:{account.made}")
    elif kind in _KNOWN_BY_NAME:
        made["id"] = f"{made['id']}@{inputs.get('region', REGION)}"
    return made


class Existing:
    """A VPC with two subnets, a shared load balancer and a cluster, which a platform team made."""

    vpc = "vpc-0123456789abcdef0"
    subnets = ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")
    group = "sg-0123456789abcdef0"
    balancer = arn("elasticloadbalancing", {"region": REGION}, "loadbalancer/app/shared/0123456789abcdef")
    listener = arn(
        "elasticloadbalancing", {"region": REGION}, "listener/app/shared/0123456789abcdef/fedcba9876543210"
    )

    other_listener = f"{listener[:-16]}0123456789abcdef"
    cluster = arn("ecs", {"region": REGION}, "cluster/shared")

    @classmethod
    def into(cls, account: Account) -> None:
        def put(id_: str, type_: str, **inputs: Any) -> None:
            outputs = {"id": id_, "arn": id_, "arnSuffix": id_.partition("loadbalancer/")[2]}
            name = f"{EXISTING}{id_.rpartition(':')[2]}"
            account.things[id_] = Thing(id_, type_, name, {"region": REGION, **inputs}, outputs)

        put(cls.vpc, "aws:ec2/vpc:Vpc", cidrBlock="10.8.0.0/16")
        put("igw-0123456789abcdef0", "aws:ec2/internetGateway:InternetGateway", vpcId=cls.vpc)
        for place, (id_, zone) in enumerate(zip(cls.subnets, "ab", strict=True)):
            where = {"vpcId": cls.vpc, "availabilityZone": f"{REGION}{zone}"}
            put(id_, "aws:ec2/subnet:Subnet", cidrBlock=f"10.8.{place}.0/24", **where)
        put(cls.group, "aws:ec2/securityGroup:SecurityGroup", vpcId=cls.vpc)
        put(
            "sgr-0123456789abcdef0",
            "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
            securityGroupId=cls.group,
            cidrIpv4="0.0.0.0/0",
            ipProtocol="tcp",
            fromPort=0,
            toPort=65535,
        )
        put(
            cls.balancer,
            "aws:lb/loadBalancer:LoadBalancer",
            name="shared",
            internal=False,
            subnets=list(cls.subnets),
            securityGroups=[cls.group],
        )
        put(
            cls.listener,
            "aws:lb/listener:Listener",
            loadBalancerArn=cls.balancer,
            port=443,
            defaultActions=[],
        )
        put(
            cls.other_listener,
            "aws:lb/listener:Listener",
            loadBalancerArn=cls.balancer,
            port=9443,
            defaultActions=[],
        )
        put(cls.cluster, "aws:ecs/cluster:Cluster", name="shared")
        put(
            "shared",
            "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
            clusterName="shared",
            capacityProviders=["FARGATE", "FARGATE_SPOT"],
        )
