"""What a preview says of a local service that runs: the records of one, with this process as its server."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local.provider import PULUMI, SLIPWAY
from slipway.components.local.record import Lease, ProcessId, ProcessRecord, release_folder
from slipway.components.local.release import new_release, note
from slipway.components.local.rollout import Rollout
from slipway.infra.diff.model import Action
from slipway.infra.preview.command import previewed
from slipway.infra.preview.live_rollout import LiveRollout
from slipway.infra.resources.local import PROCESS

FOLDER = Path(".slipway/slipway-local")


@pytest.fixture
def inputs(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Record that what the project's stack plans runs as release 1, and return its inputs."""
    monkeypatch.chdir(project)
    plan = previewed(Path(), ["local"], []).stacks[0].plan
    assert plan
    inputs = next(dict(each.inputs) for each in plan.resources if each.type == PROCESS)
    new_release(FOLDER, inputs, "k" * 20)
    me = ProcessId.of(os.getpid())
    ProcessRecord(me, me, 2**30, "watchdog", time.time()).write(release_folder(FOLDER, 1))
    lease(SLIPWAY)
    return inputs


def lease(owner: str) -> None:
    Lease(owner, "slipway-local", "http://127.0.0.1:1", "bundled:sms-spam", "v", 1).write(FOLDER)


def live(*overrides: str) -> LiveRollout | None:
    return previewed(Path(), ["local"], list(overrides)).stacks[0].live


@pytest.mark.usefixtures("inputs")
def test_what_runs_as_planned_is_left() -> None:
    found = live()
    assert found
    assert found.sentence == "Release 1 serves. It is what is planned: `slipway up` changes nothing."
    assert set(found.actions.values()) == {Action.SAME}


@pytest.mark.usefixtures("inputs")
@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["memory=900Mi"], "for memory. After its smoke test it gets every request."),
        (["memory=900Mi", "timeout=5"], "for memory and timeout. "),
        (["apiKey=" + "b" * 20], "for apiKey. "),
        (
            ["memory=900Mi", "rollout=canary", "canaryPercent=20", "bakeMinutes=3"],
            "it gets 20% of the requests for 3 minutes, and then all or none.",
        ),
        (
            ["memory=900Mi", "rollout=canary", "bakeMinutes=1"],
            "it gets 10% of the requests for 1 minute, and",
        ),
        (["memory=900Mi", "rollout=blue-green"], "for 5 minutes release 1 can take them back at once."),
    ],
)
def test_a_change_is_a_rollout_by_the_stacks_own_kind(overrides: list[str], said: str) -> None:
    found = live(*overrides)
    assert found
    assert "`slipway up` starts a new one next to it, " in found.sentence
    assert said in found.sentence
    assert set(found.actions.values()) == {Action.UPDATE}


def test_what_went_back_is_said_to_be_refused(inputs: dict[str, Any]) -> None:
    bad = new_release(FOLDER, {**inputs, "memory_gib": 900 / 1024}, None)
    note(FOLDER, bad.number, ended_because="too slow")
    found = live("memory=900Mi")
    assert found
    assert "refuses this change: it is release 2, which went back: too slow. `slipway up --again`" in (
        found.sentence
    )


@pytest.mark.usefixtures("inputs")
def test_a_rollout_that_runs_comes_first() -> None:
    Rollout("canary", 1, 2, ProcessId.of(os.getpid()), time.time(), 10, 60).write(FOLDER)
    found = live("memory=900Mi")
    assert found
    assert "The rollout of release 2 is under way: `slipway up` is refused until it ends." in found.sentence


@pytest.mark.usefixtures("inputs")
def test_a_service_of_pulumi_or_one_that_is_gone_is_not_compared() -> None:
    lease(PULUMI)
    assert live() is None
    lease(SLIPWAY)
    (release_folder(FOLDER, 1) / "process.json").unlink()
    assert live() is None
