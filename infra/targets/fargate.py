"""Asks AWS about a Fargate service through `aws`, the person's own login; changes nothing."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from slipway.infra.errors import Failed, Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets import fargate_releases
from slipway.infra.targets.batch_run import BatchOrder
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.fargate_batch import FargateBatch
from slipway.infra.targets.fargate_batch_task import require_reach
from slipway.infra.targets.fargate_cli import AWS, FargatePlace, answer, objects_at
from slipway.infra.targets.fargate_deployments import (
    UNDER_WAY,
    EcsDeployment,
    newest_deployment,
    rollout_json,
)
from slipway.infra.targets.fargate_failures import failures
from slipway.infra.targets.fargate_jobs import fargate_jobs
from slipway.infra.targets.fargate_rollout import rollout_at
from slipway.infra.targets.status import Status
from slipway.infra.targets.target import CloudTarget, CommandRollout
from slipway.stacks.settings.common import Settings
from slipway.stacks.settings.fargate import FargateSettings

# The newest streams that are read; each task has one.
_STREAMS = 10
# docs.aws.amazon.com/cli/latest/userguide/cliv2-migration.html
_OLD_VERSION = re.compile(r"\baws-cli/1\.")
_STATES = {"COMPLETED": "ready", "FAILED": "failed"}


def fargate_status(stack: str, place: FargatePlace) -> Status:
    """Read the service's current status. Raises Refused without `aws`, Failed if `aws` cannot read it."""
    service = _service(place)
    if service is None or service.get("status") != "ACTIVE":
        return Status(stack, "fargate", "stopped", reason=f"{place.region} has no service {place.service}.")
    newest = answer(place, ["ecs", "describe-task-definition", "--task-definition", place.service])
    task = at(newest, "taskDefinition")
    state, reason = _state(service, str(task.get("taskDefinitionArn", "")))
    if state != "ready" or _misses_tasks(service):
        found = failures(service, place.cluster, lambda command: answer(place, command))
        reason = " ".join([*([reason] if reason else []), *found]) or None
    rollout = _rollout(place, service, state)
    container = at([one for one in objects_at(task, "containerDefinitions") if one.get("essential")], 0)
    environment = {entry["name"]: entry.get("value") for entry in objects_at(container, "environment")}
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
        rollout=rollout,
        jobs=fargate_jobs(place),
    )


def _rollout(place: FargatePlace, service: Mapping[str, Any], state: str) -> dict[str, Any] | None:
    """Return the rollout that is under way or went back; None for a rolling one that is over.

    None too where deployments may not be read: the service's own state is known all the same.
    """
    strategy = at(service, "deploymentConfiguration").get("strategy", "ROLLING")
    if strategy == "ROLLING" and state == "ready":
        return None
    try:
        return rollout_json(place, str(service.get("taskDefinition", "")))
    except Failed:
        return None


def fargate_logs(place: FargatePlace, tail: int) -> Iterator[str]:
    """Yield the last `tail` log entries of the newest tasks, oldest first, one JSON object per line.

    Those of workers are in the same group, so among them.
    """
    order = ["--order-by", "LastEventTime", "--descending", "--max-items", str(_STREAMS)]
    group = ["--log-group-name", place.log_group]
    streams = objects_at(answer(place, ["logs", "describe-log-streams", *group, *order]), "logStreams")
    events: list[dict[str, Any]] = []
    for stream in streams:
        read = ["--log-stream-name", str(stream["logStreamName"]), "--limit", str(max(tail, 1))]
        events += objects_at(answer(place, ["logs", "get-log-events", *group, *read]), "events")
    events.sort(key=lambda event: event["timestamp"])
    for event in events[max(len(events) - tail, 0) :]:
        yield _line(event) + "\n"


