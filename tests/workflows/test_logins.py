"""Every job with an identity is logged in to the registry of its stack, for as long as the job may run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.steps import WORKFLOWS, Runner, steps_of, workflow

CLOUD = "./.github/actions/cloud"
BOTH = {"GOOGLE": "projects/1/locations/global/workloadIdentityPools/github/providers/github", "AWS": "arn:r"}
# Keeps what it was started with, and what it read, in `calls`; prints what a file of its name holds.
STAND_IN = """#!{python}
import json, os, sys
from pathlib import Path

folder = Path(os.environ["GH_STATE"]).parent
name = Path(sys.argv[0]).name
heard = sys.stdin.read() if "--password-stdin" in sys.argv else ""
with (folder / "calls").open("a") as calls:
    calls.write(json.dumps([name, *sys.argv[1:], heard]) + "\\n")
answer = folder / (name + "-" + sys.argv[2])
print(answer.read_text() if answer.exists() else "")
"""


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    runner = Runner(tmp_path)
    for name in ("gcloud", "aws", "docker"):
        runner.program(name, STAND_IN.replace("{python}", sys.executable))
    (tmp_path / "aws-get-login-password").write_text("the token")
    (tmp_path / "aws-get-authorization-token").write_text(
        "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    )
    return runner


def log_in(runner: Runner, registries: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """registries: what `python -m slipway.infra.cli.registries` prints."""
    runner.program("python", f"#!/bin/bash\nprintf '%s' '{registries}'\n", folder=".venv/bin")
    given = {"REGISTRY_USERNAME": "", "REGISTRY_PASSWORD": "", **environment}
    return runner.run("actions/cloud", "Log in to the registry", STACK="dev", **given)


def calls(runner: Runner) -> list[list[str]]:
    path = runner.folder / "calls"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_docker_gets_its_credentials_for_artifact_registry_from_gcloud(runner: Runner) -> None:
    done = log_in(runner, "artifact-registry europe-west4-docker.pkg.dev -\n", **BOTH)
    assert done.returncode == 0, done.stderr
    assert calls(runner) == [
        ["gcloud", "auth", "configure-docker", "europe-west4-docker.pkg.dev", "--quiet", ""]
    ]


def test_docker_is_logged_in_to_the_accounts_own_ecr_and_the_token_is_in_no_command_line(
    runner: Runner,
) -> None:
    done = log_in(runner, "ecr - eu-west-1\n", **BOTH)
    assert done.returncode == 0, done.stderr
    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    login = ["docker", "login", "--username", "AWS", "--password-stdin", host]
    assert [*login, "the token\n"] in calls(runner)
    of_aws = [call for call in calls(runner) if call[0] == "aws"]
    assert [call[call.index("--region") + 1] for call in of_aws] == ["eu-west-1", "eu-west-1"]
    assert not [word for call in calls(runner) for word in call[:-1] if "the token" in word]
    assert "the token" not in done.stdout


def test_an_ecr_of_another_account_is_logged_in_to_by_its_host(runner: Runner) -> None:
    done = log_in(runner, "ecr 210987654321.dkr.ecr.us-east-1.amazonaws.com us-east-1\n", **BOTH)
    assert done.returncode == 0, done.stderr
    [login] = [call for call in calls(runner) if call[0] == "docker"]
    assert login[-2] == "210987654321.dkr.ecr.us-east-1.amazonaws.com"


def test_another_registry_takes_a_name_and_a_password_of_the_environment(runner: Runner) -> None:
    done = log_in(runner, "other ghcr.io -\n", **BOTH, REGISTRY_USERNAME="ada", REGISTRY_PASSWORD="hush")
    assert done.returncode == 0, done.stderr
    assert calls(runner) == [["docker", "login", "--username", "ada", "--password-stdin", "ghcr.io", "hush"]]


def test_another_registry_without_a_name_is_used_as_it_is_and_said_so(runner: Runner) -> None:
    done = log_in(runner, "other registry.internal -\n", **BOTH)
    assert (done.returncode, calls(runner)) == (0, [])
    assert "::notice::" in done.stdout
    assert "registry.internal" in done.stdout
    assert "REGISTRY_USERNAME" in done.stdout


def test_several_registries_are_all_logged_in_to(runner: Runner) -> None:
    done = log_in(runner, "artifact-registry eu.gcr.io -\necr - eu-west-1\n", **BOTH)
    assert done.returncode == 0, done.stderr
    assert {call[0] for call in calls(runner)} == {"gcloud", "aws", "docker"}


def test_a_stack_that_pushes_nowhere_logs_in_nowhere(runner: Runner) -> None:
    done = log_in(runner, "")
    assert (done.returncode, calls(runner)) == (0, []), done.stderr


@pytest.mark.parametrize(
    ("registry", "missing"),
    [
        ("artifact-registry europe-west4-docker.pkg.dev -", "GOOGLE_IDENTITY_PROVIDER"),
        ("ecr - eu-west-1", "AWS_ROLE"),
    ],
)
def test_an_environment_without_the_identity_of_its_registry_fails_naming_the_variable(
    runner: Runner, registry: str, missing: str
) -> None:
    done = log_in(runner, f"{registry}\n", GOOGLE="", AWS="")
    assert (done.returncode, calls(runner)) == (1, [])
    assert "::error::" in done.stdout
    assert missing in done.stdout
    assert "Stack dev" in done.stdout


def test_a_stack_that_cannot_be_planned_fails_the_job(runner: Runner) -> None:
    runner.program("python", "#!/bin/bash\necho 'memory is lots' >&2\nexit 2\n", folder=".venv/bin")
    done = runner.run("actions/cloud", "Log in to the registry", STACK="dev", **BOTH)
    assert (done.returncode, done.stderr, calls(runner)) == (2, "memory is lots\n", [])


def jobs_with_an_identity() -> list[tuple[str, dict[str, Any]]]:
    """List the jobs that log in to a cloud; one for the site or a release goes elsewhere."""
    return [
        (path.stem, job)
        for path in sorted(WORKFLOWS.glob("*.yml"))
        for job in workflow(path.stem)["jobs"].values()
        if job.get("permissions", {}).get("id-token") == "write" and "steps" in job
        if path.stem != "release" and job.get("environment") != "github-pages"
    ]


def test_every_job_with_an_identity_logs_in_by_the_one_action_and_names_its_stack() -> None:
    found = jobs_with_an_identity()
    assert [name for name, _ in found] == ["drift", "preview-engine", "up"]
    for name, job in found:
        [step] = [step for step in job["steps"] if step.get("uses") == CLOUD]
        assert step["with"]["stack"] in ("${{ matrix.stack }}", "${{ inputs.stack }}"), name
        assert step["with"]["registry-password"] == "${{ secrets.REGISTRY_PASSWORD }}", name


def test_a_session_lasts_as_long_as_its_job_may_run() -> None:
    [assume] = [step for step in steps_of("actions/cloud") if "aws-actions/" in step.get("uses", "")]
    assert assume["with"]["role-duration-seconds"] == "${{ inputs.session-seconds }}"
    for name, job in jobs_with_an_identity():
        [step] = [step for step in job["steps"] if step.get("uses") == CLOUD]
        seconds = int(step["with"]["session-seconds"])
        assert seconds == job["timeout-minutes"] * 60, name
        # aws-actions/configure-aws-credentials, README: 15 minutes to 12 hours.
        assert 900 <= seconds <= 43_200, name


def test_docker_is_logged_in_after_the_clouds_are() -> None:
    names = [step.get("uses", step.get("name", "")).partition("@")[0] for step in steps_of("actions/cloud")]
    assert names[-1] == "Log in to the registry"
    assert {"google-github-actions/setup-gcloud", "aws-actions/configure-aws-credentials"} <= set(names)
