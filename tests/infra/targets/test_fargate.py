"""`slipway status` and `logs` of a Fargate stack, with a stand-in for `aws` that answers as it does."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import write_stack
from tests.infra.command import refused, report, slipway

SETTINGS = {"target": "fargate", "region": "eu-west-1"}
_ARN = "arn:aws:ecs:eu-west-1:123456789012:"
TASK = {
    "taskDefinition": {
        "taskDefinitionArn": f"{_ARN}task-definition/slipway-prod:8",
        "cpu": "1024",
        "memory": "2048",
        "containerDefinitions": [
            {"name": "model", "essential": False, "image": "other"},
            {
                "name": "server",
                "essential": True,
                "image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/server@sha256:abc",
                "environment": [{"name": "PORT", "value": "8080"}],
            },
        ],
    }
}
GROUPS = {"TargetGroups": [{"LoadBalancerArns": ["arn:lb"]}]}
BALANCERS = {"LoadBalancers": [{"DNSName": "slipway-prod-1.eu-west-1.elb.amazonaws.com"}]}


def services(revision: int = 8, rollout: str = "COMPLETED", reason: str = "") -> dict[str, Any]:
    deployment = {"status": "PRIMARY", "rolloutState": rollout, "rolloutStateReason": reason}
    service = {
        "status": "ACTIVE",
        "runningCount": 2,
        "desiredCount": 3,
        "createdAt": "2026-11-21T10:00:00+00:00",
        "taskDefinition": f"{_ARN}task-definition/slipway-prod:{revision}",
        "deployments": [{"status": "ACTIVE", "rolloutState": "FAILED"}, deployment],
        "loadBalancers": [{"targetGroupArn": "arn:tg"}],
    }
    return {"services": [service]}


class Aws:
    """An executable on PATH that records how it was called, and answers each command in its own way."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        lines = [
            "#!/bin/sh",
            f'echo "$@" >> {folder}/calls',
            f'key="{folder}/$2"',
            '[ -f "$key.$6.out" ] && key="$key.$6"',  # of several log streams, each its own
            'cat "$key.out" 2>/dev/null || true',
            'cat "$key.err" >&2 2>/dev/null || true',
            '[ ! -f "$key.err" ]',
            "",
        ]
        (folder / "aws").write_text("\n".join(lines))
        (folder / "aws").chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"
        self.answers("describe-services", services())
        self.answers("describe-task-definition", TASK)
        self.answers("describe-target-groups", GROUPS)
        self.answers("describe-load-balancers", BALANCERS)
        self.answers("list-tasks", {"taskArns": []})

    def answers(self, command: str, out: Any) -> None:
        (self._folder / f"{command}.out").write_text(out if isinstance(out, str) else json.dumps(out))

    def refuses(self, command: str, error: str) -> None:
        (self._folder / f"{command}.out").unlink(missing_ok=True)
        (self._folder / f"{command}.err").write_text(error)

    @property
    def calls(self) -> list[str]:
        return (self._folder / "calls").read_text().splitlines()


@pytest.fixture
def aws(project: Path, tmp_path: Path) -> Aws:
    write_stack(project, SETTINGS, "prod")
    return Aws(tmp_path / "bin")


def run(project: Path, aws: Aws, *arguments: str) -> subprocess.CompletedProcess[str]:
    return slipway(project, *arguments, PATH=aws.path)


def status(project: Path, aws: Aws) -> dict[str, Any]:
    done = run(project, aws, "status", "prod", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_ready_service_is_told_with_its_url_limits_image_and_revision(project: Path, aws: Aws) -> None:
    found = status(project, aws)
    assert (found["stack"], found["target"], found["state"]) == ("prod", "fargate", "ready")
    assert found["url"] == "http://slipway-prod-1.eu-west-1.elb.amazonaws.com"
    assert found["limits"] == {"cpu_units": "1024", "memory_mib": "2048", "tasks": 2, "tasks_wanted": 3}
    assert (found["version"], found["device"]) == ("slipway-prod:8", "cpu")
    assert "sha256:abc" in found["model"]
    assert aws.calls[0] == (
        "ecs describe-services --cluster slipway-prod --services slipway-prod "
        "--region eu-west-1 --output json"
    )


def test_a_domain_is_the_url_and_an_existing_cluster_is_asked(project: Path, aws: Aws) -> None:
    cluster = f"{_ARN}cluster/shared"
    write_stack(project, {**SETTINGS, "domain": "api.example.com", "cluster": cluster}, "prod")
    assert status(project, aws)["url"] == "https://api.example.com"
    assert f"--cluster {cluster} " in aws.calls[0]
    assert not [call for call in aws.calls if call.startswith("elbv2")]


def test_a_service_that_was_rolled_back_is_failed_though_ecs_calls_it_done(project: Path, aws: Aws) -> None:
    reason = "ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/1."
    aws.answers("describe-services", services(revision=7, reason=reason))
    found = status(project, aws)
    assert found["state"] == "failed"
    assert found["reason"].startswith("It serves slipway-prod:7; slipway-prod:8 is newer")
    assert reason in found["reason"]
    assert found["version"] == "slipway-prod:7"


def test_a_rollout_under_way_is_starting_and_one_that_failed_is_failed(project: Path, aws: Aws) -> None:
    aws.answers("describe-services", services(rollout="IN_PROGRESS"))
    assert status(project, aws)["state"] == "starting"
    aws.answers("describe-services", services(rollout="FAILED", reason="tasks failed to start."))
    found = status(project, aws)
    assert (found["state"], found["reason"]) == ("failed", "tasks failed to start.")


def test_a_service_that_is_not_there_is_stopped(project: Path, aws: Aws) -> None:
    aws.answers("describe-services", {"services": [], "failures": [{"reason": "MISSING"}]})
    assert status(project, aws)["state"] == "stopped"
    aws.answers("describe-services", {"services": [{"status": "INACTIVE"}]})
    assert status(project, aws)["state"] == "stopped"
    aws.refuses("describe-services", "An error occurred (ClusterNotFoundException) when calling …\n")
    assert status(project, aws)["state"] == "stopped"


def test_what_aws_refuses_is_passed_on_with_exit_code_1(project: Path, aws: Aws) -> None:
    aws.refuses("describe-services", "\nAn error occurred (AccessDeniedException): not authorized\n")
    done = run(project, aws, "status", "prod")
    assert (done.returncode, done.stdout) == (1, "")
    assert "aws says: An error occurred (AccessDeniedException)" in done.stderr


def test_an_answer_that_is_no_json_is_told(project: Path, aws: Aws) -> None:
    aws.answers("describe-services", "A new version is available")
    done = run(project, aws, "status", "prod")
    assert done.returncode == 1
    assert "did not answer with a JSON object" in done.stderr


def test_the_log_is_of_all_tasks_one_json_object_a_line_oldest_first(project: Path, aws: Aws) -> None:
    streams = [{"logStreamName": name} for name in ("one", "two")]
    aws.answers("describe-log-streams", {"logStreams": streams})
    first = {"timestamp": 1, "message": "Traceback"}
    second = {"timestamp": 2, "message": '{"message": "request", "status": 200}'}
    third = {"timestamp": 3, "message": '{"message": "stopping"}\n'}
    aws.answers("get-log-events.one", {"events": [first, third]})
    aws.answers("get-log-events.two", {"events": [second]})
    done = run(project, aws, "logs", "prod", "--tail", "2")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"timestamp": 2, "message": "request", "status": 200},
        {"timestamp": 3, "message": "stopping"},
    ]
    assert aws.calls[0].startswith("logs describe-log-streams --log-group-name /ecs/slipway-prod")
    assert "--limit 2" in aws.calls[1]


