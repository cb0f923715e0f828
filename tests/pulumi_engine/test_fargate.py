"""Changes of a live `FargateService` on the real engine, in an account that enforces AWS's rules."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pulumi
import pytest

from slipway.components.drawn_names import Replacing
from slipway.components.fargate import Egress, FargateService, FargateServiceArgs, network
from slipway.components.observability.args import Observability
from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import Action, StackSource
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import plan_of
from tests.contract.fargate_cases import CERTIFICATE, IMAGE
from tests.pulumi_engine.live import FULL, Args, Changes, Live, each_of, lives
from tests.pulumi_engine.strict.account import Account, Fault, Inputs, Thing
from tests.pulumi_engine.strict.aws import ELSEWHERE, REGION, Existing, aws_account

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
WATCHED: dict[str, Any] = {"alert_email": "oncall@example.com"}
PENDING = f"{CERTIFICATE.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000"


def program(args: Mapping[str, Any]) -> Callable[[], None]:
    return lambda: FargateService("api", cast("FargateServiceArgs", {**PLAIN, **args})) and None


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run an engine on an account with only what exists before; destroy what a test created."""
    account = aws_account()
    Existing.into(account)
    with lives(tmp_path, account, program, "aws") as live:
        yield live
    assert account.left() == set()


CHANGES: Changes = {
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
    "not watched": (WATCHED, {"observability": Observability.OFF}),
    "watched in full": (WATCHED, {**WATCHED, "observability": Observability.FULL}),
    "another address": (WATCHED, {"alert_email": "team@example.com"}),
    "no address": (WATCHED, {}),
    "scaling by requests": ({}, {"requests_per_replica": 5}),
    "scaling by requests on a shared listener": (
        {**SHARED, "requests_per_replica": 5},
        {**NETWORK, "requests_per_replica": 8},
    ),
    "another range": ({}, {"vpc_cidr": "10.1.0.0/16"}),
}

# What deletes something before it is made anew, because its name is taken while the old one is there.
PRIORITY: Args = {**SHARED, "listener_priority": 10}
ABROAD: Args = {"region": ELSEWHERE}
IN_FULL: Args = {**WATCHED, "observability": Observability.FULL}
MOVES: Changes = {
    "another region": ({}, ABROAD),
    "another region with private endpoints": (
        {"egress": Egress.ENDPOINTS},
        {"egress": Egress.ENDPOINTS, **ABROAD, "image_ref": IMAGE.replace(REGION, ELSEWHERE)},
    ),
    "another region from an existing network": (NETWORK, ABROAD),
    "another region, watched in full": (IN_FULL, {**IN_FULL, **ABROAD}),
    "an existing cluster": ({}, {"cluster_arn": Existing.cluster}),
    "another listener with a priority": (PRIORITY, {**PRIORITY, "listener_arn": Existing.other_listener}),
}
OF_EACH_KIND = ("another region", "an existing cluster", "another listener with a priority")
EACH = each_of(CHANGES)
EACH_MOVE = each_of(MOVES if FULL else {name: MOVES[name] for name in OF_EACH_KIND})


@EACH
def test_a_service_answers_all_the_while_it_is_changed_and_changed_back(
    live: Live, one: Args, other: Args
) -> None:
    live.up(**one)
    live.up(**other)
    live.up(**one)
    assert live.account.noticed == []
    assert "unchanged" in live.up(**one)


@EACH
def test_a_change_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    """Back from a shared listener the tasks get another target group, as the guide warns."""
    live.fail_go_on_and_go_back(one, other)
    leaves_its_own = "listener_arn" in {**one, **other} and "vpc_id" in one and "vpc_id" in other
    gap = "api-service: no load balancer forwards to its tasks"
    assert set(live.account.noticed) <= ({gap} if leaves_its_own else set())


