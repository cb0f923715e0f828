"""`up` runs only in an environment that GitHub guards: limited to main, and approved where it must be."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.steps import Runner, workflow

MAIN = {"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
REVIEWED = {"type": "required_reviewers", "reviewers": [{"type": "User", "reviewer": {"login": "ada"}}]}


def environment(
    *rules: dict[str, Any], branches: tuple[str, ...] = ("main",), **given: Any
) -> dict[str, Any]:
    policies = [{"name": name, "type": "branch"} for name in branches]
    return {"name": "prod", "protection_rules": list(rules), **MAIN, "branch_policies": policies, **given}


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def check(
    runner: Runner, approval: str = "true", ref: str = "refs/heads/main", **known: Any
) -> subprocess.CompletedProcess[str]:
    runner.github(**known)
    return runner.run(
        "up", "Check the rules", STACK="prod", APPROVAL=approval, REF=ref, REPOSITORY="acme/slipway"
    )


def test_an_environment_of_main_with_reviewers_is_accepted(runner: Runner) -> None:
    done = check(runner, environments={"prod": environment(REVIEWED)})
    assert done.returncode == 0, done.stdout + done.stderr


def test_one_without_reviewers_is_accepted_where_no_approval_is_required(runner: Runner) -> None:
    done = check(runner, "false", environments={"prod": environment()})
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_missing_environment_is_refused_because_github_would_make_it_without_rules(runner: Runner) -> None:
    done = check(runner, environments={"staging": environment(REVIEWED)})
    assert done.returncode == 1
    assert "The environment prod of acme/slipway needs its rules: it does not exist" in done.stdout
    assert "without rules" in done.stdout


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (environment(), "it has no required reviewers"),
        (environment({**REVIEWED, "reviewers": []}), "it has no required reviewers"),
        (environment(REVIEWED, deployment_branch_policy=None), "any branch may deploy to it"),
        (
            environment(
                REVIEWED,
                deployment_branch_policy={"protected_branches": True, "custom_branch_policies": False},
            ),
            "every protected branch may deploy to it",
        ),
        (environment(REVIEWED, branches=("main", "release/*")), "main, release/* may deploy to it"),
        (environment(REVIEWED, branches=()), "no branch may deploy to it"),
        (
            environment(REVIEWED, branch_policies=[{"name": "main", "type": "tag"}]),
            "tag main may deploy to it",
        ),
    ],
)
def test_a_rule_that_is_missing_is_refused_by_name(runner: Runner, found: dict[str, Any], said: str) -> None:
    done = check(runner, environments={"prod": found})
    assert done.returncode == 1
    assert said in done.stdout


def test_every_rule_that_is_missing_is_named_at_once(runner: Runner) -> None:
    done = check(runner, environments={"prod": environment(deployment_branch_policy=None)})
    assert done.returncode == 1
    assert "it has no required reviewers" in done.stdout
    assert "any branch may deploy to it" in done.stdout
    assert done.stdout.count("::error::") == 1


@pytest.mark.parametrize("approval", ["true", "false"])
def test_the_commands_that_a_refusal_prints_make_an_environment_that_is_accepted(
    runner: Runner, approval: str
) -> None:
    refused = check(runner, approval, answers={"users/ada": {"id": 7}})
    commands = refused.stdout.partition("::error::")[2].splitlines()[1:]
    printed = "\n".join(line.strip().replace("<login>", "ada") for line in commands if "gh api" in line)
    made = runner.start(["bash", "-euo", "pipefail", "-c", printed])
    assert made.returncode == 0, made.stderr
    again = runner.run(
        "up",
        "Check the rules",
        STACK="prod",
        APPROVAL=approval,
        REF="refs/heads/main",
        REPOSITORY="acme/slipway",
    )
    assert again.returncode == 0, again.stdout


def test_a_run_of_another_branch_is_refused_though_it_calls_the_workflow_of_main(runner: Runner) -> None:
    done = check(runner, ref="refs/heads/feature", environments={"prod": environment(REVIEWED)})
    assert done.returncode == 1
    assert "refs/heads/feature" in done.stdout


def test_rules_that_cannot_be_read_are_no_rules(runner: Runner) -> None:
    message = "Resource not accessible by integration"
    done = check(runner, environments={"prod": environment(REVIEWED)}, refusal=[403, message])
    assert done.returncode == 1
    assert message in done.stdout


def test_nothing_is_applied_before_the_rules_are_checked() -> None:
    jobs = workflow("up")["jobs"]
    assert jobs["up"]["needs"] == "rules"
    assert "environment" not in jobs["rules"]
    assert jobs["rules"]["permissions"] == {"actions": "read"}
    assert workflow("up")[True]["workflow_call"]["inputs"]["approval"]["required"] is True
