"""Asks AWS about a Fargate service through `aws`, the person's own login; changes nothing."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.cloud_cli import Command, at
from slipway.infra.targets.fargate_failures import failures
from slipway.infra.targets.status import Status
from slipway.infra.targets.target import CloudTarget
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.fargate import FargateSettings

_aws = Command(
    "aws",
    "A Fargate stack needs the AWS CLI, `aws`, which is not on PATH: "
    "https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html shows how to install it; "
    "then `aws configure sso`.",
)
# The newest streams that are read; each task has one.
_STREAMS = 10
# docs.aws.amazon.com/cli/latest/userguide/cliv2-migration.html
_OLD_VERSION = re.compile(r"\baws-cli/1\.")
_STATES = {"COMPLETED": "ready", "FAILED": "failed"}


@dataclass(frozen=True, slots=True)
class FargatePlace:
    """Which service it is. domain: '' where the load balancer's own address is the URL."""

    service: str
    cluster: str
    region: str
    domain: str = ""

    @property
    def log_group(self) -> str:
        return f"/ecs/{self.service}"


def fargate_status(stack: str, place: FargatePlace) -> Status:
    """Read the service's current status. Raises Refused without `aws`, Failed if `aws` cannot read it."""
    service = _service(place)
    if service is None or service.get("status") != "ACTIVE":
        return Status(stack, "fargate", "stopped", reason=f"{place.region} has no service {place.service}.")
    newest = _answer(place, ["ecs", "describe-task-definition", "--task-definition", place.service])
    task = at(newest, "taskDefinition")
    state, reason = _state(service, str(task.get("taskDefinitionArn", "")))
    if state != "ready" or _misses_tasks(service):
        found = failures(service, place.cluster, lambda command: _answer(place, command))
        reason = " ".join([*([reason] if reason else []), *found]) or None
    container = at([one for one in _objects(task, "containerDefinitions") if one.get("essential")], 0)
    environment = {entry["name"]: entry.get("value") for entry in _objects(container, "environment")}
    return Status(
        stack=stack,
        target="fargate",
        state=state,
        url=f"https://{place.domain}" if place.domain else _address(place, service),
        limits={"cpu_units": task.get("cpu"), "memory_mib": task.get("memory"), **_tasks(service)},
        started_at=str(service.get("createdAt", "")) or None,
        model=environment.get("MODEL_SOURCE") or container.get("image"),
        version=str(service.get("taskDefinition", "")).rpartition("/")[2] or None,
        device="cpu" if state == "ready" else None,  # Fargate has no GPU
        reason=reason,
    )


def fargate_logs(place: FargatePlace, tail: int) -> Iterator[str]:
    """Yield the last `tail` log entries of the newest tasks, oldest first, one JSON object per line."""
    order = ["--order-by", "LastEventTime", "--descending", "--max-items", str(_STREAMS)]
    group = ["--log-group-name", place.log_group]
    streams = _objects(_answer(place, ["logs", "describe-log-streams", *group, *order]), "logStreams")
    events: list[dict[str, Any]] = []
    for stream in streams:
        read = ["--log-stream-name", str(stream["logStreamName"]), "--limit", str(max(tail, 1))]
        events += _objects(_answer(place, ["logs", "get-log-events", *group, *read]), "events")
    events.sort(key=lambda event: event["timestamp"])
    for event in events[max(len(events) - tail, 0) :]:
        yield _line(event) + "\n"


def following(place: FargatePlace) -> list[str]:
    """Return the command that follows the log. Raises Refused if this `aws` has none."""
    version = _aws(["--version"])
    if _OLD_VERSION.search(version.stdout + version.stderr):
        raise Refused(
            f"`{_aws.path}` is version 1 of the AWS CLI, which cannot follow a log: `aws logs tail` is in "
            "version 2. https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html shows "
            "how to install that; `slipway logs` without `-f` works with version 1 too."
        )
    return [
        _aws.path,
        "logs",
        "tail",
        place.log_group,
        "--follow",
        "--format",
        "short",
        "--region",
        place.region,
    ]


