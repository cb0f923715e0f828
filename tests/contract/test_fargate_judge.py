"""Can the judges say no? Every rule, AWS's models and cfn-lint are shown something wrong."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.contract.fargate_calls import Made
from tests.contract.fargate_cases import REFERENCE
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


def in_variable(name: str, value: str) -> Change:
    def change(made: Made) -> None:
        [entry] = [entry for entry in made.server["environment"] if entry["name"] == name]
        entry["value"] = value

    return change


def in_target_group(key: str, value: str) -> Change:
    def change(made: Made) -> None:
        attributes = made.one("ModifyTargetGroupAttributes")["Attributes"]
        [entry] = [entry for entry in attributes if entry["Key"] == key]
        entry["Value"] = value

    return change


def in_policy(role: str, place: int, key: str, value: Any) -> Change:
    def change(made: Made) -> None:
        [policy] = [one for one in made.all("PutRolePolicy") if one["RoleName"].endswith(role)]
        document = json.loads(policy["PolicyDocument"])
        document["Statement"][place][key] = value
        policy["PolicyDocument"] = json.dumps(document)

    return change


# For every rule one set of calls that breaks it: the judge can say no.
BREAKING: dict[str, Change] = {
    "the size is offered": changed("RegisterTaskDefinition", "memory", value="12288"),
    "the disk is offered": changed("RegisterTaskDefinition", "ephemeralStorage", value={"sizeInGiB": 500}),
    "it is a task for Fargate, without a GPU": in_server(
        "resourceRequirements", value=[{"type": "GPU", "value": "1"}]
    ),
    "the image has its digest": in_server("image", value="acme/slipway:latest"),
    "the server is not root, on a read-only root": in_server("user", value="0"),
    "a task stops after its drain": in_variable("DRAIN_SECONDS", "120"),
    "the container is asked within limits": in_server("healthCheck", "interval", value=1),
    "the log has a group of its own, kept for a while": changed(
        "PutRetentionPolicy", "retentionInDays", value=31
    ),
    "every secret's version is pinned": in_server("secrets", 0, "valueFrom", value=REFERENCE[:-40]),
    "the environment is allowed": in_server("environment", 0, "name", value="AWS_EXECUTION_ENV"),
    "a fetched model has a writable place": changed(
        "RegisterTaskDefinition", "volumes", value=[{"name": "x"}]
    ),
    "capacity comes from a strategy alone": changed("CreateService", "launchType", value="FARGATE"),
    "a failed rollout goes back": changed(
        "CreateService",
        "deploymentConfiguration",
        "deploymentCircuitBreaker",
        value={"enable": True, "rollback": False},
    ),
    "a rollout gets time to load": changed("CreateService", "healthCheckGracePeriodSeconds", value=0),
    "tasks spread over zones": changed("CreateService", "availabilityZoneRebalancing", value="DISABLED"),
    "there is one port": changed("CreateService", "loadBalancers", 0, "containerPort", value=80),
    "targets are addresses": changed("CreateTargetGroup", "TargetType", value="instance"),
    "targets are asked within limits": changed("CreateTargetGroup", "HealthCheckTimeoutSeconds", value=10),
    "a slow start comes with round robin": in_target_group("slow_start.duration_seconds", "60"),
    "requests may take their time": in_target_group("deregistration_delay.timeout_seconds", "30"),
    "names fit": changed("CreateTargetGroup", "Name", value="a" * 40),
    "HTTPS is whole": changed("CreateListener", "DefaultActions", 0, "Type", value="redirect"),
    "only the load balancer gets to a task": changed(
        "AuthorizeSecurityGroupIngress",
        "IpPermissions",
        0,
        value={"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ),
    "only HTTPS gets out": changed(
        "AuthorizeSecurityGroupEgress",
        "IpPermissions",
        0,
        value={"IpProtocol": "-1", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ),
    "there are two zones": changed(
        "CreateService", "networkConfiguration", "awsvpcConfiguration", "subnets", value=["subnet-1"]
    ),
    "subnets lie apart in their VPC": changed("CreateSubnet", "CidrBlock", value="10.0.16.0/20"),
    "tasks have one way out": changed(
        "CreateService",
        "networkConfiguration",
        "awsvpcConfiguration",
        "assignPublicIp",
        value="DISABLED",
    ),
    "the number of tasks is bounded": changed("CreateService", "desiredCount", value=0),
    "scaling names the service": changed("RegisterScalableTarget", "ResourceId", value="service/api/other"),
    "requests per target name both": changed(
        "PutScalingPolicy",
        "TargetTrackingScalingPolicyConfiguration",
        "PredefinedMetricSpecification",
        "PredefinedMetricType",
        value="ALBRequestCountPerTarget",
    ),
    "roles may do little": in_policy("-execution", 1, "Resource", "*"),
    "each secret has a statement": in_policy("-execution", 3, "Resource", REFERENCE[:-41] + "x"),
}


def test_every_rule_has_calls_that_break_it() -> None:
    assert sorted(BREAKING) == sorted(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_the_judge_names_the_rule_that_is_broken(rule: str) -> None:
    made = deepcopy(right("secrets"))
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
