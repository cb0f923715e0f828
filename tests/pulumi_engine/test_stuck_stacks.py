"""The steps of docs/guides/stuck-stacks.md on the real engine, each on a stack that is stuck in that way."""

import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pulumi_random as random
import pytest

from slipway.infra.cli.handover import LastRun, being_created, last_run_of
from tests.cluster.control_plane import wait_until
from tests.made_names import made_names
from tests.pulumi_engine.conftest import ROOT
from tests.pulumi_engine.serving import LiveStack, served_provider
from tests.pulumi_engine.strict.account import Account, Fault, Request
from tests.pulumi_engine.strict.aws import REGION, aws_account
from tests.pulumi_engine.strict.provider import StrictProvider

pytestmark = pytest.mark.pulumi_engine

GUIDE = (ROOT / "docs/guides/stuck-stacks.md").read_text()
PULUMI = shutil.which("pulumi") or ""


def program(days: int = 1) -> None:
    """Create a role and a log group in a component, and a secret."""
    component = pulumi.ComponentResource("demo:index:Service", "service")
    child = pulumi.ResourceOptions(parent=component)
    role = aws.iam.Role("role", name="api-role", assume_role_policy="{}", opts=child)
    options = pulumi.ResourceOptions(parent=component, depends_on=[role])
    aws.cloudwatch.LogGroup("log", name="api", region=REGION, retention_in_days=days, opts=options)
    password = random.RandomPassword("key", length=24, opts=child)
    pulumi.export("key", pulumi.Output.secret(password.result))


@pytest.fixture
def account() -> Account:
    return aws_account()


@pytest.fixture
def stack(tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveStack]:
    if not PULUMI:
        pytest.skip("no `pulumi` on PATH; `.ci/pulumi` builds one")
    with served_provider(StrictProvider(account)) as port:
        stack = LiveStack(tmp_path, {"aws": port, "random": port})
        monkeypatch.chdir(stack.project)
        for name, value in stack.environment.items():
            monkeypatch.setenv(name, value)
        yield stack


def step(line: str) -> list[str]:
    """Arguments of a command that the guide must have; its stack `prod` is `dev` here."""
    found = re.search(rf"pulumi {re.escape(line)}(?=[\s`#]|$)", GUIDE, re.MULTILINE)
    assert found, f"docs/guides/stuck-stacks.md lacks: pulumi {line}"
    return [{"prod": "dev", "prod.json": "all.json"}.get(word, word) for word in line.split()]


def cut_off(stack: LiveStack, account: Account) -> None:
    """Kill the engine while the log group is made; it is made all the same."""
    reached, go_on = threading.Event(), threading.Event()

    def held(_account: Account, _request: Request) -> Iterator[str]:
        reached.set()
        go_on.wait(30)
        yield from ()

    rules = account.rules
    account.rules = {**rules, "cloudwatch.LogGroup": (held,)}
    with stack.begun(program) as process:
        assert reached.wait(60)
        process.kill()
        process.wait()
        go_on.set()
    wait_until(lambda: bool(account.of_kind("cloudwatch.LogGroup")))
    account.rules = rules


def test_after_a_failed_up_the_next_one_reads_what_is_there_and_goes_on(
    stack: LiveStack, account: Account
) -> None:
    def days() -> list[int]:
        return [each.inputs["retentionInDays"] for each in account.of_kind("cloudwatch.LogGroup")]

    stack.up(program)
    assert last_run_of(PULUMI, "dev") is LastRun.WHOLE
    account.fault = Fault(1, after=True)
    stack.up(lambda: program(days=7), ok=False)
    assert last_run_of(PULUMI, "dev") is LastRun.FAILED
    assert "unchanged" in stack.up(program)  # by the state, which heard of no change
    assert days() == [7]
    stack.up(program, *step("up --refresh --stack prod")[1:])
    assert days() == [1]


def test_a_killed_up_is_unlocked_and_what_it_made_is_imported(stack: LiveStack, account: Account) -> None:
    cut_off(stack, account)
    assert "currently locked" in stack.up(program, ok=False)
    stack.run(*step("cancel --stack prod"), "--yes")
    assert last_run_of(PULUMI, "dev") is LastRun.CUT_OFF
    assert "log (aws:cloudwatch/logGroup:LogGroup)" in being_created(PULUMI, "dev")
    stack.run(*step("refresh --stack prod --clear-pending-creates"), "--yes", "--skip-preview")
    assert last_run_of(PULUMI, "dev") is LastRun.WHOLE
    assert being_created(PULUMI, "dev") == []
    assert "already exists" in stack.up(program, ok=False)
    [group] = account.of_kind("cloudwatch.LogGroup")
    stack.run(*importing("aws:cloudwatch/logGroup:LogGroup", "log", group.id))
    stack.up(program)
    assert "unchanged" in stack.up(program)
    assert [each.id for each in account.of_kind("cloudwatch.LogGroup")] == [group.id]


def test_what_exists_already_is_taken_over(stack: LiveStack, account: Account) -> None:
    account.fault = Fault(1, after=True, matches=lambda request: request.kind == "iam.Role")
    stack.up(program, ok=False)
    for _ in range(2):
        assert "EntityAlreadyExists" in stack.up(program, ok=False)
    stack.run(*importing("aws:iam/role:Role", "role", "api-role"))
    stack.up(program)
    assert [each.name for each in account.of_kind("iam.Role")] == ["role"]


def importing(type_: str, name: str, id_: str) -> list[str]:
    urn = "urn:pulumi:dev::demo::demo:index:Service::service"
    found = step(
        "import --stack prod TYPE NAME ID --parent service=URN --protect=false --generate-code=false"
    )
    filled = {"TYPE": type_, "NAME": name, "ID": id_, "service=URN": f"service={urn}"}
    return [*(filled.get(word, word) for word in found), "--yes"]


def test_without_its_passphrase_a_stack_is_closed(stack: LiveStack) -> None:
    stack.up(program)
    other = replace(stack, changed={"PULUMI_CONFIG_PASSPHRASE": "another one"})
    assert "incorrect passphrase" in other.up(program, ok=False)
    assert "incorrect passphrase" in other.run("destroy", "--yes", "--skip-preview", ok=False)
    other.run(*step("stack rm prod --force"), "--yes")


def test_a_state_moves_to_another_backend_with_its_secrets(stack: LiveStack, tmp_path: Path) -> None:
    stack.up(program)
    key = stack.run("stack", "output", "key", "--show-secrets")
    stack.run(*step("stack export --stack prod --show-secrets --file prod.json"))
    (tmp_path / "other").mkdir()
    moved = replace(stack, changed={"PULUMI_BACKEND_URL": f"file://{tmp_path / 'other'}"})
    moved.run(*step("stack init prod"))
    moved.run(*step("stack import --stack prod --file prod.json"))
    assert "unchanged" in moved.up(program)
    assert moved.run("stack", "output", "key", "--show-secrets") == key
    stack.run(*step("stack rm prod --force --preserve-config"), "--yes")


@pytest.mark.parametrize("name", ["dev", "prod", "prod-aws"])
def test_under_another_name_of_its_stack_everything_has_another_name(name: str) -> None:
    """Why the guide advises a new stack in place of `pulumi stack rename`."""
    service = f"slipway-{name}"
    assert any(made == service or made.startswith(f"{service}-") for made in made_names(name))
