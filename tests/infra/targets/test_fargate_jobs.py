"""`slipway status` of a Fargate stack that takes jobs, with a stand-in for `aws`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from slipway.components.fargate.jobs.counts import FIELDS as COUNTED
from slipway.components.fargate.names import log_group_name, workers_name
from slipway.infra.targets.cloud_cli import Command
from slipway.infra.targets.fargate_cli import FargatePlace
from slipway.infra.targets.fargate_jobs import FIELDS, roll_back_workers
from tests.conftest import write_stack
from tests.infra.targets.test_fargate import SETTINGS, Aws, run, services, status

LINE = {
    "message": "Jobs",
    "jobs_waiting": 7,
    "jobs_running": 2,
    "jobs_oldest_seconds": 40,
    "jobs_set_aside": 1,
}


def events(*lines: dict[str, Any]) -> dict[str, Any]:
    return {"events": [{"timestamp": place, "message": json.dumps(line)} for place, line in enumerate(lines)]}


@pytest.fixture
def aws(project: Path, tmp_path: Path) -> Aws:
    write_stack(project, {**SETTINGS, "jobs": "true"}, "prod")
    found = Aws(tmp_path / "bin")
    found.answers("filter-log-events", events({**LINE, "jobs_waiting": 9}, LINE))
    return found


def test_the_jobs_of_the_newest_line_and_the_workers_are_shown(project: Path, aws: Aws) -> None:
    found = status(project, aws)["jobs"]
    counts = {name: found[name] for name in ("waiting", "running", "oldest_seconds", "set_aside")}
    assert counts == {"waiting": 7, "running": 2, "oldest_seconds": 40, "set_aside": 1}
    [workers] = found["workers"]
    assert (workers["running"], workers["wanted"]) == (2, 3)
    assert any("--services slipway-prod-workers " in call for call in aws.calls)


def test_people_read_the_jobs_in_one_line(project: Path, aws: Aws) -> None:
    shown = " ".join(run(project, aws, "status", "prod").stdout.split())
    assert "7 waiting, 2 running, 1 set aside, the oldest for 40 s; workers: 2 of 3 in slipway-prod" in shown


def test_without_the_right_to_filter_the_log_jobs_are_not_counted(project: Path, aws: Aws) -> None:
    aws.refuses("filter-log-events", "AccessDeniedException")
    found = status(project, aws)["jobs"]
    assert (found["waiting"], found["workers"][0]["running"]) == (None, 2)


def test_a_failed_rollout_of_workers_is_shown_with_its_reason(project: Path, aws: Aws) -> None:
    aws.answers("describe-services", services(rollout="FAILED", reason="tasks failed to start."))
    assert status(project, aws)["jobs"]["workers"][0]["reason"] == "tasks failed to start."


def test_a_service_without_jobs_has_none(project: Path, aws: Aws) -> None:
    write_stack(project, SETTINGS, "prod")
    assert status(project, aws)["jobs"] is None
    assert not [call for call in aws.calls if "workers" in call or "filter-log-events" in call]


def test_the_names_are_those_of_the_component() -> None:
    place = FargatePlace("api", "api", "eu-west-1")
    assert (place.workers, place.log_group) == (workers_name("api"), log_group_name("api"))
    assert FIELDS == COUNTED


@pytest.fixture
def updates(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Answer for three task definitions of workers; return the updates of their service."""
    images = {"3": "image@sha256:c", "2": "image@sha256:b", "1": "image@sha256:a"}
    found: list[list[str]] = []

    def answered(_: Command, arguments: list[str], **__: Any) -> subprocess.CompletedProcess[str]:
        answer: dict[str, Any] = {}
        if arguments[1] == "list-task-definitions":
            names = ["slipway-prod-workers"]
            arns = [f"arn:aws:ecs:eu-west-1:1:task-definition/{name}:{n}" for name in names for n in images]
            answer = {"taskDefinitionArns": arns}
        elif arguments[1] == "describe-task-definition":
            image = images[arguments[3].rpartition(":")[2]]
            answer = {"taskDefinition": {"containerDefinitions": [{"name": "server", "image": image}]}}
        else:
            found.append(arguments)
        return subprocess.CompletedProcess(arguments, 0, json.dumps(answer), "")

    monkeypatch.setattr(Command, "__call__", answered)
    return found


PLACE = FargatePlace("slipway-prod", "slipway-prod", "eu-west-1", jobs=True)


def test_a_rollback_brings_the_workers_of_the_same_image_back(updates: list[list[str]]) -> None:
    said: list[str] = []
    roll_back_workers(PLACE, "image@sha256:b", said.append)
    [update] = updates
    assert update[1:6] == ["update-service", "--cluster", "slipway-prod", "--service", "slipway-prod-workers"]
    assert update[7].endswith("task-definition/slipway-prod-workers:2")
    assert said == ["Starting the workers of slipway-prod-workers:2"]


def test_workers_stay_where_none_are_kept_of_an_image_or_there_are_none(updates: list[list[str]]) -> None:
    said: list[str] = []
    roll_back_workers(PLACE, "image@sha256:z", said.append)
    roll_back_workers(
        FargatePlace("slipway-prod", "slipway-prod", "eu-west-1"), "image@sha256:b", said.append
    )
    assert updates == []
    assert [text.partition(":")[0] for text in said] == [
        "No task definition of workers has that release's image"
    ]
