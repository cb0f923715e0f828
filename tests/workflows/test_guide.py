"""docs/guides/pull-requests.md: its commands are run, and what they make fits the workflows."""

import json
import re

import pytest

from slipway.components.google.limits import ACCOUNT_ID
from tests.checkout import ROOT
from tests.made_names import CLOUD_STACKS, made_names
from tests.workflows.guide import GUIDE, PREFIX, Made
from tests.workflows.steps import WORKFLOWS, workflow

UP = "acme/slipway/.github/workflows/up.yml@refs/heads/main"
CLAIM = "token.actions.githubusercontent.com:"


def test_every_stack_of_a_cloud_has_both_its_environments(made: Made) -> None:
    assert set(made.runner.environments()) == {
        name for stack in CLOUD_STACKS for name in (stack, f"{stack}-preview")
    }
    [[_, _, stacks]] = [each for each in made.runner.written() if each[0] == "SLIPWAY_STACKS"]
    assert json.loads(stacks) == list(CLOUD_STACKS)


@pytest.mark.parametrize(("stack", "approval"), [("dev", "false"), ("prod", "true"), ("prod-aws", "true")])
def test_the_environments_pass_the_check_before_up(made: Made, stack: str, approval: str) -> None:
    given = {"STACK": stack, "APPROVAL": approval, "REF": "refs/heads/main", "REPOSITORY": "acme/slipway"}
    done = made.runner.run("up", "Check the rules", **given)
    assert done.returncode == 0, done.stdout


def test_dev_alone_is_deployed_without_an_approval(made: Made) -> None:
    reviewed = {
        name
        for name, environment in made.runner.environments().items()
        if any(rule["type"] == "required_reviewers" for rule in environment["protection_rules"])
    }
    assert reviewed == {"prod", "prod-aws"}


def test_every_variable_and_secret_of_the_workflows_is_in_its_table() -> None:
    texts = [path.read_text() for path in WORKFLOWS.glob("*.yml")]
    used = {name for text in texts for name in re.findall(r"(?:vars|secrets)\.([A-Z_]+)", text)}
    described = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", GUIDE))
    assert described == used - {"SLIPWAY_STACKS"}
    assert "gh variable set SLIPWAY_STACKS" in GUIDE


def test_the_variables_that_it_sets_name_the_identity_of_their_own_environment(made: Made) -> None:
    values = {(name, where): value for name, where, value in made.runner.written()}
    for stack in ("dev", "prod"):
        for where, account in ((stack, "deploy"), (f"{stack}-preview", "preview")):
            email = f"{account}-slipway-{stack}@my-project-id.iam.gserviceaccount.com"
            assert values["GOOGLE_SERVICE_ACCOUNT", where] == email
    assert values["AWS_ROLE", "prod-aws"] == "arn:aws:iam::123456789012:role/deploy-slipway-prod-aws"
    assert values["AWS_ROLE", "prod-aws-preview"] == "arn:aws:iam::123456789012:role/preview-slipway-prod-aws"


def test_no_identity_has_a_name_that_a_stack_makes_and_each_is_one_that_google_takes(made: Made) -> None:
    accounts = {call[call.index("create") + 1] for call in made.named("service-accounts", "create")}
    roles = {made.option(call, "--role-name") for call in made.named("create-role")}
    assert (len(accounts), len(roles)) == (4, 2)
    assert all(ACCOUNT_ID.fullmatch(account) for account in accounts)
    for stack in CLOUD_STACKS:
        assert (accounts | roles) & made_names(stack) == set()


def test_google_trusts_a_deployer_from_main_by_the_one_workflow_and_a_preview_from_anywhere(
    made: Made,
) -> None:
    [call] = made.named("create-oidc")
    condition = " ".join(made.option(call, "--attribute-condition").split())
    assert condition == (
        "assertion.repository_id == '34' && (assertion.sub.endsWith('-preview') || "
        f"(assertion.ref == 'refs/heads/main' && assertion.job_workflow_ref == '{UP}'))"
    )
    members = {made.option(call, "--member") for call in made.named("roles/iam.workloadIdentityUser")}
    members |= {made.option(call, "--member") for call in made.named("--role=roles/iam.workloadIdentityUser")}
    pool = "projects/1234567890/locations/global/workloadIdentityPools/github"
    assert members == {
        f"principal://iam.googleapis.com/{pool}/subject/{PREFIX}:environment:{environment}"
        for environment in ("dev", "dev-preview", "prod", "prod-preview")
    }


def test_aws_trusts_a_deployer_from_main_by_the_one_workflow_and_a_preview_from_anywhere(made: Made) -> None:
    [deployer] = made.json("deploy-trust.json")["Statement"]
    assert deployer["Condition"] == {
        "StringEquals": {
            f"{CLAIM}aud": "sts.amazonaws.com",
            f"{CLAIM}sub": f"{PREFIX}:environment:prod-aws",
            f"{CLAIM}ref": "refs/heads/main",
            f"{CLAIM}job_workflow_ref": UP,
        }
    }
    [preview] = made.json("preview-trust.json")["Statement"]
    assert preview["Condition"] == {
        "StringEquals": {
            f"{CLAIM}aud": "sts.amazonaws.com",
            f"{CLAIM}sub": f"{PREFIX}:environment:prod-aws-preview",
        }
    }


def test_the_workflow_that_both_trust_is_the_one_that_deploys() -> None:
    path = UP.removeprefix("acme/slipway/").partition("@")[0]
    assert (ROOT / path).is_file()
    for name in ("dev", "others"):
        assert workflow("deploy")["jobs"][name]["uses"] == f"./{path}"


def test_the_role_of_the_deployer_allows_a_session_as_long_as_the_job(made: Made) -> None:
    [call] = [
        call for call in made.named("create-role") if made.option(call, "--role-name").startswith("deploy-")
    ]
    assert (
        int(made.option(call, "--max-session-duration"))
        == workflow("up")["jobs"]["up"]["timeout-minutes"] * 60
    )
