"""How a new version gets the requests: ECS's deployment strategies, and what they need of the load balancer.

A rolling rollout replaces tasks. In a canary or a blue-green rollout new tasks get a target group of their
own, and ECS moves the requests between two groups by the weights of a listener's rule.
docs.aws.amazon.com/AmazonECS/latest/developerguide/blue-green-deployment-implementation.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from ..rollouts.kinds import BLUE_GREEN, CANARY, CANARY_PERCENT, ROLLING
from .spec import FargateSpec

_STRATEGIES = {ROLLING: "ROLLING", CANARY: "CANARY", BLUE_GREEN: "BLUE_GREEN"}
# What ECS calls with the role: docs.aws.amazon.com/aws-managed-policy/latest/reference,
# AmazonECSInfrastructureRolePolicyForLoadBalancers. That policy names every rule and group of the account.
_READ_ACTIONS = (
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeRules",
    "elasticloadbalancing:DescribeTargetGroups",
    "elasticloadbalancing:DescribeTargetHealth",
)
_RULE_ACTIONS = ("elasticloadbalancing:ModifyListener", "elasticloadbalancing:ModifyRule")
_TARGET_ACTIONS = ("elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets")


def forward_to(target_group: aws.lb.TargetGroup, alternate: aws.lb.TargetGroup | None) -> Mapping[str, Any]:
    """Return the action that forwards requests to the first group.

    By it the second one belongs to the load balancer too: ECS registers no task in a group that does not.
    """
    if alternate is None:
        return {"type": "forward", "target_group_arn": target_group.arn}
    weights = [{"arn": target_group.arn, "weight": 100}, {"arn": alternate.arn, "weight": 0}]
    return {"type": "forward", "forward": {"target_groups": weights}}


def production_rule(
    spec: FargateSpec,
    listener: aws.lb.Listener,
    forward: Mapping[str, Any],
    groups: Sequence[aws.lb.TargetGroup],
    parent: pulumi.Resource,
) -> aws.lb.ListenerRule:
    """Create the rule by which ECS moves all requests between the groups, ahead of the default action.

    The program only makes it. ECS changes the weights, and an update that put them back would send requests
    to where no task is; they are a set, whose order a refresh changes, so all of the action is left to ECS.
    """
    return aws.lb.ListenerRule(
        f"{spec.name}-production-rule",
        region=spec.region,
        listener_arn=listener.arn,
        conditions=[{"path_pattern": {"values": ["/*"]}}],
        actions=[forward],  # pyright: ignore[reportArgumentType] a mapping is no TypedDict
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["actions"], replace_with=list(groups)),
    )


def statements_for(rule: aws.lb.ListenerRule, groups: Sequence[aws.lb.TargetGroup]) -> list[dict[str, Any]]:
    """Return what ECS may do to move the traffic: to this rule and these groups alone."""
    return [
        {"Effect": "Allow", "Action": list(_READ_ACTIONS), "Resource": "*"},
        {"Effect": "Allow", "Action": list(_RULE_ACTIONS), "Resource": [rule.listener_arn, rule.arn]},
        {"Effect": "Allow", "Action": list(_TARGET_ACTIONS), "Resource": [group.arn for group in groups]},
    ]


def load_balancers_of(
    container: Mapping[str, Any],
    groups: Sequence[aws.lb.TargetGroup],
    rule: aws.lb.ListenerRule | None,
    role_arn: pulumi.Input[str] | None,
) -> list[dict[str, Any]]:
    """Return what registers the tasks. container: name and port.

    Without a rule every task is in each of the groups.
    """
    if rule is None:
        return [{**container, "target_group_arn": group.arn} for group in groups]
    first, alternate = groups
    advanced = {
        "alternate_target_group_arn": alternate.arn,
        "production_listener_rule": rule.arn,
        "role_arn": role_arn,
    }
    return [{**container, "target_group_arn": first.arn, "advanced_configuration": advanced}]


def deployment_of(spec: FargateSpec, alarms: Sequence[pulumi.Input[str]]) -> dict[str, Any]:
    """Return the inputs of the service that say how it is rolled out.

    alarms: names of those that take it back, from the canary's start to the end of the bake. The circuit
    breaker is for rolling rollouts alone. A canary's own bake is the whole one.
    """
    if not spec.shifts_traffic:
        rolling: dict[str, Any] = {"deployment_circuit_breaker": {"enable": True, "rollback": True}}
        return (
            {**rolling, "deployment_configuration": {"strategy": "ROLLING"}}
            if spec.has_alternate
            else rolling
        )
    strategy: dict[str, Any] = {"strategy": _STRATEGIES[spec.rollout]}
    minutes = str(spec.bakes_minutes)
    if spec.rollout == CANARY:
        percent = float(spec.canary_percent or CANARY_PERCENT)
        canary = {"canary_percent": percent, "canary_bake_time_in_minutes": minutes}
        strategy |= {"canary_configuration": canary, "bake_time_in_minutes": "0"}
    else:
        strategy["bake_time_in_minutes"] = minutes
    return {
        "deployment_circuit_breaker": {"enable": False, "rollback": False},
        "deployment_configuration": strategy,
        "alarms": {"alarm_names": list(alarms), "enable": True, "rollback": True},
    }