def test_to_follow_the_log_it_becomes_awss_own_tail(project: Path, aws: Aws) -> None:
    aws.answers("tail", "a line\n")
    assert run(project, aws, "logs", "prod", "-f").stdout == "a line\n"
    assert aws.calls == [
        "--version",
        "logs tail /ecs/slipway-prod --follow --format short --region eu-west-1",
    ]


def test_without_aws_it_says_how_to_get_it(project: Path) -> None:
    write_stack(project, SETTINGS, "prod")
    for command in ("status", "logs"):
        message = refused(project, command, "prod", PATH="/nowhere")
        assert "docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html" in message


def test_a_stack_without_a_region_is_refused_before_aws_is_asked(project: Path) -> None:
    write_stack(project, {"target": "fargate"}, "prod")
    assert "region: got nothing" in refused(project, "status", "prod", PATH="/nowhere")
    assert report(project, "status")["state"] == "stopped"


def test_why_tasks_stopped_and_what_ecs_reports_is_the_reason(project: Path, aws: Aws) -> None:
    """The answers are in the form of BC ecs DescribeTasks and DescribeServices, with ECS's own messages."""
    answer = services(rollout="IN_PROGRESS")
    answer["services"][0]["events"] = [
        {"message": "(service slipway-prod) has reached a steady state."},
        {"message": "(service slipway-prod) was unable to place a task. Reason: Capacity is unavailable."},
        {"message": "(service slipway-prod) has started 1 tasks: (task 0a1b)."},
    ]
    aws.answers("describe-services", answer)
    aws.answers("list-tasks", {"taskArns": ["arn:task/1", "arn:task/2"]})
    pull = "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found"
    memory = {
        "stoppedReason": "Essential container in task exited",
        "stoppedAt": "2026-11-21T10:01:00+00:00",
        "containers": [{"name": "server", "exitCode": 137, "reason": "OutOfMemoryError: container killed"}],
    }
    later = {"stoppedReason": pull, "stoppedAt": "2026-11-21T10:02:00+00:00"}
    aws.answers("describe-tasks", {"tasks": [memory, later]})
    found = status(project, aws)
    assert found["state"] == "starting"
    assert found["reason"] == (
        f"A task stopped: {pull}. "
        "A task stopped: Essential container in task exited; server: OutOfMemoryError: container killed. "
        "ECS: was unable to place a task. Reason: Capacity is unavailable."
    )


def test_a_ready_service_that_has_lost_tasks_says_why(project: Path, aws: Aws) -> None:
    aws.answers("list-tasks", {"taskArns": ["arn:task/1"]})
    reclaimed = "Your Spot Task was interrupted."
    aws.answers("describe-tasks", {"tasks": [{"stoppedReason": reclaimed, "stopCode": "SpotInterruption"}]})
    found = status(project, aws)
    assert (found["state"], found["reason"]) == ("ready", "A task stopped: Your Spot Task was interrupted.")


def test_stopped_tasks_that_may_not_be_read_do_not_hide_the_rest(project: Path, aws: Aws) -> None:
    aws.refuses("list-tasks", "AccessDeniedException: not authorized to perform: ecs:ListTasks")
    found = status(project, aws)
    assert found["state"] == "ready"
    assert "Stopped tasks could not be read: aws says: AccessDenied" in found["reason"]


def test_following_the_log_needs_version_2_of_the_cli(project: Path, aws: Aws) -> None:
    aws.answers("", "aws-cli/1.44.6 Python/3.11.7 Linux/6 botocore/1.42.16")
    said = refused(project, "logs", "prod", "-f", PATH=aws.path)
    assert "is version 1 of the AWS CLI" in said
    assert "`slipway logs` without `-f` works with version 1 too" in said
