import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from components.fargate import Architecture, ContainerInsights, Egress, FargateService
from infra.monitor import Resource
from infra.plan import Plan, plan_of
from infra.stackfile import StackConfig
from tests.contract import cloud
from tests.contract.aws_outputs import arn
from tests.contract.cloud import Emitted, emitted_by
from tests.contract.fargate_cases import (
    CLUSTER,
    ELSEWHERE,
    EXISTING,
    IMAGE,
    KEY,
    MORNING,
    PLAIN,
    REFERENCE,
    ROLE,
    SECRET,
    SECURE,
    SHARED,
    SUBNETS,
    VERSION,
)

MODEL = "s3://models/spam/v2@3sL4kqtJlcpXroDTDmJ"
OUTPUTS = ("url", "image_ref", "service_name", "console_url", "logs_command", "api_key", "domain_records")


@cache
def plain() -> Emitted:
    """Of the defaults: it is looked at by many."""
    return emitted_now()


def emitted(**args: Any) -> Emitted:
    return emitted_now(**args) if args else plain()


def emitted_now(**args: Any) -> Emitted:
    """args: a function of nothing makes the argument within the program, where an Output can be made."""

    def program() -> None:
        made = {key: value() if callable(value) else value for key, value in args.items()}
        service = FargateService("api", {**PLAIN, **made})  # pyright: ignore[reportArgumentType]
        for name in OUTPUTS:
            pulumi.export(name, getattr(service, name))

    return emitted_by(program)


def planned(**args: Any) -> Plan:
    def program() -> None:
        service = FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        pulumi.export("key", service.api_key)

    return plan_of(program, StackConfig("demo", "dev", {}, frozenset(), {}))


def service(**args: Any) -> Mapping[str, Any]:
    return emitted(**args).named("api-service").inputs


def task(**args: Any) -> Mapping[str, Any]:
    """In an existing network, for which less is made."""
    return emitted(**EXISTING, **args).named("api-task").inputs


def containers(**args: Any) -> list[dict[str, Any]]:
    return json.loads(task(**args)["containerDefinitions"])


def environment(**args: Any) -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in containers(**args)[0]["environment"]}


def statements(made: Emitted, role: str) -> list[dict[str, Any]]:
    return json.loads(made.named(f"api-{role}-policy").inputs["policy"])["Statement"]


def names_of(urns: tuple[str, ...]) -> set[str]:
    return {urn.split("::")[-1] for urn in urns}


def without_inputs_of(plan: Plan, *names: str) -> list[Resource]:
    return [resource for resource in plan.resources if resource.name not in names]


def test_no_secret_is_in_the_json_of_a_plan() -> None:
    plan = planned(
        api_key="hush-hush-hush-hush", secret_values={"HF_TOKEN": "hush"}, secrets={"DATABASE": REFERENCE}
    )
    text = json.dumps([dict(resource.inputs) for resource in plan.resources]) + json.dumps(dict(plan.outputs))
    assert "hush" not in text
    assert text.count("[secret]") >= 4  # two versions, two arguments of the component


def test_everything_that_a_task_needs_comes_before_the_service() -> None:
    plan = planned(model=MODEL, allowed_cidrs=["10.0.0.0/8"], egress=Egress.ENDPOINTS)
    made = next(r for r in plan.resources if r.name == "api-service")
    assert names_of(made.dependencies) >= {
        "api-capacity",
        "api-execution-policy",
        "api-task-policy",
        "api-http-listener",
        "api-task-ingress",
        "api-task-s3-egress",
        "api-balancer-egress",
        "api-public-route",
        "api-secretsmanager-endpoint",
        "api-task",
    }


def test_the_role_that_starts_tasks_may_pull_log_and_read_each_secret() -> None:
    made = emitted(
        secret_values={"HF_TOKEN": "hush"}, secrets={"A": REFERENCE, "B": f"{SECRET}:user::{VERSION}"}
    )
    assert [(one["Action"], one["Resource"]) for one in statements(made, "execution")] == [
        (["ecr:GetAuthorizationToken"], "*"),
        (
            ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            "arn:aws:ecr:eu-west-1:123456789012:repository/slipway",
        ),
        (
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/api:*",
        ),
        (
            ["secretsmanager:GetSecretValue"],
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api/HF_TOKEN-a1B2c3",
        ),
        (
            ["secretsmanager:GetSecretValue"],
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:api/MODEL_API_KEY-a1B2c3",
        ),
        (["secretsmanager:GetSecretValue"], SECRET),
    ]
    elsewhere = json.dumps(statements(emitted(image_ref=ELSEWHERE), "execution"))
    assert "ecr:" not in elsewhere


