"""A move of a live `FargateService` that something cuts short: each ends where `up` goes on.

docs/guides/stuck-stacks.md has the commands; test_stuck_stacks.py also imports what exists.
"""

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pulumi
import pytest

from slipway.components.aws import secrets
from slipway.components.drawn_names import Replacing
from slipway.components.fargate import component, network
from tests.pulumi_engine.live import FULL, Live, lives
from tests.pulumi_engine.serving import served_provider
from tests.pulumi_engine.strict.account import Account, Request, Verb
from tests.pulumi_engine.strict.aws import ELSEWHERE, REGION, Existing, aws_account
from tests.pulumi_engine.strict.provider import StrictProvider
from tests.pulumi_engine.test_fargate import program, unbound

pytestmark = pytest.mark.pulumi_engine

ABROAD = {"region": ELSEWHERE}
_WAIT_SECONDS = 60


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    account = aws_account()
    Existing.into(account)
    with lives(tmp_path, account, program, "aws") as live:
        yield live
    assert account.left() == set()


class Hold:
    """Holds the creation of one kind of thing until it is let go, which then fails."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.reached, self.go_on = threading.Event(), threading.Event()

    def __call__(self, _account: Account, request: Request) -> Iterator[str]:
        if request.verb is Verb.CREATE and not self.go_on.is_set():
            self.reached.set()
            self.go_on.wait(_WAIT_SECONDS)
            yield "ServiceUnavailable: held by the test"


@contextmanager
def held(account: Account, kind: str) -> Generator[Hold]:
    hold, rules = Hold(kind), account.rules
    account.rules = {**rules, kind: (hold, *rules[kind])}
    try:
        yield hold
    finally:
        hold.go_on.set()
        account.rules = rules


@pytest.mark.parametrize("kind", ["ecs.Service", "ecs.Cluster", *(["lb.TargetGroup"] if FULL else [])])
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_move_whose_engine_was_killed_goes_on_or_is_taken_back(
    live: Live, kind: str, goes_on: bool
) -> None:
    """The state lists what calls may have made whose answers were lost; that is deleted by hand."""
    live.up()
    with held(live.account, kind) as hold, live.stack.begun(program(ABROAD)) as process:
        assert hold.reached.wait(_WAIT_SECONDS)
        process.kill()
        process.wait()
    listed = live.being_created()
    live.stack.run("cancel", "--yes")
    live.stack.run("refresh", "--clear-pending-creates", "--yes", "--skip-preview")
    wanted: Mapping[str, Any] = ABROAD if goes_on else {}
    live.up_and_delete(listed, **wanted)
    assert live.is_as_wanted(**wanted)


def test_a_second_up_is_refused_while_one_runs(live: Live) -> None:
    live.up()
    with held(live.account, "ecs.Service") as hold, live.stack.begun(program(ABROAD)) as process:
        assert hold.reached.wait(_WAIT_SECONDS)
        assert "currently locked" in live.fails(port=9000)
        hold.go_on.set()
        assert process.wait(_WAIT_SECONDS)
    live.up(**ABROAD)
    assert live.is_as_wanted(**ABROAD)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_move_whose_provider_died_goes_on_or_is_taken_back(live: Live, goes_on: bool) -> None:
    live.up()
    own = live.stack.providers
    with held(live.account, "ecs.Service") as hold, ExitStack() as dying:
        port = dying.enter_context(served_provider(StrictProvider(live.account)))
        live.stack.providers = {**own, "aws": port}
        with live.stack.begun(program(ABROAD)) as process:
            assert hold.reached.wait(_WAIT_SECONDS)
            dying.close()
            assert process.wait(_WAIT_SECONDS)
    live.stack.providers = own
    wanted: Mapping[str, Any] = ABROAD if goes_on else {}
    live.up("--refresh", **wanted)
    assert live.is_as_wanted(**wanted)


def by_its_name(_resource: str, base: str, *_more: object) -> str:
    return base


def no_id(*_service: object) -> pulumi.Output[str]:
    return pulumi.Output.from_input("")


@pytest.mark.parametrize("args", [{}, {"zones": [f"{REGION}b", f"{REGION}c"]}], ids=["two zones", "others"])
def test_a_stack_of_an_older_release_moves_and_moves_back(
    live: Live, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its secrets have fixed names, its rollouts no ids, and nothing is bound to anything."""
    zones = "".join(zone[-1] for zone in args.get("zones", "ab"))

    def place_in_the_list(kind: str, zone: str) -> int:
        return zones.index(zone[-1]) + (2 if kind == "private" else 0)

    with monkeypatch.context() as before:
        before.setattr(network, "place_of", place_in_the_list)
        before.setattr(Replacing, "into", unbound)
        before.setattr(secrets, "drawn_name", by_its_name)
        before.setattr(component, "rollout_id", no_id)
        live.up(**args)
    [secret] = live.account.of_kind("secretsmanager.Secret")
    live.up(**args)
    assert live.account.of_kind("secretsmanager.Secret") == [secret]
    live.fail_go_on_and_go_back(args, ABROAD)
    assert live.is_as_wanted(**args)
