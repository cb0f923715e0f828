"""Rollouts of a live `FargateService` on the real engine, in an account where ECS moves the traffic."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.contract.fargate_cases import CERTIFICATE, IMAGE
from tests.infra.approval import approve
from tests.pulumi_engine.live import FULL, Args, Changes, Live, each_of, lives
from tests.pulumi_engine.strict.aws import Existing, aws_account
from tests.pulumi_engine.strict.aws_traffic import AwsAccount, weights_of
from tests.pulumi_engine.test_fargate import NETWORK, program

pytestmark = pytest.mark.pulumi_engine

ROLLING: Args = {"rollout": "rolling"}
CANARY: Args = {"rollout": "canary", "canary_percent": 5}
BLUE_GREEN: Args = {
    "rollout": "blue-green",
}
SECURE: Args = {"domain": "api.example.com", "certificate_arn": CERTIFICATE}
GOOD, BETTER, BAD = (IMAGE.replace("a" * 64, digit * 64) for digit in "cde")
# What is made one after the other; the rest is made at the same time.
IN_ORDER = ("api-alternate-targets", "api-production-rule", "api-traffic-policy", "api-scaling", "api-task")
MADE = IN_ORDER[:-1]


@pytest.fixture
def account() -> AwsAccount:
    account = aws_account()
    Existing.into(account)
    account.alarming[BAD] = "api-availability-page"
    return account


@pytest.fixture
def live(tmp_path: Path, account: AwsAccount) -> Iterator[Live]:
    """Run an engine on an account with only what exists before; destroy what a test created."""
    with lives(tmp_path, account, program, "aws") as live:
        yield live
    assert account.left() == set()


def story_of(account: AwsAccount, live: Live, names: Sequence[str] = IN_ORDER, **args: object) -> str:
    """Update to these arguments; return what was called and what ECS did."""
    account.calls.clear()
    account.steps.clear()
    live.up(**args)
    return account.story(*names)


@pytest.mark.parametrize("strategy", [ROLLING, CANARY, BLUE_GREEN], ids=lambda args: args["rollout"])
def test_the_order_of_calls_of_each_strategy(live: Live, account: AwsAccount, strategy: Args) -> None:
    told = {
        "made": story_of(account, live, MADE, **strategy, image_ref=GOOD),
        "another version": story_of(account, live, **strategy, image_ref=BETTER),
    }
    approve(f"fargate-{strategy['rollout']}.txt", _text(told))
    assert account.noticed == []
    assert "unchanged" in live.up("--refresh", **strategy, image_ref=BETTER)


def test_a_bad_canary_goes_back_by_itself(live: Live, account: AwsAccount) -> None:
    live.up(**CANARY, image_ref=GOOD)
    live.up(**CANARY, image_ref=BETTER)
    served = traffic(account)
    account.calls.clear()
    account.steps.clear()
    said = live.fails(**CANARY, image_ref=BAD)
    assert "ROLLBACK_SUCCESSFUL: the alarm api-availability-page was triggered" in said
    assert traffic(account) == served
    told = {"a bad version": account.story(*IN_ORDER)}
    told["the version before"] = story_of(account, live, **CANARY, image_ref=BETTER)
    approve("fargate-bad-canary.txt", _text(told))
    assert live.is_as_wanted(**CANARY, image_ref=BETTER)
    assert account.noticed == []


def test_without_an_alarm_that_sees_it_a_bad_canary_stays(live: Live, account: AwsAccount) -> None:
    """The alarms are what takes it back, and nothing else here."""
    others = {**CANARY, "rollback_on": ["latency"]}
    live.up(**others, image_ref=GOOD)
    live.up(**others, image_ref=BAD)
    assert traffic(account)[1] == {BAD}


CHANGES: Changes = {
    "a canary": (ROLLING, CANARY),
    "blue-green": (ROLLING, BLUE_GREEN),
    "a canary for blue-green": (CANARY, BLUE_GREEN),
    "rolling that is given": ({}, ROLLING),
    "HTTPS of a rolling one": (ROLLING, {**ROLLING, **SECURE}),
    "another network of a canary": (CANARY, {**CANARY, **NETWORK}),
}
OF_EACH_KIND = ("a canary", "HTTPS of a rolling one", "another network of a canary")
# From before the setting, and from the state by which a canary is left.
BEGINNINGS: Changes = {"a canary at once": ({}, CANARY), "a canary": (ROLLING, CANARY)}


@each_of(CHANGES if FULL else {name: CHANGES[name] for name in OF_EACH_KIND})
def test_the_rollout_of_a_live_service_is_changed_and_changed_back(
    live: Live, account: AwsAccount, one: Args, other: Args
) -> None:
    """With a version in between, so that the requests are once in either group."""
    live.up(**one, image_ref=GOOD)
    live.up(**other, image_ref=GOOD)
    live.up(**other, image_ref=BETTER)
    live.up(**one, image_ref=BETTER)
    live.up(**one, image_ref=GOOD)
    live.up(**other, image_ref=GOOD)
    assert account.noticed == []
    assert live.is_as_wanted(**other, image_ref=GOOD)


@each_of({"a canary": ({}, CANARY)})
def test_a_canary_begins_at_once_and_ends_by_way_of_rolling(
    live: Live, account: AwsAccount, one: Args, other: Args
) -> None:
    live.up(**one, image_ref=GOOD)
    live.up(**other, image_ref=GOOD)
    live.up(**ROLLING, image_ref=GOOD)
    live.up(**one, image_ref=GOOD)
    assert account.noticed == []


def test_the_account_notices_requests_for_a_group_without_tasks(live: Live, account: AwsAccount) -> None:
    """The way that the guide warns of: the line is removed while the tasks are in the second group."""
    live.up(**CANARY)
    live.up()
    assert [text for text in account.noticed if "503" in text] != []


@each_of(BEGINNINGS if FULL else {"a canary at once": BEGINNINGS["a canary at once"]})
def test_a_change_of_the_rollout_that_failed_goes_on_or_is_taken_back(
    live: Live, account: AwsAccount, one: Args, other: Args
) -> None:
    back = {**one, **ROLLING}
    live.up(**one)
    live.fail_go_on_and_go_back(back, other)
    assert account.noticed == []


def test_weights_that_ecs_moved_are_no_drift(live: Live, account: AwsAccount) -> None:
    live.up(**CANARY)
    [rule] = account.of_kind("lb.ListenerRule")
    assert sorted(weights_of(rule).values()) == [0, 100]
    assert "unchanged" in live.up("--refresh", **CANARY)
    live.up("--refresh", **CANARY, labels={"team": "search"})
    assert account.noticed == []
    assert live.is_as_wanted(**CANARY, labels={"team": "search"})


def traffic(account: AwsAccount) -> tuple[set[str], set[str]]:
    """Return the names of the groups that get requests, and the images of the service's task definition."""
    weights = [weights_of(rule) for rule in account.of_kind("lb.ListenerRule")]
    groups = {account.things[group].name for each in weights for group, weight in each.items() if weight}
    [service] = account.of_kind("ecs.Service")
    task = account.things[service.inputs["taskDefinition"]].inputs["containerDefinitions"]
    return groups, {image for image in (GOOD, BETTER, BAD) if image in task}


def _text(told: dict[str, str]) -> str:
    return "\n".join(f"# {what}\n{story}" for what, story in told.items())
