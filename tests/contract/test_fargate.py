"""Does AWS take what we emit? Its own models, cfn-lint, moto and our rules, read backwards, judge it."""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pytest
from botocore.exceptions import ClientError  # pyright: ignore[reportMissingTypeStubs]
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from components.fargate import Architecture, Balancing, Egress, FargateService, names
from components.image import InferenceImage, Registry
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.fargate_cases import (
    EXISTING,
    IMAGE,
    MORNING,
    PLAIN,
    REFERENCE,
    RIGHT,
    SHARED,
    WRONG,
)
from tests.contract.fargate_judge import RULES, Made, verdict
from tests.contract.fargate_template import linted, properties_of
from tests.contract.simulated_aws import client, simulate

SNAPSHOT = [
    ("aws:appautoscaling/policy:Policy", "api-cpu-scaling"),
    ("aws:appautoscaling/policy:Policy", "api-requests-scaling"),
    ("aws:appautoscaling/scheduledAction:ScheduledAction", "api-morning-schedule"),
    ("aws:appautoscaling/target:Target", "api-scaling"),
    ("aws:cloudwatch/logGroup:LogGroup", "api-log"),
    ("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "api-default-group"),
    ("aws:ec2/internetGateway:InternetGateway", "api-gateway"),
    ("aws:ec2/route:Route", "api-public-route"),
    ("aws:ec2/routeTable:RouteTable", "api-private-routes"),
    ("aws:ec2/routeTable:RouteTable", "api-public-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-private-eu-west-1a-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-private-eu-west-1b-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-public-eu-west-1a-routes"),
    ("aws:ec2/routeTableAssociation:RouteTableAssociation", "api-public-eu-west-1b-routes"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-balancer-group"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-endpoint-group"),
    ("aws:ec2/securityGroup:SecurityGroup", "api-task-group"),
    ("aws:ec2/subnet:Subnet", "api-private-eu-west-1a"),
    ("aws:ec2/subnet:Subnet", "api-private-eu-west-1b"),
    ("aws:ec2/subnet:Subnet", "api-public-eu-west-1a"),
    ("aws:ec2/subnet:Subnet", "api-public-eu-west-1b"),
    ("aws:ec2/vpc:Vpc", "api-vpc"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-ecr.api-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-ecr.dkr-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-logs-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-s3-endpoint"),
    ("aws:ec2/vpcEndpoint:VpcEndpoint", "api-secretsmanager-endpoint"),
    ("aws:ecs/cluster:Cluster", "api-cluster"),
    ("aws:ecs/clusterCapacityProviders:ClusterCapacityProviders", "api-capacity"),
    ("aws:ecs/service:Service", "api-service"),
    ("aws:ecs/taskDefinition:TaskDefinition", "api-task"),
    ("aws:iam/role:Role", "api-execution-role"),
    ("aws:iam/role:Role", "api-task-role"),
    ("aws:iam/rolePolicy:RolePolicy", "api-execution-policy"),
    ("aws:iam/rolePolicy:RolePolicy", "api-task-policy"),
    ("aws:lb/listener:Listener", "api-http-listener"),
    ("aws:lb/listener:Listener", "api-https-listener"),
    ("aws:lb/loadBalancer:LoadBalancer", "api-balancer"),
    ("aws:lb/targetGroup:TargetGroup", "api-targets"),
    ("aws:secretsmanager/secret:Secret", "api-HF_TOKEN-secret"),
    ("aws:secretsmanager/secret:Secret", "api-MODEL_API_KEY-secret"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "api-HF_TOKEN-version"),
    ("aws:secretsmanager/secretVersion:SecretVersion", "api-MODEL_API_KEY-version"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-balancer-egress"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-task-endpoint-egress"),
    ("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", "api-task-s3-egress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-balancer-203.0.113.0/24-443-ingress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-balancer-203.0.113.0/24-80-ingress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-endpoint-ingress"),
    ("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", "api-task-ingress"),
    ("random:index/randomPassword:RandomPassword", "api-api-key"),
]
EVERYTHING: dict[str, Any] = {
    **PLAIN,
    **RIGHT["HTTPS for a network"],
    "model": "s3://models/spam@3sL4kqtJlcpXroDTDmJ",
    "egress": Egress.ENDPOINTS,
    "secret_values": {"HF_TOKEN": "hush"},
    "secrets": {"DATABASE": REFERENCE},
    "request_seconds": 0.5,
    "schedules": [MORNING],
}


def services(*service_names: str, args: Mapping[str, Any]) -> Emitted:
    def program() -> None:
        for name in service_names:
            service = FargateService(name, {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
            pulumi.export(f"{name}-url", service.url)
            pulumi.export(f"{name}-records", service.domain_records)

    return emitted_by(program)


def made_of(args: Mapping[str, Any], name: str = "api") -> Made:
    return Made.of(services(name, args=args).resources)


@cache
def right(case: str) -> Made:
    """What one of the right cases makes: it is judged by several."""
    return made_of(RIGHT[case])


@pytest.mark.parametrize("case", RIGHT)
def test_aws_and_our_rules_take_what_is_emitted(case: str) -> None:
    judged = verdict(right(case))
    assert (judged.refused, judged.broken) == ([], [])


@pytest.mark.parametrize(("args", "said"), WRONG)
def test_wrong_arguments_are_refused_before_anything_is_registered(
    args: Mapping[str, Any], said: str
) -> None:
    registered: list[Any] = []

    def program() -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        assert all(line.startswith("api: ") for line in str(refusal.value).splitlines())
        assert "hush" not in str(refusal.value)
        registered.append(refusal)

    assert [resource.type for resource in emitted_by(program).resources] == ["pulumi:pulumi:Stack"]
    assert registered


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Api", "allowed are 1 to 40 lowercase letters"),
        ("api-", "allowed are 1 to 40 lowercase letters"),
        ("", "allowed are 1 to 40 lowercase letters"),
        ("a" * 41, "allowed are 1 to 40 lowercase letters"),
        ("internal-api", "Elastic Load Balancing keeps names with internal- to itself"),
    ],
)
def test_a_name_that_aws_does_not_take_is_refused(name: str, said: str) -> None:
    def program() -> None:
        with pytest.raises(ValueError, match=said):
            FargateService(name, PLAIN)  # pyright: ignore[reportArgumentType]

    assert len(emitted_by(program).resources) == 1


def test_all_faults_of_a_service_are_told_at_once() -> None:
    wrong = {"model": "x", "cpu": 3, "min_replicas": 0, "env": {"AWS_EXECUTION_ENV": ""}, "spot_percent": 101}

    def program() -> None:
        with pytest.raises(ValueError, match="3 vCPU") as refusal:
            FargateService("api", wrong)  # pyright: ignore[reportArgumentType]
        told = str(refusal.value)
        for fault in (
            "AWS_EXECUTION_ENV",
            "region is missing",
            "image_ref is missing",
            "model is 'x'",
            "min_replicas is 0",
            "spot_percent is 101",
        ):
            assert fault in told

    emitted_by(program)


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


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "simulated")
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # it would read a list of images for seconds
    with mock_aws():
        yield


def simulated_service(**args: Any) -> dict[str, Any]:
    """The outputs of a stack with a repository and a service, in moto."""

    def program() -> None:
        InferenceImage("api-image", {"registry": Registry.ECR, "region": "eu-west-1", "image": IMAGE})
        service = FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        pulumi.export("url", service.url)

    return simulate(program)


@pytest.mark.usefixtures("simulated")
def test_a_simulated_cloud_makes_the_whole_stack() -> None:
    certificate = client("acm").request_certificate(DomainName="api.example.com")["CertificateArn"]
    outputs = simulated_service(**{**EVERYTHING, "certificate_arn": certificate})
    assert outputs["url"] == "https://api.example.com"
    ecs, balancing, scaling = client("ecs"), client("elbv2"), client("application-autoscaling")
    [service] = ecs.describe_services(cluster="api", services=["api"])["services"]
    task = ecs.describe_task_definition(taskDefinition="api")["taskDefinition"]
    assert service["status"] == "ACTIVE"
    assert service["taskDefinition"] == task["taskDefinitionArn"]
    [group] = balancing.describe_target_groups()["TargetGroups"]
    assert service["loadBalancers"][0]["targetGroupArn"] == group["TargetGroupArn"]
    assert group["LoadBalancerArns"] == [
        balancer["LoadBalancerArn"] for balancer in balancing.describe_load_balancers()["LoadBalancers"]
    ]
    subnets = {subnet["SubnetId"] for subnet in client("ec2").describe_subnets()["Subnets"]}
    assert subnets.issuperset(service["networkConfiguration"]["awsvpcConfiguration"]["subnets"])
    [target] = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == ("service/api/api", 1, 3)
    assert len(scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]) == 2
    assert len(scaling.describe_scheduled_actions(ServiceNamespace="ecs")["ScheduledActions"]) == 1
    assert [r["repositoryName"] for r in client("ecr").describe_repositories()["repositories"]] == [
        "api-image"
    ]
    [server] = [one for one in task["containerDefinitions"] if one["essential"]]
    [key] = [secret for secret in server["secrets"] if secret["name"] == "MODEL_API_KEY"]
    found = client("secretsmanager").get_secret_value(
        SecretId=key["valueFrom"].split(":::")[0], VersionId=key["valueFrom"].split(":::")[1]
    )
    assert found["SecretString"] == "[secret]"  # as the recording masks it
    assert (
        task["executionRoleArn"] == client("iam").get_role(RoleName="api-eu-west-1-execution")["Role"]["Arn"]
    )


