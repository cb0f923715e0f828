"""A stand-in for `aws` over tasks that a person starts in a cluster, with their log; strict as ECS is.

Every input is held against botocore's model of its call. A task runs until a test ends it.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from tests.contract.aws_models import refusals
from tests.contract.fargate_api import Call

ARN = "arn:aws:ecs:eu-west-1:123456789012:"
NETWORK = {
    "awsvpcConfiguration": {
        "subnets": ["subnet-0123456789abcdef0"],
        "securityGroups": ["sg-0123456789abcdef0"],
        "assignPublicIp": "ENABLED",
    }
}
WORKERS: dict[str, Any] = {
    "taskDefinitionArn": f"{ARN}task-definition/slipway-prod-workers:3",
    "family": "slipway-prod-workers",
    "revision": 3,
    "status": "ACTIVE",
    "registeredAt": "2026-11-30T10:00:00+00:00",
    "registeredBy": "arn:aws:iam::123456789012:user/ada",
    "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
    "compatibilities": ["EC2", "FARGATE"],
    "requiresCompatibilities": ["FARGATE"],
    "networkMode": "awsvpc",
    "cpu": "1024",
    "memory": "2048",
    "executionRoleArn": "arn:aws:iam::123456789012:role/slipway-prod-execution",
    "taskRoleArn": "arn:aws:iam::123456789012:role/slipway-prod-worker",
    "volumes": [],
    "placementConstraints": [],
    "containerDefinitions": [
        {
            "name": "server",
            "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:" + "a" * 64,
            "essential": True,
            "cpu": 0,
            "environment": [
                {"name": "EXPECTED_MODEL", "value": "sms-spam-1.0.0"},
                {"name": "JOBS_DATABASE", "value": "postgresql://slipway@db:5432/jobs"},
                {"name": "ROLE", "value": "worker"},
            ],
            "secrets": [
                {
                    "name": "HF_TOKEN",
                    "valueFrom": "arn:aws:secretsmanager:t",
                },
                {"name": "JOBS_DATABASE_PASSWORD", "valueFrom": "arn:aws:secretsmanager:p"},
                {"name": "MODEL_API_KEY", "valueFrom": "arn:aws:secretsmanager:k"},
            ],
            "healthCheck": {"command": ["CMD", "python"]},
            "portMappings": [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}],
            "mountPoints": [],
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": "/ecs/slipway-prod",
                    "awslogs-region": "eu-west-1",
                    "awslogs-stream-prefix": "slipway-prod-workers",
                },
            },
        }
    ],
}
_SERVICES = {"run-task": "RunTask", "register-task-definition": "RegisterTaskDefinition"}


@dataclass
class FakeClock:
    """A clock that goes on only while somebody sleeps. then: called after each sleep."""

    seconds: float = 1000.0
    then: Callable[[], None] = lambda: None

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self.then()


@dataclass
class EcsTasks:
    """state: tasks by ARN, as ECS describes them. lacking: run-task answers so, in place of a task."""

    clock: FakeClock
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    definitions: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    calls: list[list[str]] = field(default_factory=list[list[str]])
    lacking: str = ""
    is_up: bool = True

    def __call__(self, arguments: list[str], *_: Any, **__: Any) -> subprocess.CompletedProcess[str]:
        self.calls.append(arguments)
        answers: dict[str, Callable[[Mapping[str, list[str]]], dict[str, Any]]] = {
            "describe-services": self._services,
            "describe-task-definition": lambda _: {"taskDefinition": WORKERS},
            "register-task-definition": self._register,
            "deregister-task-definition": self._deregister,
            "run-task": self._run,
            "list-tasks": self._list,
            "describe-tasks": lambda options: {"tasks": [self.tasks[arn] for arn in options["--tasks"]]},
            "stop-task": self._stop,
            "filter-log-events": self._log,
        }
        options = _options(arguments[2:])
        if arguments[1] in _SERVICES:
            given = json.loads(options["--cli-input-json"][0])
            assert refusals(Call("ecs", _SERVICES[arguments[1]], given)) == []
        found = answers[arguments[1]](options)
        return subprocess.CompletedProcess(arguments, 0, json.dumps(found), "")

    def end(self, shard: int, exit_code: int | None, stop_code: str = "EssentialContainerExited") -> None:
        """End the newest task of a shard; exit_code: None where the container was killed with its machine."""
        task = self.of(shard)[-1]
        code = {} if exit_code is None else {"exitCode": exit_code}
        task |= {"lastStatus": "STOPPED", "stopCode": stop_code, "stoppedAt": self.clock.seconds}
        task["containers"] = [{"name": "server", **code}]

    def of(self, shard: int) -> list[dict[str, Any]]:
        """Return the tasks of a shard that were started, the newest last."""
        return [task for task in self.tasks.values() if _variables(task)["BATCH_SHARD"] == str(shard)]

    def write(self, shard: int, **fields: Any) -> None:
        """Write a line of progress, as a container does."""
        line = {"message": "Batch", "shard": shard, "shards": 2, **fields}
        self.events.append({"timestamp": int(self.clock.seconds * 1000), "message": json.dumps(line)})

    def forget(self) -> None:
        """Forget the tasks that ended, as ECS does after an hour."""
        self.tasks = {arn: task for arn, task in self.tasks.items() if task["lastStatus"] != "STOPPED"}

    def _services(self, _: Mapping[str, list[str]]) -> dict[str, Any]:
        return {"services": [{"status": "ACTIVE", "networkConfiguration": NETWORK}] if self.is_up else []}

    def _register(self, options: Mapping[str, list[str]]) -> dict[str, Any]:
        given = json.loads(options["--cli-input-json"][0])
        arn = f"{ARN}task-definition/{given['family']}:{len(self.definitions) + 1}"
        self.definitions[arn] = given
        return {"taskDefinition": {**given, "taskDefinitionArn": arn}}

    def _deregister(self, options: Mapping[str, list[str]]) -> dict[str, Any]:
        del self.definitions[options["--task-definition"][0]]
        return {}

    def _run(self, options: Mapping[str, list[str]]) -> dict[str, Any]:
        given = json.loads(options["--cli-input-json"][0])
        assert given["taskDefinition"] in self.definitions
        if self.lacking:
            return {"tasks": [], "failures": [{"reason": self.lacking}]}
        arn = f"{ARN}task/slipway-prod/{len(self.calls):032}"
        self.tasks[arn] = {
            "taskArn": arn,
            "taskDefinitionArn": given["taskDefinition"],
            "startedBy": given["startedBy"],
            "lastStatus": "RUNNING",
            "createdAt": self.clock.seconds + len(self.calls) / 1000,
            "startedAt": self.clock.seconds,
            "overrides": given["overrides"],
            "capacityProviderName": given["capacityProviderStrategy"][0]["capacityProvider"],
            "containers": [{"name": "server"}],
        }
        return {"tasks": [self.tasks[arn]], "failures": []}

    def _list(self, options: Mapping[str, list[str]]) -> dict[str, Any]:
        stopped = options["--desired-status"] == ["STOPPED"]
        family = f"/{options['--family'][0]}:"
        found = (task for task in self.tasks.values() if family in task["taskDefinitionArn"])
        return {
            "taskArns": [task["taskArn"] for task in found if (task["lastStatus"] == "STOPPED") is stopped]
        }

    def _stop(self, options: Mapping[str, list[str]]) -> dict[str, Any]:
        task = self.tasks[options["--task"][0]]
        task["lastStatus"] = "STOPPING"
        return {"task": task}

    def _log(self, options: Mapping[str, list[str]]) -> dict[str, Any]:
        since = int(options["--start-time"][0])
        return {"events": [event for event in self.events if event["timestamp"] >= since]}


def _options(arguments: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for argument in arguments:
        if argument.startswith("--"):
            name = argument
            found[name] = []
        else:
            found[name].append(argument)
    return found


def _variables(task: Mapping[str, Any]) -> dict[str, str]:
    overrides = cast("list[dict[str, Any]]", task["overrides"]["containerOverrides"])
    return {each["name"]: each["value"] for each in overrides[0]["environment"]}