def test_the_servers_own_role_may_read_the_model_and_nothing_else() -> None:
    made = emitted(model=MODEL)
    assert statements(made, "task") == [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": "arn:aws:s3:::models/spam/v2/*",
        }
    ]
    assert [r.name for r in emitted().of_type(aws.iam.RolePolicy)] == ["api-execution-policy"]


def test_existing_roles_are_used_and_left_alone() -> None:
    made = emitted(execution_role_arn=ROLE, task_role_arn=ROLE, model=MODEL)
    assert made.of_type(aws.iam.Role) == made.of_type(aws.iam.RolePolicy) == []
    inputs = made.named("api-task").inputs
    assert (inputs["executionRoleArn"], inputs["taskRoleArn"]) == (ROLE, ROLE)


def test_only_tasks_may_take_the_roles() -> None:
    for role in emitted().of_type(aws.iam.Role):
        [trust] = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_a_variable_points_at_a_version_of_its_secret() -> None:
    secrets = containers(secrets={"DATABASE": REFERENCE}, secret_values={"HF_TOKEN": "hush"})[0]["secrets"]
    assert [secret["name"] for secret in secrets] == ["DATABASE", "HF_TOKEN", "MODEL_API_KEY"]
    assert secrets[0]["valueFrom"] == REFERENCE
    assert ":secret:api/MODEL_API_KEY-a1B2c3:::" in secrets[2]["valueFrom"]


def test_a_replaced_version_stays_for_tasks_of_the_revision_before() -> None:
    monitor = cloud.Cloud("demo", "dev")

    def program() -> None:
        FargateService("api", PLAIN)  # pyright: ignore[reportArgumentType]

    cloud.run(program, StackConfig("demo", "dev", {}, frozenset(), {}), monitor, preview=False)
    [request] = [
        made for urn, made in monitor.requests.items() if urn.endswith("::api-MODEL_API_KEY-version")
    ]
    assert request.retainOnDelete


@pytest.mark.parametrize(("protected", "days"), [(True, 30), (False, 0)])
def test_a_deleted_secret_can_come_back_only_where_deletion_is_protected(protected: bool, days: int) -> None:
    secrets = emitted(deletion_protection=protected).of_type(aws.secretsmanager.Secret)
    assert [secret.inputs["recoveryWindowInDays"] for secret in secrets] == [days]


def test_a_key_is_created_only_where_none_is_given() -> None:
    created = emitted().of_type(random.RandomPassword)
    assert [(made.inputs["length"], made.inputs["special"]) for made in created] == [(40, False)]
    assert emitted(api_key=KEY).of_type(random.RandomPassword) == []


def test_defaults_are_small_private_and_stated() -> None:
    made = service()
    assert made["desiredCount"] == 1
    assert made["capacityProviderStrategies"] == [{"base": 1, "capacityProvider": "FARGATE", "weight": 100}]
    assert "launchType" not in made
    assert made["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    assert made["waitForSteadyState"] is True
    assert made["availabilityZoneRebalancing"] == "ENABLED"
    assert made["healthCheckGracePeriodSeconds"] == 60
    inputs = task()
    assert (inputs["cpu"], inputs["memory"], inputs["networkMode"]) == ("1024", "2048", "awsvpc")
    assert inputs["runtimePlatform"] == {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}
    assert "ephemeralStorage" not in inputs
    assert emitted().named("api-cluster").inputs["settings"] == [
        {"name": "containerInsights", "value": "disabled"}
    ]


def test_the_server_is_locked_in() -> None:
    [server] = containers()
    assert server["user"] == "10001:10001"
    assert server["readonlyRootFilesystem"] is True
    assert server["linuxParameters"] == {"capabilities": {"drop": ["ALL"]}}
    assert server["logConfiguration"]["options"]["awslogs-group"] == "/ecs/api"


@pytest.mark.parametrize(("timeout", "drain", "stop"), [(1, 10, 20), (60, 60, 70), (3600, 110, 120)])
def test_a_task_is_killed_only_after_its_drain(timeout: float, drain: int, stop: int) -> None:
    server = containers(request_timeout_seconds=timeout)[0]
    assert server["stopTimeout"] == stop
    assert environment(request_timeout_seconds=timeout)["DRAIN_SECONDS"] == str(drain)


def test_the_server_hears_what_the_platform_does() -> None:
    said = environment(request_timeout_seconds=90, cpu=2, memory_gib=4, port=9000)
    assert (said["HOST"], said["PORT"], said["REQUEST_TIMEOUT_SECONDS"]) == ("0.0.0.0", "9000", "90")
    assert (said["INFERENCE_THREADS"], said["AWS_REGION"]) == ("2", "eu-west-1")
    assert environment(env={"AWS_REGION": "us-east-1"})["AWS_REGION"] == "us-east-1"


def test_the_health_check_is_a_program_that_the_image_has() -> None:
    command = containers()[0]["healthCheck"]["command"]
    assert command[:4] == ["CMD", "python", "-IS", "-c"]
    compile(command[4], "health", "exec")
    assert "/alive" in command[4]


def test_a_model_is_in_the_image_or_fetched_to_a_volume_of_the_server() -> None:
    assert not {"MODEL_SOURCE", "MODEL_CACHE_DIR"} & environment().keys()
    server, owner = containers(model=MODEL)
    said = {entry["name"]: entry["value"] for entry in server["environment"]}
    assert said["MODEL_SOURCE"] == MODEL
    assert said["MODEL_CACHE_DIR"] == server["mountPoints"][0]["containerPath"]
    assert server["dependsOn"] == [{"containerName": owner["name"], "condition": "SUCCESS"}]
    assert (owner["essential"], owner["user"], owner["readonlyRootFilesystem"]) == (False, "0", True)
    assert owner["mountPoints"] == server["mountPoints"]
    compile(owner["command"][0], "owner", "exec")
    assert task(model=MODEL)["volumes"] == [{"name": server["mountPoints"][0]["sourceVolume"]}]


def test_a_slow_model_gets_three_times_its_load_and_a_fetched_one_time_to_fetch() -> None:
    assert service(load_seconds=200)["healthCheckGracePeriodSeconds"] == 600
    assert service(model=MODEL)["healthCheckGracePeriodSeconds"] == 660


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
    assert made.outputs["domain_records"] == [
        "CNAME api.example.com api-1234567890.eu-west-1.elb.amazonaws.com."
    ]


def test_without_one_the_url_is_the_load_balancers() -> None:
    outputs = emitted().outputs
    assert outputs["url"] == "http://api-1234567890.eu-west-1.elb.amazonaws.com"
    assert outputs["domain_records"] == []


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


def own_network(*zones_of_vpcs: int) -> Emitted:
    """A service in subnets that the program makes: of the first VPC, or of the one that each number names."""

    def program() -> None:
        vpcs = [aws.ec2.Vpc(f"vpc-{i}", cidr_block=f"10.{i}.0.0/16", region="eu-west-1") for i in range(2)]
        subnets = [
            aws.ec2.Subnet(
                f"subnet-{i}", vpc_id=vpcs[vpc].id, cidr_block=f"10.{vpc}.{i}.0/24", region="eu-west-1"
            )
            for i, vpc in enumerate(zones_of_vpcs)
        ]
        given = {"vpc_id": vpcs[0].id, "subnet_ids": [subnet.id for subnet in subnets]}
        FargateService("api", {**PLAIN, **given})  # pyright: ignore[reportArgumentType]

    return emitted_by(program)


def test_subnets_of_the_program_may_be_given() -> None:
    made = own_network(0, 0)
    assert (
        made.named("api-service").inputs["networkConfiguration"]["subnets"]
        == (made.named("api-balancer").inputs["subnets"])
    )


def test_subnets_of_two_vpcs_are_refused_before_anything_is_in_them() -> None:
    with pytest.raises(Exception, match=r"api: subnets are in vpc-\w+, and vpc_id is vpc-\w+; all subnets"):
        own_network(0, 1)


def test_an_existing_cluster_is_used_and_left_alone() -> None:
    made = emitted(cluster_arn=CLUSTER, request_seconds=1)
    assert not made.of_type(aws.ecs.Cluster)
    assert not made.of_type(aws.ecs.ClusterCapacityProviders)
    assert made.named("api-scaling").inputs["resourceId"] == "service/shared/api"
    assert "/clusters/shared/services/api/" in made.outputs["console_url"]


def test_insights_and_arm_are_asked_for() -> None:
    made = emitted(architecture=Architecture.ARM64, container_insights=ContainerInsights.ENHANCED)
    assert made.named("api-task").inputs["runtimePlatform"]["cpuArchitecture"] == "ARM64"
    assert made.named("api-cluster").inputs["settings"][0]["value"] == "enhanced"


def test_the_number_of_tasks_is_left_to_the_autoscaler_only_where_there_is_one() -> None:
    def ignored(**args: Any) -> list[str]:
        monitor = cloud.Cloud("demo", "dev")

        def program() -> None:
            FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]

        cloud.run(program, StackConfig("demo", "dev", {}, frozenset(), {}), monitor, preview=False)
        [urn] = [urn for urn in monitor.recorded if urn.endswith("::api-service")]
        return list(monitor.requests[urn].ignoreChanges)

    assert ignored(min_replicas=2, max_replicas=2) == []
    assert ignored() == ["desiredCount"]
    assert ignored(min_replicas=2, max_replicas=2, schedules=[MORNING]) == ["desiredCount"]
    assert not emitted(min_replicas=2, max_replicas=2).of_type(aws.appautoscaling.Target)


def test_scaling_follows_cpu_and_where_measured_requests() -> None:
    def metrics(**args: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for policy in emitted(**args).of_type(aws.appautoscaling.Policy):
            tracking = policy.inputs["targetTrackingScalingPolicyConfiguration"]
            kind = tracking["predefinedMetricSpecification"]["predefinedMetricType"]
            found[kind] = tracking["targetValue"]
        return found

    assert metrics() == {"ECSServiceAverageCPUUtilization": 60}
    assert metrics(request_seconds=1, cpu_target_percent=50) == {
        "ECSServiceAverageCPUUtilization": 50,
        "ALBRequestCountPerTarget": 336,
    }


def test_requests_are_counted_where_the_listener_is() -> None:
    made = emitted(**SHARED, request_seconds=1).named("api-requests-scaling").inputs
    metric = made["targetTrackingScalingPolicyConfiguration"]["predefinedMetricSpecification"]
    assert metric["resourceLabel"].startswith("app/shared/0123456789abcdef/targetgroup/api-8080-")


def test_a_schedule_is_handed_over() -> None:
    [action] = emitted(schedules=[MORNING]).of_type(aws.appautoscaling.ScheduledAction)
    assert (action.inputs["schedule"], action.inputs["timezone"]) == (MORNING["schedule"], "Europe/Berlin")
    assert action.inputs["scalableTargetAction"] == {"minCapacity": 4, "maxCapacity": 20}


def test_outputs_are_those_of_every_target() -> None:
    outputs = emitted().outputs
    assert (outputs["image_ref"], outputs["service_name"]) == (IMAGE, "api")
    assert outputs["logs_command"] == "aws logs tail /ecs/api --follow --region eu-west-1"
    assert planned().outputs["key"] == "[secret]"


def test_more_memory_changes_nothing_but_the_task_and_what_names_it() -> None:
    before, after = planned(), planned(memory_gib=4)
    changed = ("api", "api-task")
    assert without_inputs_of(before, *changed) == without_inputs_of(after, *changed)
    assert before != after


def test_a_service_that_ecs_has_rolled_back_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider reads the service after the rollout: it runs another task definition than asked for."""

    def rolled_back(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        made = arn("ecs", inputs, "service/api/api")
        return {"id": made, "arn": made, "taskDefinition": arn("ecs", inputs, "task-definition/api:7")}

    monkeypatch.setitem(cloud.OUTPUTS, aws.ecs.Service, rolled_back)  # pyright: ignore[reportArgumentType]
    with pytest.raises(Exception, match=r"api: ECS runs .*api:7, and not .*api:1, .*was rolled back"):
        emitted_now()


@pytest.mark.parametrize("image_ref", ["acme/slipway:latest", "acme/slipway"])
def test_an_image_that_turns_out_to_have_no_digest_stops_the_service(image_ref: str) -> None:
    with pytest.raises(Exception, match="must have its digest"):
        emitted(image_ref=lambda: pulumi.Output.from_input(image_ref))


@pytest.mark.parametrize("key", ["short-and-hushed", "hush hush hush hush hush", "hush" * 1025])
def test_a_key_that_turns_out_wrong_stops_the_service_and_is_not_shown(key: str) -> None:
    key = key[:15] if key.startswith("short") else key
    with pytest.raises(Exception, match=r"api_key has \d+ characters \(they are not shown\)") as refusal:
        emitted(api_key=lambda: pulumi.Output.secret(key))
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(("value", "size"), [("", 0), ("x" * 65537, 65537)])
def test_a_secret_that_cannot_be_kept_stops_the_service(value: str, size: int) -> None:
    with pytest.raises(Exception, match=f"secret HF_TOKEN has {size} bytes; it must have from 1 to 65536"):
        emitted(secret_values=lambda: {"HF_TOKEN": pulumi.Output.secret(value)})


def test_a_warning_reaches_the_person_who_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    def warn(text: str, resource: pulumi.Resource) -> None:
        told.append(text)

    monkeypatch.setattr(pulumi.log, "warn", warn)
    emitted_now()
    assert any("api: nobody can call the service" in text for text in told)
