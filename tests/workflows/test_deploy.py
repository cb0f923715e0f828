"""What a push to main deploys: dev at once, every other stack of SLIPWAY_STACKS once it is approved."""

import subprocess
from pathlib import Path

import pytest

from tests.workflows.steps import Runner, workflow


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def sort(runner: Runner, stacks: str) -> subprocess.CompletedProcess[str]:
    return runner.run("deploy", "Sort the stacks", STACKS=stacks)


@pytest.mark.parametrize(
    ("stacks", "dev", "others"),
    [
        ('["dev"]', "true", "[]"),
        ('[ "dev", "prod-aws", "prod" ]', "true", '["prod-aws","prod"]'),
        ('["prod"]', "false", '["prod"]'),
        ('["staging.eu_1"]', "false", '["staging.eu_1"]'),
        ("[]", "false", "[]"),
    ],
)
def test_every_stack_of_the_variable_is_deployed_and_dev_first(
    runner: Runner, stacks: str, dev: str, others: str
) -> None:
    done = sort(runner, stacks)
    assert done.returncode == 0, done.stderr
    assert runner.text("output.txt") == f"dev={dev}\nothers={others}\n"


@pytest.mark.parametrize(
    ("stacks", "said"),
    [
        ("dev, prod", "must be a JSON list of the names of stacks"),
        ('{"dev": true}', "must be a JSON list of the names of stacks"),
        ('["dev", 3]', "must be a JSON list of the names of stacks"),
        ('["acme/slipway/dev"]', 'no stack can be called "acme/slipway/dev"'),
        ('["prod\\nothers=[]"]', "no stack can be called"),
        ('["dev", "prod", "dev"]', '"dev" stands twice'),
        ('["prod-preview"]', '"prod-preview" ends in -preview'),
    ],
)
def test_a_variable_that_cannot_be_used_is_refused_with_what_is_allowed(
    runner: Runner, stacks: str, said: str
) -> None:
    done = sort(runner, stacks)
    assert done.returncode == 1
    assert "::error::" in done.stdout
    assert "SLIPWAY_STACKS" in done.stdout
    assert said in done.stdout
    assert not (runner.folder / "output.txt").exists()


def test_dev_needs_no_approval_and_every_other_stack_does() -> None:
    jobs = workflow("deploy")["jobs"]
    assert jobs["dev"]["with"] == {"stack": "dev", "approval": False}
    assert jobs["others"]["with"] == {"stack": "${{ matrix.stack }}", "approval": True}
    assert jobs["others"]["strategy"]["matrix"] == {"stack": "${{ fromJSON(needs.stacks.outputs.others) }}"}
    assert set(jobs["others"]["needs"]) == {"stacks", "dev"}
    for name in ("dev", "others"):
        assert jobs[name]["uses"] == "./.github/workflows/up.yml"


def test_a_caller_grants_what_the_jobs_of_up_ask_for() -> None:
    asked = {
        permission for job in workflow("up")["jobs"].values() for permission in job["permissions"].items()
    }
    for name in ("dev", "others"):
        assert asked <= set(workflow("deploy")["jobs"][name]["permissions"].items())


def test_one_stack_that_waits_or_fails_holds_up_no_other() -> None:
    assert workflow("deploy")["jobs"]["others"]["strategy"]["fail-fast"] is False
