"""Can the judges say no? AWS's models, cfn-lint and the rules are shown something wrong.

A rule is missing here where a test of the component fails on what breaks it.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.contract.fargate_calls import Made
from tests.contract.fargate_judge import RULES, verdict
from tests.contract.fargate_services import right
from tests.contract.fargate_template import linted, properties_of

Change = Callable[[Made], None]


def changed(operation: str, *path: Any, value: Any) -> Change:
    """Set what stands at `path` of the first such call."""

    def change(made: Made) -> None:
        place: Any = made.all(operation)[0]
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = value

    return change


def in_server(*path: Any, value: Any) -> Change:
    return changed("RegisterTaskDefinition", "containerDefinitions", 0, *path, value=value)


def in_alarm(name: str, key: str, value: Any) -> Change:
    def change(made: Made) -> None:
        [alarm] = [each for each in made.all("PutMetricAlarm") if each["AlarmName"] == f"api-{name}"]
        alarm[key] = value

    return change


# Rule -> what breaks it.
BREAKING: dict[str, Change] = {
    "it is a task for Fargate, without a GPU": in_server(
        "resourceRequirements", value=[{"type": "GPU", "value": "1"}]
    ),
    "the image has its digest": in_server("image", value="acme/slipway:latest"),
    "the container is asked within limits": in_server("healthCheck", "interval", value=1),
    "the log has a group of its own, kept for a while": changed(
        "PutRetentionPolicy", "retentionInDays", value=31
    ),
    "the environment is allowed": in_server("environment", 0, "name", value="AWS_EXECUTION_ENV"),
    "there is one port": changed("CreateService", "loadBalancers", 0, "containerPort", value=80),
    "targets are asked within limits": changed("CreateTargetGroup", "HealthCheckTimeoutSeconds", value=10),
    "HTTPS is whole": changed("CreateListener", "DefaultActions", 0, "Type", value="redirect"),
    "only HTTPS gets out": changed(
        "AuthorizeSecurityGroupEgress",
        "IpPermissions",
        0,
        value={"IpProtocol": "-1", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ),
    "alarms read metrics that are there": in_alarm(
        "memory-ticket", "Dimensions", [{"Name": "ServiceName", "Value": "api"}]
    ),
    "thresholds have the unit of the metric": in_alarm("memory-ticket", "Threshold", 0.85),
    "periods can be evaluated": in_alarm("memory-ticket", "DatapointsToAlarm", 11),
    "expressions are whole": in_alarm(
        "availability-page", "Metrics", [{"Id": "e", "Expression": "FILL(m, 0)"}]
    ),
    "only what is always there alarms without data": in_alarm(
        "ready-ticket", "TreatMissingData", "breaching"
    ),
    "composite alarms read others": changed(
        "PutCompositeAlarm", "AlarmRule", value='ALARM("a") AND ALARM("b")'
    ),
    "alarms say what to do": in_alarm("memory-ticket", "AlarmDescription", "Memory."),
    "who is named is told": changed("SetTopicAttributes", "AttributeValue", value='{"Statement": []}'),
    "failed deployments are found": changed("PutRule", "EventPattern", value='{"source": ["aws.ecs"]}'),
    "the dashboard fits": changed("PutDashboard", "DashboardName", value="a dashboard"),
    "subnets lie apart in their VPC": changed("CreateSubnet", "CidrBlock", value="10.0.16.0/20"),
}


# The same, of a service whose traffic ECS moves.
BREAKING_TRAFFIC: dict[str, Change] = {
    "the strategy is whole": changed(
        "CreateService", "deploymentConfiguration", "strategy", value="BLUE_GREEN"
    ),
    "something takes a bad version back": changed(
        "CreateService", "deploymentConfiguration", "alarms", "rollback", value=False
    ),
    "target groups are alike": changed("CreateTargetGroup", "HealthCheckPath", value="/alive"),
    "the traffic can move": changed(
        "CreateRule", "Actions", 0, "ForwardConfig", "TargetGroups", 1, "Weight", value=100
    ),
    "its role moves this traffic alone": changed(
        "PutRolePolicy",
        "PolicyDocument",
        value=json.dumps({"Statement": [{"Action": ["elasticloadbalancing:ModifyRule"], "Resource": "*"}]}),
    ),
}


@pytest.mark.parametrize("rule", BREAKING_TRAFFIC)
def test_the_judge_names_the_rule_of_traffic_that_is_broken(rule: str) -> None:
    made = deepcopy(right("a canary"))
    assert RULES[rule](made)
    for params in made.all("PutRolePolicy"):
        params["RoleName"] = "api-traffic"
    BREAKING_TRAFFIC[rule](made)
    assert not RULES[rule](made)


# Rule -> the case that has what is broken, where it is another.
CASES = {
    **dict.fromkeys(("who is named is told", "failed deployments are found"), "watched, with an address"),
    "composite alarms read others": "watched in full",
}


@pytest.mark.parametrize("rule", BREAKING)
def test_the_judge_names_the_rule_that_is_broken(rule: str) -> None:
    made = deepcopy(right(CASES.get(rule, "secrets")))
    assert RULES[rule](made)
    BREAKING[rule](made)
    assert not RULES[rule](made)


@pytest.mark.parametrize(
    "change",
    [
        changed("RegisterTaskDefinition", "memory", value=2048),
        changed("RegisterTaskDefinition", "networkmode", value="awsvpc"),
        in_server("logConfiguration", "logDriver", value="cloudwatch"),
        in_server("environment", 0, "value", value=1),
        changed("CreateService", "capacityProviderStrategy", 0, "weight", value=1001),
        changed("CreateService", "deploymentConfiguration", "strategy", value="BLUE"),
        changed("CreateTargetGroup", "HealthCheckIntervalSeconds", value=301),
        changed("CreateTargetGroup", "HealthCheckIntervalSeconds", value=1),
        changed("CreateListener", "Port", value=70000),
        changed(
            "PutScalingPolicy",
            "TargetTrackingScalingPolicyConfiguration",
            "PredefinedMetricSpecification",
            "PredefinedMetricType",
            value="CPU",
        ),
        changed("RegisterScalableTarget", "ScalableDimension", value="ecs:service:Count"),
    ],
)
def test_aws_refuses_calls_of_another_shape(change: Change) -> None:
    made = deepcopy(right("defaults"))
    change(made)
    assert verdict(made).refused


LINTED = [
    "defaults",
    "the smallest",
    "the largest",
    "Arm",
    "half on Spot",
    "secrets",
    "labels",
    "a model in S3",
    "private subnets",
]


def test_cfn_lint_takes_what_is_emitted_and_names_what_is_wrong() -> None:
    pairs = {case: properties_of(right(case)) for case in LINTED}
    wrong: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
        "E3047": lambda task, service: task.update(Memory="12288"),
        "E3048": lambda task, service: task.update(NetworkMode="bridge"),
        "E3030": lambda task, service: service.update(PropagateTags="NOWHERE"),
        "E3002": lambda task, service: service.update(DesiredCounts=1),
    }
    for rule, change in wrong.items():
        pairs[rule] = deepcopy(pairs["defaults"])
        change(*pairs[rule])
    found = linted(pairs)
    assert not set[str]().union(*(found[case] for case in LINTED))
    assert {rule for rule in wrong if rule in found[rule]} == set(wrong)
