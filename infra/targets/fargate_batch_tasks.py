"""The tasks of one batch as ECS knows them: which shard each is, how it ended, and for how long it ran.

Shapes: botocore 1.44.5, ecs Task. ECS forgets a task about an hour after its end.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from slipway.infra.targets.batch_run import (
    COMPLETE,
    REFUSED,
    STOPPED,
    TOO_MANY_FAILED,
    BatchOrder,
    BatchState,
)
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.fargate_cli import FargatePlace, answer, objects_at

# DOCS AmazonECS/latest/APIReference/API_DescribeTasks
_DESCRIBED = 100
# components/fargate/task.py
CONTAINER = "server"
# Another try does not help.
_FINAL = frozenset({COMPLETE, REFUSED, TOO_MANY_FAILED})
# By which ECS says that a task was not ended by its container: botocore, ecs TaskStopCode.
_LOST = frozenset({"SpotInterruption", "TerminationNotice"})
MOST_FAILURES = 3


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One task. began, ended: seconds since 1970; None: not yet. exit_code: None where ECS has none."""

    arn: str
    shard: int
    definition: str
    status: str
    created: float
    began: float | None = None
    ended: float | None = None
    exit_code: int | None = None
    stop_code: str = ""
    reason: str = ""

    @property
    def is_running(self) -> bool:
        """Return whether it runs or is about to."""
        return self.status != "STOPPED"

    @property
    def is_complete(self) -> bool:
        return self.exit_code == COMPLETE

    @property
    def is_lost(self) -> bool:
        """Return whether its end is nobody's fault: capacity that was taken away, or a stop from outside."""
        return self.stop_code in _LOST or self.exit_code == STOPPED

    @property
    def ending(self) -> str:
        """Return how it ended, in words."""
        code = "" if self.exit_code is None else f"exit code {self.exit_code}"
        return ", ".join(filter(None, [code, self.reason or self.stop_code])) or "without a reason"


@dataclass(slots=True)
class BatchTasks:
    """The tasks of one batch, as they were read. newest: of each shard. failures: how many of it failed."""

    place: FargatePlace
    order: BatchOrder
    known: dict[str, ShardTask] = field(default_factory=dict[str, ShardTask])

    @property
    def service(self) -> str:
        return self.place.service

    @property
    def family(self) -> str:
        return f"{self.service}-batch"

    @property
    def name(self) -> str:
        """Return what ECS and the log know the batch by."""
        return f"{self.service}-batch-{self.order.name}"

    @property
    def container(self) -> str:
        return CONTAINER

    @property
    def newest(self) -> dict[int, ShardTask]:
        ordered = sorted(self.known.values(), key=lambda task: task.created)
        return {task.shard: task for task in ordered}

    @property
    def failures(self) -> dict[int, int]:
        found: dict[int, int] = {}
        for task in self.known.values():
            if not (task.is_running or task.is_complete or task.is_lost):
                found[task.shard] = found.get(task.shard, 0) + 1
        return found

    def read(self) -> None:
        """Ask ECS for the tasks that run and those that have ended. Raises Failed."""
        arns = [arn for status in ("RUNNING", "STOPPED") for arn in self._listed(status)]
        for place in range(0, len(arns), _DESCRIBED):
            some = arns[place : place + _DESCRIBED]
            asked = ["ecs", "describe-tasks", "--cluster", self.place.cluster, "--tasks", *some]
            for task in objects_at(answer(self.place, asked), "tasks"):
                self.take(task)

    def take(self, task: Mapping[str, Any]) -> None:
        """Keep one task of this batch, as ECS describes it."""
        shard = _shard_of(task)
        if task.get("startedBy") != self.name or shard is None:
            return
        arn = str(task["taskArn"])
        container = next(iter(_servers(task)), cast("dict[str, Any]", {}))
        self.known[arn] = ShardTask(
            arn,
            shard,
            str(task.get("taskDefinitionArn", "")),
            str(task.get("lastStatus", "")),
            _seconds(task.get("createdAt")) or 0.0,
            _seconds(task.get("startedAt")),
            _seconds(task.get("stoppedAt")),
            container.get("exitCode"),
            str(task.get("stopCode") or ""),
            str(container.get("reason") or task.get("stoppedReason") or ""),
        )

    def seconds(self, now: float) -> float:
        """Return for how long all tasks have run together."""
        began = ((task, task.began) for task in self.known.values())
        return sum((task.ended or now) - start for task, start in began if start is not None)

    def _listed(self, status: str) -> list[str]:
        asked = ["ecs", "list-tasks", "--cluster", self.place.cluster, "--family", self.family]
        found = answer(self.place, [*asked, "--desired-status", status]).get("taskArns")
        return [str(arn) for arn in cast("list[Any]", found or [])]


def is_started_again(task: ShardTask, failures: int) -> bool:
    """Return whether a shard is to be started again, whose newest task this is. failures: of its tasks."""
    if task.is_running or task.exit_code in _FINAL:
        return False
    return task.is_lost or failures < MOST_FAILURES


def state_of(
    newest: Mapping[int, ShardTask], shards: int, is_stopping: bool, finished: set[int]
) -> BatchState:
    """Return the state of a batch. finished: shards that are complete as their log says."""
    running = [task for task in newest.values() if task.is_running]
    complete = finished | {shard for shard, task in newest.items() if task.is_complete}
    if len(complete) == shards:
        return BatchState.COMPLETE
    if running:
        began = any(task.began is not None for task in running)
        return BatchState.RUNNING if began or complete else BatchState.WAITING
    if is_stopping:
        return BatchState.STOPPED
    failed = [task for shard, task in newest.items() if shard not in complete and not task.is_lost]
    return BatchState.FAILED if failed else BatchState.WAITING


def _servers(task: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (each for each in objects_at(task, "containers") if each.get("name") == CONTAINER)


def _shard_of(task: Mapping[str, Any]) -> int | None:
    for override in objects_at(at(task, "overrides"), "containerOverrides"):
        for variable in objects_at(override, "environment"):
            if variable.get("name") == "BATCH_SHARD":
                return int(variable["value"])
    return None


def _seconds(value: Any) -> float | None:
    """Return a time as seconds: the CLI writes ISO 8601, version 1 of it seconds."""
    if value is None:
        return None
    return float(value) if isinstance(value, int | float) else datetime.fromisoformat(str(value)).timestamp()