@pytest.mark.usefixtures("simulated")
def test_the_simulation_refuses_what_does_not_fit_together(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(name: str, port: int, vpc_id: str) -> str:
        return "a" * 40

    monkeypatch.setattr(names, "target_group_name", too_long)
    with pytest.raises(ClientError, match="32"):
        simulated_service()


@pytest.mark.usefixtures("simulated")
def test_the_simulation_refuses_a_certificate_that_is_not_there() -> None:
    with pytest.raises(ClientError, match="CertificateNotFound"):
        simulated_service(**RIGHT["HTTPS"])


def test_type_name_and_parent_of_every_resource_stay_as_they_are() -> None:
    """A change here replaces what people run, unless it carries an alias."""
    emitted = services("api", args=EVERYTHING)
    top = [r for r in emitted.resources if not r.custom]
    assert [(r.type, r.name) for r in top] == [
        ("pulumi:pulumi:Stack", "demo-dev"),
        ("slipway:index:FargateService", "api"),
    ]
    made = [r for r in emitted.resources if r.custom]
    assert sorted((r.type, r.name) for r in made) == SNAPSHOT
    assert {r.parent for r in made} == {top[1].urn}


def test_a_rule_on_an_existing_listener_stays_as_it_is() -> None:
    emitted = services("api", args=SHARED)
    assert [r.name for r in emitted.of_type(aws.lb.ListenerRule)] == ["api-listener-rule"]
    types = {r.type for r in emitted.resources}
    assert not types & {
        vars(cls)["pulumi_type"] for cls in (aws.ec2.Vpc, aws.lb.LoadBalancer, aws.lb.Listener)
    }


def test_two_services_live_in_one_program() -> None:
    emitted = services("api", "api-2", args=EVERYTHING)
    assert len([r for r in emitted.resources if r.custom]) == 2 * len(SNAPSHOT)
    for cls, key in (
        (aws.lb.TargetGroup, "name"),
        (aws.lb.LoadBalancer, "name"),
        (aws.iam.Role, "name"),
        (aws.secretsmanager.Secret, "name"),
        (aws.cloudwatch.LogGroup, "name"),
        (aws.ecs.TaskDefinition, "family"),
        (aws.appautoscaling.Policy, "name"),
        (aws.ec2.SecurityGroup, "description"),
    ):
        made = [str(r.inputs[key]) for r in emitted.of_type(cls)]
        assert len(made) == len(set(made)) > 0


def test_no_secret_is_in_what_is_emitted() -> None:
    emitted = services("api", args={**EVERYTHING, "api_key": "hush-hush-hush-hush"})
    assert "hush" not in json.dumps([dict(r.inputs) for r in emitted.resources])
    assert "hush" not in repr(emitted)
    created = services("api", args=PLAIN)
    assert "r" * 40 not in repr(created)  # the password as the table makes it


def test_every_resource_has_a_name_that_aws_takes() -> None:
    emitted = services("a", "b" * 40, args=EVERYTHING)
    for cls in (aws.lb.LoadBalancer, aws.lb.TargetGroup):
        for made in emitted.of_type(cls):
            assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", made.inputs["name"])
    for role in emitted.of_type(aws.iam.Role):
        assert re.fullmatch(r"[\w+=,.@-]{1,64}", role.inputs["name"])
    for secret in emitted.of_type(aws.secretsmanager.Secret):
        assert re.fullmatch(r"[A-Za-z0-9/_+=.@-]{1,512}", secret.inputs["name"])


SIZES = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from([0.1, 0.25, 0.5, 1, 2, 3, 4, 8, 16, 32]),
        "memory_gib": st.sampled_from([0.5, 1, 2, 2.5, 4, 8, 12, 16, 20, 30, 60, 64, 120]),
        "ephemeral_storage_gib": st.integers(15, 205),
        "architecture": st.sampled_from(Architecture),
        "load_seconds": st.floats(0.01, 4000),
        "log_retention_days": st.sampled_from([0, 1, 2, 30, 3653]),
    },
)
SCALING = st.fixed_dictionaries(
    {},
    optional={
        "min_replicas": st.integers(0, 3),
        "max_replicas": st.integers(1, 5),
        "concurrency": st.sampled_from([0, 1, 8, 80]),
        "request_seconds": st.floats(0, 4000),
        "cpu_target_percent": st.integers(5, 95),
        "spot_percent": st.integers(-1, 101),
        "on_demand_base": st.integers(-1, 4),
        "schedules": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["morning", "night", "Noon"]),
                    "schedule": st.sampled_from(["rate(5 minutes)", "cron(0 8 ? * * *)", "daily"]),
                    "min_replicas": st.integers(0, 3),
                    "max_replicas": st.integers(1, 3),
                }
            ),
            max_size=2,
        ),
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.sampled_from([80, 1024, 8080, 65535]),
        "request_timeout_seconds": st.floats(0.001, 3700),
        "idle_timeout_seconds": st.integers(0, 4100),
        "slow_start_seconds": st.sampled_from([0, 10, 30, 900, 901]),
        "balancing": st.sampled_from(Balancing),
        "env": st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_ ]{0,9}", fullmatch=True), st.text()),
        "labels": st.dictionaries(st.text(max_size=130), st.text(max_size=3), max_size=3),
        "model": st.sampled_from(["bundled:sms-spam", "gs://models/a@1", "s3://models/a", "s3://models/a@v"]),
        "public": st.booleans(),
    },
)
NETWORK = st.fixed_dictionaries(
    {},
    optional={
        "allowed_cidrs": st.lists(st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "10.0.0.1/8"]), max_size=2),
        "zones": st.lists(
            st.sampled_from(["eu-west-1a", "eu-west-1b", "eu-west-1c", "eu-west-2a"]), max_size=4
        ),
        "vpc_cidr": st.sampled_from(["10.0.0.0/16", "192.168.0.0/22", "10.0.0.0/23", "1.0.0.0/16"]),
        "egress": st.sampled_from(Egress),
        "internal": st.booleans(),
    },
)


@settings(max_examples=30, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    args=st.one_of(
        *(made.map(lambda args: {**EXISTING, **args}) for made in (SIZES, SCALING, REQUESTS)), NETWORK
    )
)
def test_what_our_checks_pass_keeps_the_contract(args: dict[str, Any]) -> None:
    try:
        made = made_of(args)
    except ValueError:
        return
    assert verdict(made).passes