@each_of({name: CHANGES[name] for name in ("a shared listener",)})
def test_a_change_to_a_shared_listener_that_failed_goes_on_without_a_gap(
    live: Live, one: Args, other: Args
) -> None:
    live.up(**one)
    calls = live.calls_of(**other)
    live.up(**one)
    live.account.fault = Fault(calls // 2)
    live.fails(**other)
    live.up(**other)
    assert live.account.noticed == []


@EACH_MOVE
def test_a_move_that_failed_goes_on_or_is_taken_back(live: Live, one: Args, other: Args) -> None:
    live.fail_go_on_and_go_back(one, other)
    assert live.is_as_wanted(**one)


@each_of({name: change for name, change in MOVES.items() if "listener" not in name})
def test_a_service_that_moves_goes_before_anything_that_it_needs(live: Live, one: Args, other: Args) -> None:
    live.up(**one)
    live.up(**other)
    live.up(**one)
    assert live.account.noticed == []


@EACH_MOVE
def test_a_protected_service_is_not_moved_and_loses_nothing(live: Live, one: Args, other: Args) -> None:
    """Without a preview too, which `fails` leaves out."""
    protected: Args = {"deletion_protection": True}
    live.up(**one, **protected)
    there = set(live.account.things) - set(live.account.let_go)
    if "listener_arn" not in one:
        assert "marked for protection" in live.preview(**{**one, **other, **protected}, ok=False)
        live.fails(**{**one, **other, **protected})
        assert there <= set(live.account.things) - live.account.let_go
        live.up(**one, **protected)
    live.up(**one)


def test_what_ecs_may_restore_a_service_from_is_kept(live: Live) -> None:
    live.up()
    [before] = live.account.of_kind("ecs.TaskDefinition")
    live.up(port=9000)
    assert live.account.get(before.id) is before


@each_of({"another task": ({}, {"port": 9000}), "the same task": ({}, {"spot_percent": 50})})
def test_a_rollout_that_ecs_took_back_in_silence_fails_and_is_repeated(
    live: Live, one: Args, other: Args, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.up(**one)
    with monkeypatch.context() as silent:
        silent.setattr(live.account, "update", keeps_its_service(live.account))
        assert "ECS runs" in live.fails(**other)
    live.up("--refresh", **other)
    assert live.is_as_wanted(**other)


def keeps_its_service(account: Account) -> Callable[[str, Inputs], Thing]:
    """Return an update after which a service runs what it ran, as a provider that saw no failure reads it."""
    update = account.update

    def updated(id_: str, inputs: Inputs) -> Thing:
        thing = account.things[id_]
        if thing.kind != "ecs.Service":
            return update(id_, inputs)
        return replace(thing, outputs={**thing.outputs, "taskDefinition": thing.inputs["taskDefinition"]})

    return updated


# Image and secrets that the role which starts the tasks must be allowed, and what is no longer needed.
OTHER_RIGHTS: Changes = {
    "another repository": ({}, {"image_ref": IMAGE.replace("/slipway@", "/other@")}),
    "another secret": ({"secret_values": {"HF_TOKEN": "hush"}}, {"secret_values": {"TOKEN": "hush"}}),
}
EACH_RIGHT = each_of(OTHER_RIGHTS)


@EACH_RIGHT
def test_tasks_may_start_until_the_rollout_that_replaces_them_has_succeeded(
    live: Live, one: Args, other: Args
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
    """Of the role that starts the tasks, without the characters that are drawn for each secret."""
    found = live.account.of_kind("iam.RolePolicy")
    policies = [each.inputs["policy"] for each in found if each.name == "api-execution-policy"]
    return [re.sub("-[0-9a-f]{8}-", "-", policy) for policy in policies]


@each_of({**CHANGES, **MOVES})
def test_a_plan_replaces_what_the_engine_replaces(
    live: Live, one: Args, other: Args, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.up(**one)
    steps = json.loads(live.preview("--json", **other).partition("\n}\n")[0] + "}")["steps"]
    theirs = {step["urn"].split("::")[-1] for step in steps if "replace" in step["op"]}
    monkeypatch.chdir(live.stack.project)
    config = StackConfig("demo", "dev", {}, frozenset(), {})
    before, after = (StackSource(plan_of(program(args), config)) for args in (one, other))
    changes = difference_of("dev", before, after).resources
    ours = {each.name for each in changes if each.action is Action.REPLACE and not each.renamed_from}
    # The containers of a task are one text, which holds the ARN of a secret: a plan knows none of it.
    assert ours - {"api-task"} == theirs - {"api-task"}


def test_a_protected_load_balancer_is_replaced_in_two_steps(live: Live) -> None:
    protected = {"deletion_protection": True}
    live.up(**protected)
    refusal = live.preview(**protected, internal=True, ok=False)
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
