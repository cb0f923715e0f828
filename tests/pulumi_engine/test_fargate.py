"""Changes of a live `FargateService` on the real engine, in an account that enforces AWS's rules."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from slipway.components.drawn_names import Replacing
from slipway.components.fargate import Egress, FargateService, FargateServiceArgs, network
from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import Action, StackSource
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from tests.contract.fargate_cases import CERTIFICATE, IMAGE
from tests.pulumi_engine.serving import LiveStack, served_provider
from tests.pulumi_engine.strict.account import Account, Fault
from tests.pulumi_engine.strict.aws import REGION, Existing, aws_account
from tests.pulumi_engine.strict.provider import StrictProvider

pytestmark = pytest.mark.pulumi_engine

PLAIN: dict[str, Any] = {
    "model": "bundled:sms-spam",
    "image_ref": IMAGE,
    "region": REGION,
    "public": True,
    "api_key": "a-key-of-enough-characters",
    "deletion_protection": False,
}
NETWORK: dict[str, Any] = {"vpc_id": Existing.vpc, "subnet_ids": list(Existing.subnets)}
SHARED: dict[str, Any] = {
    **NETWORK,
    "listener_arn": Existing.listener,
    "listener_security_group_id": Existing.group,
    "domain": "api.example.com",
    "public": False,
}
SECURE: dict[str, Any] = {"domain": "api.example.com", "certificate_arn": CERTIFICATE}
PENDING = f"{CERTIFICATE.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000"


@dataclass
class Live:
    """account: where the stack's service runs."""

    account: Account
    stack: LiveStack

    def up(self, **args: Any) -> str:
        return self.stack.up(program(args))

    def fails(self, **args: Any) -> str:
        return self.stack.up(program(args), ok=False)

    def left(self) -> set[str]:
        """Names of what the program made and that is there."""
        return {each.name for each in self.account.things.values() if not each.name.startswith("existing ")}


