"""A batch on ECS: one task for each shard, of a task definition of its own, outside of any service.

ECS knows the tasks by `startedBy`, which has the batch's name, so that another call of the command finds
those that run. ECS starts no task again: this does, where one was lost or failed, each time it is asked how
far the batch is. Results and checkpoints are the containers' own.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from slipway.infra.errors import Failed, Refused
from slipway.infra.targets.batch_run import (
    COMPLETE,
    MESSAGE,
    BatchOrder,
    BatchProgress,
    BatchRun,
    ShardLines,
)
from slipway.infra.targets.clock import CLOCK, Clock
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.fargate_batch_task import batch_task, shard_variables
from slipway.infra.targets.fargate_batch_tasks import BatchTasks, is_started_again, state_of
from slipway.infra.targets.fargate_cli import AWS, FargatePlace, answer, objects_at

_POLL_SECONDS = 5.0
# A task that is asked to stop has 120 seconds for it.
_END_SECONDS = 300.0
_PATTERN = f'{{ $.message = "{MESSAGE}" }}'


class FargateBatch(BatchRun):
    """One batch in the cluster of a stack, whose workers' image, size and role its tasks have."""

    where: ClassVar[str] = "ECS tasks"

    def __init__(
        self, place: FargatePlace, order: BatchOrder, say: Callable[[str], None], clock: Clock = CLOCK
    ) -> None:
        self._place, self._order, self._say, self._clock = place, order, say, clock
        self._lines, self._since = ShardLines(), 0
        self._tasks = BatchTasks(place, order)
        self._definition, self._detail, self._is_stopping = "", "", False

    def start(self) -> None:
        self._is_stopping = False
        network = self._network()
        self._tasks.read()
        shards = [shard for shard in range(self._order.shards) if self._is_to_start(shard)]
        if not shards:
            return
        self._definition = self._register()
        began = [shard for shard in shards if self._begin(shard, network)]
        if not began and not any(task.is_running for task in self._tasks.newest.values()):
            raise Failed(f"ECS starts no task of the batch: {self._detail}")

    def _is_to_start(self, shard: int) -> bool:
        task = self._tasks.newest.get(shard)
        return task is None or not (task.is_running or task.exit_code == COMPLETE)

    def progress(self) -> BatchProgress:
        self._tasks.read()
        self._read_log()
        self._start_again()
        newest = self._tasks.newest
        running = [task for task in newest.values() if task.is_running]
        state = state_of(newest, self._order.shards, self._is_stopping, self._finished())
        found = self._lines.progress(state, self._order.shards, instances=len(running))
        codes = tuple(task.exit_code for _, task in sorted(newest.items()) if task.exit_code is not None)
        reasons = [task.reason for task in newest.values() if task.reason and not task.is_complete]
        return replace(
            found,
            instance_seconds=self._tasks.seconds(self._clock.now()),
            detail=self._detail or (reasons[0] if reasons else ""),
            exit_codes=codes,
        )

    def stop(self) -> None:
        self._is_stopping = True
        deadline = self._clock.now() + _END_SECONDS
        asked: set[str] = set()
        while True:
            self._tasks.read()
            running = [task for task in self._tasks.newest.values() if task.is_running]
            if not running:
                return
            for task in running:
                if task.arn not in asked:
                    stop = ["ecs", "stop-task", "--cluster", self._place.cluster, "--task", task.arn]
                    answer(self._place, [*stop, "--reason", "slipway batch was stopped"])
                    asked.add(task.arn)
            if self._clock.now() > deadline:
                raise Failed(
                    f"{len(running)} tasks of the batch still run; `{self.log_command()}` shows why."
                )
            self._clock.sleep(_POLL_SECONDS)

    def collect(self) -> None:
        used = {task.definition for task in self._tasks.newest.values()} | {self._definition}
        for definition in sorted(used - {""}):
            answer(self._place, ["ecs", "deregister-task-definition", "--task-definition", definition])

    def log_command(self) -> str:
        place = self._place
        return (
            f"aws logs tail {place.log_group} --log-stream-name-prefix {self._tasks.name} --follow "
            f"--region {place.region}"
        )

    def _register(self) -> str:
        """Register the task definition of the batch; return its ARN. Raises Refused, Failed."""
        base = answer(self._place, ["ecs", "describe-task-definition", "--task-definition", self._base()])
        made = batch_task(at(base, "taskDefinition"), self._order, self._tasks)
        command = ["ecs", "register-task-definition", "--cli-input-json", json.dumps(made)]
        return str(at(answer(self._place, command), "taskDefinition")["taskDefinitionArn"])

    def _base(self) -> str:
        """Return what the tasks are made of: the workers' task definition, else the service's."""
        return self._place.workers if self._place.jobs else self._place.service

    def _network(self) -> Mapping[str, Any]:
        """Return where the service's tasks run. Raises Refused where there is no service."""
        place = self._place
        asked = ["ecs", "describe-services", "--cluster", place.cluster, "--services", place.service]
        done = AWS([*asked, "--region", place.region, "--output", "json"])
        if done.returncode and "ClusterNotFoundException" not in done.stderr:
            raise Failed(AWS.said(done))
        found = [] if done.returncode else objects_at(AWS.object_of(done.stdout), "services")
        active = [each for each in found if each.get("status") == "ACTIVE"]
        if not active:
            raise Refused(
                f"{place.region} has no service {place.service}, whose image a batch runs: `slipway up`."
            )
        return at(active[0], "networkConfiguration")

    def _begin(self, shard: int, network: Mapping[str, Any]) -> bool:
        """Start the task of one shard; return whether ECS took it. Raises Failed where it refuses."""
        provider = "FARGATE_SPOT" if self._order.spot else "FARGATE"
        overrides = [{"name": self._tasks.container, "environment": shard_variables(self._order, shard)}]
        wanted = {
            "cluster": self._place.cluster,
            "taskDefinition": self._definition,
            "count": 1,
            "startedBy": self._tasks.name,
            "capacityProviderStrategy": [{"capacityProvider": provider, "weight": 1}],
            "networkConfiguration": network,
            "overrides": {"containerOverrides": overrides},
            "propagateTags": "TASK_DEFINITION",
            "enableECSManagedTags": True,
        }
        done = answer(self._place, ["ecs", "run-task", "--cli-input-json", json.dumps(wanted)])
        failures = objects_at(done, "failures")
        for task in objects_at(done, "tasks"):
            self._tasks.take(task)
        self._detail = f"ECS starts no task of shard {shard}: {failures[0].get('reason')}" if failures else ""
        return not failures

    def _start_again(self) -> None:
        """Start each shard again whose task was lost or failed, unless it has failed too often."""
        again = (
            [] if self._is_stopping else [shard for shard in range(self._order.shards) if self._lacks(shard)]
        )
        if not again:
            return
        network = self._network()
        self._definition = self._definition or self._register()
        for shard in again:
            task = self._tasks.newest.get(shard)
            if task is not None:
                self._say(f"Shard {shard} ended ({task.ending}) and is started again")
            self._begin(shard, network)

    def _lacks(self, shard: int) -> bool:
        """Return whether a shard that was begun has no task; one whose end ECS forgot is known by its log."""
        task = self._tasks.newest.get(shard)
        if task is None:
            return bool(self._tasks.newest or self._definition) and shard not in self._finished()
        return is_started_again(task, self._tasks.failures.get(shard, 0))

    def _finished(self) -> set[int]:
        """Return the shards that are complete as their log says: ECS forgets a task after an hour."""
        return {shard for shard, line in self._lines.shards.items() if line.get("batch_state") == "complete"}

    def _read_log(self) -> None:
        """Take the lines of progress that are new; none where the log may not be read."""
        asked = ["logs", "filter-log-events", "--log-group-name", self._place.log_group]
        asked += ["--log-stream-name-prefix", self._tasks.name, "--filter-pattern", _PATTERN]
        asked += ["--start-time", str(self._since)]
        try:
            events: Sequence[Mapping[str, Any]] = objects_at(answer(self._place, asked), "events")
        except Failed as error:
            self._detail = self._detail or f"The log cannot be read: {error}"
            return
        ordered = sorted(events, key=lambda event: int(event["timestamp"]))
        self._lines.read(str(event["message"]) for event in ordered)
        if ordered:
            self._since = int(ordered[-1]["timestamp"])