def following(place: FargatePlace) -> list[str]:
    """Return the command that follows the log. Raises Refused if this `aws` has none."""
    version = AWS(["--version"])
    if _OLD_VERSION.search(version.stdout + version.stderr):
        raise Refused(
            f"`{AWS.path}` is version 1 of the AWS CLI, which cannot follow a log: `aws logs tail` is in "
            "version 2. https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html shows "
            "how to install that; `slipway logs` without `-f` works with version 1 too."
        )
    return [
        AWS.path,
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
    done = AWS([*asked, "--region", place.region, "--output", "json"])
    if done.returncode:
        if "ClusterNotFoundException" in done.stderr:
            return None
        raise Failed(AWS.said(done))
    return next(iter(objects_at(AWS.object_of(done.stdout), "services")), None)


def _state(service: Mapping[str, Any], newest: str) -> tuple[str, str | None]:
    """Return the primary deployment's state. A complete one may be a rollback to an older task definition."""
    nothing: dict[str, Any] = {}
    deployments = objects_at(service, "deployments")
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
    groups = [group.get("targetGroupArn") for group in objects_at(service, "loadBalancers")]
    if not groups:
        return None
    asked = ["elbv2", "describe-target-groups", "--target-group-arns", str(groups[0])]
    [group, *_] = objects_at(answer(place, asked), "TargetGroups") or [{}]
    balancers: list[str] = group.get("LoadBalancerArns", [])
    if not balancers:
        return None
    asked = ["elbv2", "describe-load-balancers", "--load-balancer-arns", balancers[0]]
    [balancer, *_] = objects_at(answer(place, asked), "LoadBalancers") or [{}]
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


class Fargate(CloudTarget[FargatePlace]):
    """A service of Amazon ECS."""

    name = "fargate"

    def how_to_roll_back(self, config: StackConfig) -> str:
        return f"`slipway rollback --stack {config.stack}` runs an earlier task definition"

    def place(self, service: str, settings: Settings) -> FargatePlace:
        assert isinstance(settings, FargateSettings)
        cluster, takes_jobs = settings.cluster_arn or service, bool(settings.jobs)
        return FargatePlace(service, cluster, settings.region, settings.domain, takes_jobs)

    def status_at(self, stack: str, place: FargatePlace) -> Status:
        return fargate_status(stack, place)

    def log_at(self, place: FargatePlace, tail: int) -> Iterator[str]:
        return fargate_logs(place, tail)

    def releases(self, config: StackConfig) -> list[dict[str, Any]]:
        return fargate_releases.listed(self.place_of(config))

    def promote(self, config: StackConfig) -> dict[str, Any]:
        found = self._under_way(config, "promote")
        raise Refused(
            f"ECS ends the bake of release {found.release} by its clock alone. `slipway rollback` ends it "
            "the other way; a shorter `bakeMinutes` holds from the next rollout on."
        )

    def pause(self, config: StackConfig) -> dict[str, Any]:
        found = self._under_way(config, "pause")
        raise Refused(
            f"ECS does not stop the clock of release {found.release}, which gets {found.percent:g}% of the "
            "requests. `slipway rollback` takes it back."
        )

    def _under_way(self, config: StackConfig, verb: str) -> EcsDeployment:
        found = newest_deployment(self.place_of(config))
        if found is None or found.status not in UNDER_WAY:
            raise Refused(f"No rollout is under way on this stack, so there is none to {verb}.")
        return found

    def roll_back(
        self,
        config: StackConfig,
        release: str | None,
        secrets: bool,
        settings: bool,
        say: Callable[[str], None],
    ) -> tuple[str, str]:
        if not settings:
            raise Refused(
                "A task definition holds code, model and settings together: --keep-settings cannot part them."
            )
        return fargate_releases.roll_back(self.place_of(config), release, secrets, say)

    def command_rollout(
        self, config: StackConfig, again: bool, say: Callable[[str], None]
    ) -> CommandRollout | None:
        return rollout_at(config.stack, self.place_of(config), again, say)

    def batch(self, config: StackConfig, order: BatchOrder, say: Callable[[str], None]) -> FargateBatch:
        settings = settings_from(config)
        assert isinstance(settings, FargateSettings)
        require_reach(settings, order)
        return FargateBatch(self.place_of(config), order, say)

    def following(self, place: FargatePlace) -> list[str]:
        return following(place)


TARGET = Fargate()
