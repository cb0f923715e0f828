"""Judges the calls that make a Fargate service: AWS's own models first, then our rules read backwards.

It knows nothing of the arguments; the tables are the component's, the reading of them is another one.
botocore checks names, types and least values by itself; choices and largest values stand in its models, and
are walked.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import botocore.session  # pyright: ignore[reportMissingTypeStubs]
from botocore.validate import ParamValidator  # pyright: ignore[reportMissingTypeStubs]

from components.fargate import limits
from components.sizes import FARGATE_MIB
from infra.monitor import Resource
from tests.contract.fargate_api import Call, calls_of

_SESSION: Any = botocore.session.get_session()  # pyright: ignore[reportUnknownMemberType]
_LENGTHS = ("string", "list", "blob", "map")


@cache
def _input_shape(service: str, operation: str) -> Any:
    return _SESSION.get_service_model(service).operation_model(operation).input_shape


def refusals(call: Call) -> list[str]:
    """What AWS's model of the call says against it."""
    shape = _input_shape(call.service, call.operation)
    untyped: Any = ParamValidator()
    report = str(untyped.validate(call.params, shape).generate_report())
    return [
        f"{call.operation}: {fault}" for fault in [*report.splitlines(), *_beyond(shape, call.params, "")]
    ]


def _beyond(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Values that are none of a shape's choices, or above its largest; of other types: botocore's to name."""
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            if name in shape.members:
                yield from _beyond(shape.members[name], item, f"{path}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for place, item in enumerate(cast("list[Any]", value)):
            yield from _beyond(shape.member, item, f"{path}[{place}]")
    choices, most = shape.metadata.get("enum"), shape.metadata.get("max")
    if choices and value not in choices:
        yield f"{path} is {value!r}; the model has {choices}"
    if most is not None and isinstance(value, str | list | dict | int):
        size = len(cast("str", value)) if shape.type_name in _LENGTHS else cast("int", value)
        if size > most:
            yield f"{path} is above {most}"


@dataclass(frozen=True, slots=True)
class Made:
    """The calls of one program, by operation, in the order of the registrations."""

    calls: list[Call]

    @classmethod
    def of(cls, resources: tuple[Resource, ...]) -> "Made":
        return cls([call for resource in resources for call in calls_of(resource.type, resource.inputs)])

    def all(self, operation: str) -> list[dict[str, Any]]:
        return [call.params for call in self.calls if call.operation == operation]

    def one(self, operation: str) -> dict[str, Any]:
        [found] = self.all(operation)
        return found

    @property
    def task(self) -> dict[str, Any]:
        return self.one("RegisterTaskDefinition")

    @property
    def service(self) -> dict[str, Any]:
        return self.one("CreateService")

    @property
    def server(self) -> dict[str, Any]:
        [found] = [container for container in self.task["containerDefinitions"] if container["essential"]]
        return found

    @property
    def environment(self) -> dict[str, str]:
        return {entry["name"]: entry["value"] for entry in self.server["environment"]}

    @property
    def target_group(self) -> dict[str, Any]:
        return self.one("CreateTargetGroup")

    def attribute(self, operation: str, key: str) -> str | None:
        found = [entry for params in self.all(operation) for entry in params["Attributes"]]
        return next((entry["Value"] for entry in found if entry["Key"] == key), None)

    def of_target_group(self, key: str) -> str:
        return self.attribute("ModifyTargetGroupAttributes", key) or ""

    def statements(self, role: str) -> list[dict[str, Any]]:
        policies = [
            params["PolicyDocument"]
            for params in self.all("PutRolePolicy")
            if params["RoleName"].endswith(role)
        ]
        return [one for policy in policies for one in json.loads(policy)["Statement"]]

    def permissions(self, operation: str) -> list[dict[str, Any]]:
        return [one for params in self.all(operation) for one in params["IpPermissions"]]


def _size_is_offered(made: Made) -> bool:
    return int(made.task["memory"]) in FARGATE_MIB.get(int(made.task["cpu"]) / 1024, ())


def _storage_is_offered(made: Made) -> bool:
    storage = made.task.get("ephemeralStorage")
    return storage is None or 21 <= storage["sizeInGiB"] <= 200


def _is_for_fargate(made: Made) -> bool:
    task = made.task
    shape = (task["networkMode"], task["requiresCompatibilities"])
    return shape == ("awsvpc", ["FARGATE"]) and "resourceRequirements" not in made.server


def _server_is_locked_in(made: Made) -> bool:
    server = made.server
    return (
        server["user"] == "10001:10001"
        and server["readonlyRootFilesystem"] is True
        and server["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    )


def _stops_after_the_drain(made: Made) -> bool:
    return int(made.environment["DRAIN_SECONDS"]) < made.server["stopTimeout"] <= 120


def _container_is_asked(made: Made) -> bool:
    check = made.server["healthCheck"]
    return (
        check["command"][:2] == ["CMD", "python"]
        and check["interval"] in limits.HEALTH_INTERVAL_SECONDS
        and check["timeout"] in limits.HEALTH_TIMEOUT_SECONDS
        and check["retries"] in limits.HEALTH_RETRIES
        and check["startPeriod"] in limits.HEALTH_START_SECONDS
    )


def _log_is_kept(made: Made) -> bool:
    options = made.server["logConfiguration"]["options"]
    groups = [params["logGroupName"] for params in made.all("CreateLogGroup")]
    days = made.one("PutRetentionPolicy")["retentionInDays"]
    needed = {"awslogs-group", "awslogs-region", "awslogs-stream-prefix"}
    driver = made.server["logConfiguration"]["logDriver"]
    own = [options.get("awslogs-group")] == groups
    return driver == "awslogs" and needed <= options.keys() and own and days in limits.RETENTION_DAYS


def _secrets_are_pinned(made: Made) -> bool:
    pattern = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^:]+:[^:]*::[A-Za-z0-9-]{32,64}"
    return all(re.fullmatch(pattern, secret["valueFrom"]) for secret in made.server["secrets"])


def _environment_is_allowed(made: Made) -> bool:
    names = [entry["name"] for entry in (*made.server["environment"], *made.server["secrets"])]
    fits = len(json.dumps(made.task["containerDefinitions"]).encode()) <= 65536
    plain = all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in names)
    return len(names) == len(set(names)) and plain and fits and "AWS_EXECUTION_ENV" not in names


def _volume_is_writable(made: Made) -> bool:
    """What is fetched goes to a volume, which another container has given to the server's user before."""
    place = made.environment.get("MODEL_CACHE_DIR")
    if place is None:
        return "mountPoints" not in made.server and not made.task.get("volumes")
    [mount] = made.server["mountPoints"]
    [giver] = [one for one in made.task["containerDefinitions"] if not one["essential"]]
    waits = made.server["dependsOn"] == [{"containerName": giver["name"], "condition": "SUCCESS"}]
    named = [volume["name"] for volume in made.task["volumes"]] == [mount["sourceVolume"]]
    return waits and named and mount["containerPath"] == place and giver["mountPoints"] == [mount]


def _strategy_is_a_strategy(made: Made) -> bool:
    strategy = made.service["capacityProviderStrategy"]
    bases = [item for item in strategy if item.get("base")]
    return (
        "launchType" not in made.service
        and {item["capacityProvider"] for item in strategy} <= {"FARGATE", "FARGATE_SPOT"}
        and sum(item["weight"] for item in strategy) > 0
        and [item["capacityProvider"] for item in bases] in ([], ["FARGATE"])
    )


def _rollout_goes_back(made: Made) -> bool:
    deployment = made.service["deploymentConfiguration"]
    breaker = deployment["deploymentCircuitBreaker"] == {"enable": True, "rollback": True}
    return breaker and deployment["minimumHealthyPercent"] == 100 < deployment["maximumPercent"]


def _port_is_one(made: Made) -> bool:
    [balancer], [mapping] = made.service["loadBalancers"], made.server["portMappings"]
    ports = {
        balancer["containerPort"],
        mapping["containerPort"],
        mapping["hostPort"],
        made.target_group["Port"],
    }
    return (
        ports == {int(made.environment["PORT"])}
        and balancer["containerName"] == made.server["name"]
        and all(1024 <= port <= 65535 for port in ports)
    )


def _targets_are_addresses(made: Made) -> bool:
    return made.target_group["TargetType"] == "ip"


def _targets_are_asked(made: Made) -> bool:
    group = made.target_group
    times = group["HealthCheckIntervalSeconds"], group["HealthCheckTimeoutSeconds"]
    thresholds = group["HealthyThresholdCount"], group["UnhealthyThresholdCount"]
    return (
        group["HealthCheckPath"] == "/ready"
        and times[0] in limits.TARGET_INTERVAL_SECONDS
        and times[1] in limits.TARGET_TIMEOUT_SECONDS
        and times[1] < times[0]
        and all(threshold in limits.TARGET_THRESHOLD for threshold in thresholds)
    )


def _slow_start_is_paired(made: Made) -> bool:
    seconds = int(made.of_target_group("slow_start.duration_seconds"))
    algorithm = made.of_target_group("load_balancing.algorithm.type")
    return seconds == 0 or (30 <= seconds <= 900 and algorithm == "round_robin")


def _requests_outlive_the_balancer(made: Made) -> bool:
    """No connection is dropped, and no task is stopped, under a request that may still take its time."""
    timeout = float(made.environment["REQUEST_TIMEOUT_SECONDS"])
    idle = made.attribute("ModifyLoadBalancerAttributes", "idle_timeout.timeout_seconds")
    delay = int(made.of_target_group("deregistration_delay.timeout_seconds"))
    patient = idle is None or (timeout <= int(idle) and int(idle) in limits.IDLE_TIMEOUT_SECONDS)
    return timeout <= delay and delay in limits.DEREGISTRATION_SECONDS and patient


def _names_fit(made: Made) -> bool:
    names = [
        params["Name"] for kind in ("LoadBalancer", "TargetGroup") for params in made.all(f"Create{kind}")
    ]
    roles = [params["RoleName"] for params in made.all("CreateRole")]
    return all(
        re.fullmatch(r"(?!internal-)[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?", name) for name in names
    ) and (all(re.fullmatch(r"[\w+=,.@-]{1,64}", role) for role in roles))


def _https_is_whole(made: Made) -> bool:
    """With a certificate the plain listener only redirects; without one there is none but it."""
    by_port = {params["Port"]: params for params in made.all("CreateListener")}
    if not by_port:
        return bool(made.all("CreateRule"))
    kinds = {port: params["DefaultActions"][0]["Type"] for port, params in by_port.items()}
    if 443 not in by_port:
        return kinds == {80: "forward"}
    secure = by_port[443]
    has_certificate = bool(secure.get("Certificates")) and secure["Protocol"] == "HTTPS"
    return kinds == {80: "redirect", 443: "forward"} and has_certificate and "TLS13" in secure["SslPolicy"]


def _only_the_balancer_gets_in(made: Made) -> bool:
    """A rule from addresses opens a listener or the endpoints; the tasks' port opens to a group alone."""
    port = made.server["portMappings"][0]["containerPort"]
    for permission in made.permissions("AuthorizeSecurityGroupIngress"):
        opened = permission["FromPort"]
        if permission["ToPort"] != opened or permission["IpProtocol"] != "tcp":
            return False
        if "IpRanges" in permission and (opened == port or opened not in (80, 443)):
            return False
        if "UserIdGroupPairs" in permission and opened != port:
            return False
    return True


def _only_https_gets_out(made: Made) -> bool:
    return all(
        permission["FromPort"] == permission["ToPort"] == 443 or "UserIdGroupPairs" in permission
        for permission in made.permissions("AuthorizeSecurityGroupEgress")
    )


def _zones_are_two(made: Made) -> bool:
    own = {params["AvailabilityZone"] for params in made.all("CreateSubnet")}
    subnets = made.service["networkConfiguration"]["awsvpcConfiguration"]["subnets"]
    return 2 <= len(set(subnets)) <= 16 and (not own or len(own) >= 2)


def _subnets_lie_in_the_vpc(made: Made) -> bool:
    subnets = [ipaddress.ip_network(params["CidrBlock"]) for params in made.all("CreateSubnet")]
    whole = [ipaddress.ip_network(params["CidrBlock"]) for params in made.all("CreateVpc")]
    apart = not any(a.overlaps(b) for a in subnets for b in subnets if a is not b)
    return apart and all(any(subnet.subnet_of(vpc) for vpc in whole) for subnet in subnets)  # pyright: ignore[reportArgumentType]


def _public_tasks_have_a_way_out(made: Made) -> bool:
    """In an own network: a public address, or an endpoint for each service that a task needs."""
    if not made.all("CreateVpc"):
        return True
    address = made.service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    endpoints = {params["ServiceName"].split(".", 3)[-1] for params in made.all("CreateVpcEndpoint")}
    return address != (endpoints >= {"ecr.api", "ecr.dkr", "logs", "secretsmanager", "s3"})


def _scaling_is_bounded(made: Made) -> bool:
    count = made.service["desiredCount"]
    targets = made.all("RegisterScalableTarget")
    bounds = [(target["MinCapacity"], target["MaxCapacity"]) for target in targets]
    bounds += [
        (action["ScalableTargetAction"]["MinCapacity"], action["ScalableTargetAction"]["MaxCapacity"])
        for action in made.all("PutScheduledAction")
    ]
    return count >= 1 and len(targets) <= 1 and all(1 <= low <= high for low, high in bounds)


def _scaling_names_the_service(made: Made) -> bool:
    cluster = made.service["cluster"].split("/")[-1]
    expected = f"service/{cluster}/{made.service['serviceName']}"
    operations = ("RegisterScalableTarget", "PutScalingPolicy", "PutScheduledAction")
    return all(params["ResourceId"] == expected for one in operations for params in made.all(one))


def _metrics_are_labelled(made: Made) -> bool:
    for params in made.all("PutScalingPolicy"):
        metric = params["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"]
        label = metric.get("ResourceLabel")
        by_requests = metric["PredefinedMetricType"] == "ALBRequestCountPerTarget"
        pattern = r"app/[A-Za-z0-9-]+/[0-9a-f]+/targetgroup/[A-Za-z0-9-]+/[0-9a-f]+"
        if by_requests != bool(label and re.fullmatch(pattern, label)):
            return False
    return True


def _rights_are_few(made: Made) -> bool:
    """No action or resource with a wildcard but the login to ECR, a log's streams and a model's files."""
    for statement in (*made.statements("-execution"), *made.statements("-task")):
        resource, actions = statement["Resource"], statement["Action"]
        if any("*" in action for action in actions):
            return False
        allowed = {
            "*": ["ecr:GetAuthorizationToken"],
            ":*": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "/*": ["s3:GetObject", "s3:GetObjectVersion"],
        }
        wild = next((end for end in ("/*", ":*", "*") if resource.endswith(end)), None)
        if "*" in resource[:-1] or (wild is not None and actions != allowed[wild]):
            return False
    return True


def _each_secret_has_a_statement(made: Made) -> bool:
    if not made.all("PutRolePolicy"):
        return True  # existing roles: their rights are their owner's
    read = [
        statement["Resource"]
        for statement in made.statements("-execution")
        if statement["Action"] == ["secretsmanager:GetSecretValue"]
    ]
    used = {":".join(secret["valueFrom"].split(":")[:7]) for secret in made.server["secrets"]}
    return sorted(read) == sorted(used)


RULES: Mapping[str, Callable[[Made], bool]] = {
    "the size is offered": _size_is_offered,
    "the disk is offered": _storage_is_offered,
    "it is a task for Fargate, without a GPU": _is_for_fargate,
    "the image has its digest": lambda m: bool(re.search(r"@sha256:[0-9a-f]{64}$", m.server["image"])),
    "the server is not root, on a read-only root": _server_is_locked_in,
    "a task stops after its drain": _stops_after_the_drain,
    "the container is asked within limits": _container_is_asked,
    "the log has a group of its own, kept for a while": _log_is_kept,
    "every secret's version is pinned": _secrets_are_pinned,
    "the environment is allowed": _environment_is_allowed,
    "a fetched model has a writable place": _volume_is_writable,
    "capacity comes from a strategy alone": _strategy_is_a_strategy,
    "a failed rollout goes back": _rollout_goes_back,
    "a rollout gets time to load": lambda m: m.service["healthCheckGracePeriodSeconds"] >= 60,
    "tasks spread over zones": lambda m: m.service["availabilityZoneRebalancing"] == "ENABLED",
    "there is one port": _port_is_one,
    "targets are addresses": _targets_are_addresses,
    "targets are asked within limits": _targets_are_asked,
    "a slow start comes with round robin": _slow_start_is_paired,
    "requests may take their time": _requests_outlive_the_balancer,
    "names fit": _names_fit,
    "HTTPS is whole": _https_is_whole,
    "only the load balancer gets to a task": _only_the_balancer_gets_in,
    "only HTTPS gets out": _only_https_gets_out,
    "there are two zones": _zones_are_two,
    "subnets lie apart in their VPC": _subnets_lie_in_the_vpc,
    "tasks have one way out": _public_tasks_have_a_way_out,
    "the number of tasks is bounded": _scaling_is_bounded,
    "scaling names the service": _scaling_names_the_service,
    "requests per target name both": _metrics_are_labelled,
    "roles may do little": _rights_are_few,
    "each secret has a statement": _each_secret_has_a_statement,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """refused: what AWS's models say. broken: our rules; read only where the models refuse nothing."""

    refused: list[str]
    broken: list[str]

    @property
    def passes(self) -> bool:
        return not (self.refused or self.broken)


def verdict(made: Made) -> Verdict:
    refused = [fault for call in made.calls for fault in refusals(call)]
    return Verdict(refused, [] if refused else [name for name, holds in RULES.items() if not holds(made)])