def program(args: Mapping[str, Any]) -> Any:
    return lambda: FargateService("api", cast("FargateServiceArgs", {**PLAIN, **args}))


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run an engine on an account with only an existing network; destroy what a test created."""
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH; `.ci/pulumi` builds one")
    account = aws_account()
    Existing.into(account)
    with served_provider(StrictProvider(account)) as port:
        live = Live(account, LiveStack(tmp_path, {"aws": port, "random": port}))
        yield live
        live.stack.destroy()
        assert live.left() == set()


CHANGES: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "internal": ({}, {"internal": True}),
    "a shared listener": (NETWORK, SHARED),
    "an existing network": ({}, NETWORK),
    "an existing network and listener": ({}, SHARED),
    "a third zone": ({}, {"zones": [f"{REGION}{zone}" for zone in "abc"]}),
    "a third zone with private endpoints": (
        {"egress": Egress.ENDPOINTS},
        {"egress": Egress.ENDPOINTS, "zones": [f"{REGION}{zone}" for zone in "abc"]},
    ),
    "other zones": ({}, {"zones": [f"{REGION}b", f"{REGION}c"]}),
    "private endpoints": ({}, {"egress": Egress.ENDPOINTS}),
    "HTTPS": ({}, SECURE),
    "another port": ({}, {"port": 9000}),
    "another range": ({}, {"vpc_cidr": "10.1.0.0/16"}),
}


EACH = pytest.mark.parametrize(("one", "other"), CHANGES.values(), ids=CHANGES)
# Every call of a change fails once with FULL, else one in its middle and the last.
FULL = bool(os.environ.get("SLIPWAY_TEST_FULL"))


@EACH
def test_a_service_answers_all_the_while_it_is_changed_and_changed_back(
    live: Live, one: dict[str, Any], other: dict[str, Any]
) -> None:
    live.up(**one)
    live.up(**other)
    live.up(**one)
    assert live.account.noticed == []
    assert "unchanged" in live.up(**one)


@EACH
def test_a_change_that_failed_goes_on_or_is_taken_back(
    live: Live, one: dict[str, Any], other: dict[str, Any]
) -> None:
    live.up(**one)
    before = len(live.account.calls)
    live.up(**other)
    calls = len(live.account.calls) - before
    live.up(**one)
    for number in range(1, calls + 1) if FULL else {max(calls // 2, 1), calls}:
        live.account.fault = Fault(number)
        live.fails(**other)
        live.up(**one)
        live.account.fault = Fault(number)
        live.fails(**other)
        live.up(**other)
        live.up(**one)
    assert live.account.noticed == []


# Image and secrets that the role which starts the tasks must be allowed, and what is no longer needed.
OTHER_RIGHTS: Mapping[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "another repository": ({}, {"image_ref": IMAGE.replace("/slipway@", "/other@")}),
    "another secret": ({"secret_values": {"HF_TOKEN": "hush"}}, {"secret_values": {"TOKEN": "hush"}}),
}
EACH_RIGHT = pytest.mark.parametrize(("one", "other"), OTHER_RIGHTS.values(), ids=OTHER_RIGHTS)


@EACH_RIGHT
def test_tasks_may_start_until_the_rollout_that_replaces_them_has_succeeded(
    live: Live, one: dict[str, Any], other: dict[str, Any]
) -> None:
    live.up(**one)
    [before] = policies_to_start(live)
    live.up(**other)
    live.account.fault = Fault(1, matches=lambda request: request.kind == "ecs.Service")
    live.fails(**one)
    assert len(policies_to_start(live)) == 2
    live.up(**other)
    live.up(**one)
    assert live.account.noticed == []
    assert policies_to_start(live) == [before]


def policies_to_start(live: Live) -> list[str]:
    """Of the role that starts the tasks."""
    found = live.account.of_kind("iam.RolePolicy")
    return [each.inputs["policy"] for each in found if each.name == "api-execution-policy"]


@EACH
def test_a_plan_replaces_what_the_engine_replaces(
    live: Live, one: dict[str, Any], other: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    live.up(**one)
    steps = json.loads(live.stack.preview(program(other), "--json").partition("\n}\n")[0] + "}")["steps"]
    theirs = {step["urn"].split("::")[-1] for step in steps if "replace" in step["op"]}
    monkeypatch.chdir(live.stack.project)
    config = StackConfig("demo", "dev", {}, frozenset(), {})
    before, after = (StackSource(plan_of(program(args), config)) for args in (one, other))
    changes = difference_of("dev", before, after).resources
    ours = {each.name for each in changes if each.action is Action.REPLACE and not each.renamed_from}
    # The containers of a task are one text, which holds the ARN of a secret: a plan knows none of it.
    assert ours == theirs - {"api-task"}


def test_a_protected_load_balancer_is_replaced_in_two_steps(live: Live) -> None:
    protected = {"deletion_protection": True}
    live.up(**protected)
    refusal = live.stack.preview(program({**protected, "internal": True}), ok=False)
    assert "marked for protection" in refusal
    live.up()
    live.up(internal=True)
    assert live.account.noticed == []


def test_both_steps_in_one_wait_until_the_cloud_lets_go_of_the_load_balancer(live: Live) -> None:
    """The engine looks at the protection that is wanted, and lets it through."""
    live.up(deletion_protection=True)
    [old] = live.account.of_kind("lb.LoadBalancer")[1:]
    for _ in range(2):
        assert "OperationNotPermitted" in live.fails(internal=True)
    assert live.account.noticed == []
    old.inputs = {**old.inputs, "enableDeletionProtection": False}
    live.up(internal=True)
    assert live.account.get(old.id) is None


def place_in_the_list(kind: str, zone: str) -> int:
    """Of zones b and c."""
    return "bc".index(zone[-1]) + (2 if kind == "private" else 0)


def unbound(_replacing: Replacing, options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    return options


def test_a_stack_that_was_made_before_is_unchanged_and_can_be_changed(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without triggers, and with ranges by the place of a zone in its list, as the first versions made it."""
    args = {"zones": [f"{REGION}b", f"{REGION}c"], "egress": Egress.ENDPOINTS}
    with monkeypatch.context() as before:
        before.setattr(network, "place_of", place_in_the_list)
        before.setattr(Replacing, "into", unbound)
        live.up(**args)
        made = len(live.account.calls)
    live.up(**args)
    assert len(live.account.calls) == made
    live.up(**args, internal=True)
    live.up(**NETWORK)
    assert live.account.noticed == []
