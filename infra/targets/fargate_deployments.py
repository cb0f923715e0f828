"""Reads how ECS rolled a service out: its newest deployment, and the task definitions that it keeps.

Shapes: botocore 1.44.5, ecs ServiceDeployment, ServiceRevision. Each rollout has a task definition of its
own, so a release goes by the number of its revision.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from slipway.components.rollouts import states
from slipway.components.rollouts.kinds import BLUE_GREEN, CANARY, ROLLING
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.fargate_cli import FargatePlace, answer, objects_at

# What the command leaves on a task definition: whose release it is, and why it was taken back.
FINGERPRINT, COMMIT, STACK, WENT_BACK = (
    f"slipway.{key}" for key in ("release", "commit", "stack", "went-back")
)
# The newest releases that are listed and can come back.
KEPT = 10
UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS"})
GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
_KINDS = {"ROLLING": ROLLING, "CANARY": CANARY, "BLUE_GREEN": BLUE_GREEN}
WENT = frozenset({"ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED"})


@dataclass(frozen=True, slots=True)
class EcsDeployment:
    """One deployment of a service. task: the ARN of its task definition. percent: of the requests it gets.

    reason: why it is as it is, with the alarms that went off. strategy: as ECS names it.
    """

    arn: str
    status: str
    task: str
    reason: str = ""
    stage: str = ""
    strategy: str = "ROLLING"
    percent: float = 100.0

    @property
    def release(self) -> str:
        return revision_of(self.task)


def newest_deployment(place: FargatePlace) -> EcsDeployment | None:
    """Return the service's newest deployment; None before the first. Raises Failed."""
    service = ["--cluster", place.cluster, "--service", place.service]
    listed = objects_at(answer(place, ["ecs", "list-service-deployments", *service]), "serviceDeployments")
    if not listed:
        return None
    arn = str(max(listed, key=lambda each: str(each.get("createdAt")))["serviceDeploymentArn"])
    asked = ["ecs", "describe-service-deployments", "--service-deployment-arns", arn]
    found = at(objects_at(answer(place, asked), "serviceDeployments"), 0)
    target = at(found, "targetServiceRevision")
    asked = ["ecs", "describe-service-revisions", "--service-revision-arns", str(target.get("arn", ""))]
    revision = at(objects_at(answer(place, asked), "serviceRevisions"), 0)
    return EcsDeployment(
        arn,
        str(found.get("status", "")),
        str(revision.get("taskDefinition", "")),
        _reason(found),
        str(found.get("lifecycleStage", "")),
        str(at(found, "deploymentConfiguration").get("strategy", "ROLLING")),
        float(target.get("requestedProductionTrafficWeight") or 0.0),
    )


def rollout_json(place: FargatePlace, serving: str) -> dict[str, Any] | None:
    """Return the newest rollout as `status` has it, unless it is over and serves. Raises Failed.

    serving: the task definition that serves.
    """
    found = newest_deployment(place)
    if found is None or found.status == "SUCCESSFUL":
        return None
    went = found.status in WENT or found.task == serving
    return {
        "new": found.release,
        "old": revision_of(serving),
        "kind": _KINDS.get(found.strategy, found.strategy),
        "state": states.BACK if went else "going back" if found.status in GOING_BACK else states.UNDER_WAY,
        "percent": found.percent,
        "stage": found.stage.replace("_", " ").lower() or None,
        "reason": found.reason or None,
    }


def _reason(deployment: Mapping[str, Any]) -> str:
    """Return why a deployment is as it is, in ECS's words, without their full stop."""
    alarms: list[Any] = at(deployment, "alarms").get("triggeredAlarmNames") or []
    said = str(at(deployment, "rollback").get("reason") or deployment.get("statusReason") or "")
    parts = [said.strip().rstrip("."), f"in ALARM: {', '.join(map(str, alarms))}" if alarms else ""]
    return "; ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class TaskRelease:
    """One task definition that a service ran or was to run, with its tags."""

    task: Mapping[str, Any]
    tags: Mapping[str, str]

    @property
    def arn(self) -> str:
        return str(self.task.get("taskDefinitionArn", ""))

    @property
    def name(self) -> str:
        return revision_of(self.arn)

    @property
    def went_back(self) -> str:
        return self.tags.get(WENT_BACK, "")

    @property
    def server(self) -> Mapping[str, Any]:
        essential = [each for each in objects_at(self.task, "containerDefinitions") if each.get("essential")]
        return at(essential, 0)

    @property
    def image(self) -> str:
        return str(self.server.get("image", ""))

    @property
    def secrets(self) -> Mapping[str, str]:
        """Return environment name -> the secret's version."""
        return {str(each["name"]): str(each["valueFrom"]) for each in objects_at(self.server, "secrets")}

    def environment(self, name: str) -> str:
        entries = objects_at(self.server, "environment")
        return next((str(each.get("value", "")) for each in entries if each.get("name") == name), "")


def kept_tasks(place: FargatePlace) -> list[str]:
    """Return the ARNs of the newest task definitions that are active, the newest first. Raises Failed."""
    family = ["--family-prefix", place.service, "--status", "ACTIVE", "--sort", "DESC"]
    listed = answer(place, ["ecs", "list-task-definitions", *family, "--max-items", str(KEPT)])
    arns = cast("list[str]", listed.get("taskDefinitionArns") or [])
    return [arn for arn in arns if arn.rpartition("/")[2].rpartition(":")[0] == place.service][:KEPT]


def kept_releases(place: FargatePlace) -> list[TaskRelease]:
    """Return the same with all that is in them. Raises Failed."""
    return [release_of(place, arn) for arn in kept_tasks(place)]


def release_of(place: FargatePlace, task: str) -> TaskRelease:
    """Return a task definition with its tags. task: its ARN, or `family:revision`. Raises Failed."""
    asked = ["ecs", "describe-task-definition", "--task-definition", task, "--include", "TAGS"]
    found = answer(place, asked)
    tags = {str(each["key"]): str(each.get("value", "")) for each in objects_at(found, "tags")}
    return TaskRelease(at(found, "taskDefinition"), tags)


def revision_of(arn: str) -> str:
    """Return the number of a task definition's revision: the last part of its ARN."""
    return arn.rpartition(":")[2]