def _service(place: FargatePlace) -> dict[str, Any] | None:
    asked = ["ecs", "describe-services", "--cluster", place.cluster, "--services", place.service]
    done = _aws([*asked, "--region", place.region, "--output", "json"])
    if done.returncode:
        if "ClusterNotFoundException" in done.stderr:
            return None
        raise Failed(_aws.said(done))
    return next(iter(_objects(_aws.object_of(done.stdout), "services")), None)


def _answer(place: FargatePlace, arguments: list[str]) -> dict[str, Any]:
    done = _aws([*arguments, "--region", place.region, "--output", "json"])
    if done.returncode:
        raise Failed(_aws.said(done))
    return _aws.object_of(done.stdout)


def _state(service: Mapping[str, Any], newest: str) -> tuple[str, str | None]:
    """Return the primary deployment's state. A complete one may be a rollback to an older task definition."""
    nothing: dict[str, Any] = {}
    deployments = _objects(service, "deployments")
    primary = next((one for one in deployments if one.get("status") == "PRIMARY"), nothing)
    state = _STATES.get(str(primary.get("rolloutState")), "starting")
    told = str(primary.get("rolloutStateReason", ""))
    runs = str(service.get("taskDefinition", ""))
    if state == "ready" and newest and runs != newest:
        return "failed", (
            f"It serves {_revision(runs)}; {_revision(newest)} is newer and does not run: it was rolled "
            "back, or "
            f"`up` did not finish. {told}".rstrip()
        )
    return state, None if state == "ready" else told or None


def _revision(arn: str) -> str:
    return arn.rpartition("/")[2]


def _misses_tasks(service: Mapping[str, Any]) -> bool:
    return int(service.get("runningCount") or 0) < int(service.get("desiredCount") or 0)


def _tasks(service: Mapping[str, Any]) -> dict[str, Any]:
    return {"tasks": service.get("runningCount"), "tasks_wanted": service.get("desiredCount")}


def _address(place: FargatePlace, service: Mapping[str, Any]) -> str | None:
    """Return the address of the load balancer that sends it requests."""
    groups = [group.get("targetGroupArn") for group in _objects(service, "loadBalancers")]
    if not groups:
        return None
    asked = ["elbv2", "describe-target-groups", "--target-group-arns", str(groups[0])]
    [group, *_] = _objects(_answer(place, asked), "TargetGroups") or [{}]
    balancers: list[str] = group.get("LoadBalancerArns", [])
    if not balancers:
        return None
    asked = ["elbv2", "describe-load-balancers", "--load-balancer-arns", balancers[0]]
    [balancer, *_] = _objects(_answer(place, asked), "LoadBalancers") or [{}]
    return f"http://{balancer['DNSName']}" if "DNSName" in balancer else None


def _line(event: Mapping[str, Any]) -> str:
    """Render a log event as JSON; text that is not JSON, such as a Python traceback, becomes its message."""
    message = str(event.get("message", "")).rstrip("\n")
    try:
        found = json.loads(message)
    except json.JSONDecodeError:
        found = None
    entry = cast("dict[str, Any]", found) if isinstance(found, dict) else {"message": message}
    return json.dumps({"timestamp": event["timestamp"], **entry}, ensure_ascii=False)


def _objects(value: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = value.get(key)
    return cast("list[dict[str, Any]]", found) if isinstance(found, list) else []


class Fargate(CloudTarget[FargatePlace]):
    """A service of Amazon ECS."""

    name = "fargate"
    how_to_roll_back = (
        "`aws ecs update-service --cluster CLUSTER --service SERVICE --task-definition FAMILY:REVISION` runs "
        "an earlier task definition until the next `up`"
    )

    def place(self, service: str, settings: Settings) -> FargatePlace:
        assert isinstance(settings, FargateSettings)
        return FargatePlace(service, settings.cluster_arn or service, settings.region, settings.domain)

    def status_at(self, stack: str, place: FargatePlace) -> Status:
        return fargate_status(stack, place)

    def log_at(self, place: FargatePlace, tail: int) -> Iterator[str]:
        return fargate_logs(place, tail)

    def following(self, place: FargatePlace) -> list[str]:
        return following(place)


TARGET = Fargate()
