"""Rollouts of a service on a real API server: `slipway up` with the real engine, provider and `kubectl`."""

import os
import signal

import pytest

from tests.cluster.control_plane import wait_until
from tests.infra.approval import approve
from tests.pulumi_engine.live_kubernetes import node
from tests.pulumi_engine.live_rollouts import (
    NEW,
    OLD,
    SERVICE,
    STACK,
    THIRD,
    Rollouts,
    metrics,
    rollouts,
)

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.cluster]

__all__ = ["node", "rollouts"]
CANARY = f"{SERVICE}-canary"


def test_a_canary_that_is_good_serves_and_one_that_is_bad_went_back(rollouts: Rollouts) -> None:
    since, first = rollouts.now, rollouts.image()
    rollouts.configure(image=NEW)
    said = rollouts.rolled_out(metrics(0), metrics(400))
    assert "Rollout canary: 1 pod of the new version next to 2 of release 1, then 33.3% of the req" in said
    assert (first, rollouts.image(), rollouts.image(CANARY)) == (OLD, NEW, "")
    story = ["A good canary", *rollouts.story(since)]
    rollouts.configure(image=THIRD)
    rollouts.log_at("debug")
    since = rollouts.now
    said = rollouts.rolled_out(metrics(0), metrics(400, failures=40), code=1)
    assert (
        "went back: 40 of 440 requests failed (http_server_request_duration_seconds failures > 1%). " in said
    )
    assert "Release 2 serves every request." in said.partition("Error: ")[2]
    approve("kubernetes-canary.txt", "\n".join([*story, "", "A bad one", *rollouts.story(since)]))
    assert (rollouts.image(), rollouts.image(CANARY)) == (NEW, "")
    assert "went back: 40 of 440 requests failed" in rollouts.slipway("up", STACK, "--yes", code=2)
    assert rollouts.status()["rollout"]["state"] == "went back"
    assert rollouts.watch.lost() == rollouts.watch.missed() == set()
    assert [each["percent"] for each in rollouts.releases()] == [100, 0]


@pytest.mark.long
def test_a_version_that_answers_wrong_gets_no_request(rollouts: Rollouts) -> None:
    since = rollouts.now
    rollouts.configure(image=NEW)
    rollouts.answers("new", metrics(0), status=500)
    said = rollouts.slipway("up", STACK, "--yes", code=1)
    assert "went back: it answers wrong: the task's example for /predict was answered with 500" in said
    assert not [line for line in rollouts.story(since) if "selects instance" in line]
    assert "/metrics" not in rollouts.asked("new")
    assert (rollouts.image(), rollouts.image(CANARY)) == (OLD, "")


@pytest.mark.long
def test_a_release_comes_back_by_one_command_and_stays_until_it_is_brought_again(rollouts: Rollouts) -> None:
    rollouts.configure(rollout="rolling", image=NEW)
    rollouts.log_at("debug")
    rollouts.engine("config", "rm", "--stack", STACK, "slipway:bakeMinutes")
    rollouts.slipway("up", STACK, "--yes")
    since = rollouts.now
    assert "Release 3 serves stack live; release 2 went back" in rollouts.slipway(
        "rollback", "--stack", STACK
    )
    approve("kubernetes-rollback.txt", "\n".join(rollouts.story(since)))
    assert rollouts.image() == OLD
    assert rollouts.watch.lost() == rollouts.watch.missed() == set()
    assert "went back: by `slipway rollback`" in rollouts.slipway("up", STACK, "--yes", code=2)
    assert rollouts.engine.up("--stack", STACK).keys() == {"same"}
    assert rollouts.image() == OLD
    found = {each["release"]: each for each in rollouts.releases()}
    assert (found[3]["percent"], found[3]["repeats"], found[2]["went_back"][:2]) == (100, 1, "by")
    rollouts.slipway("up", STACK, "--yes", "--again")
    assert rollouts.image() == NEW
    rollouts.configure(rollout="canary", image=THIRD)
    said = rollouts.slipway("up", STACK, "--yes")
    assert "The pods that serve were deployed without `rollout` canary" in said
    assert (rollouts.image(), rollouts.image(CANARY)) == (THIRD, "")
    assert rollouts.watch.lost() == rollouts.watch.missed() == set()


@pytest.mark.long
def test_blue_and_green_change_places_at_once_and_a_person_ends_it(rollouts: Rollouts) -> None:
    rollouts.configure(rollout="blue-green", image=NEW, bakeMinutes="60")
    since = rollouts.now
    with rollouts.begun("up", STACK, "--yes") as process:
        rollouts.wait_for_share(process, f"name={CANARY}")
        wait_until(lambda: rollouts.record().get("baked_seconds", 0) > 0)
        assert "A rollout of slipway-live runs already" in rollouts.slipway("up", STACK, "--yes", code=2)
        assert "is paused at 100% of the requests" in rollouts.slipway("pause", STACK)
        rollouts.slipway("promote", STACK)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    approve("kubernetes-blue-green.txt", "\n".join(rollouts.story(since)))
    assert (rollouts.image(), rollouts.image(CANARY)) == (NEW, "")
    assert rollouts.watch.lost() == rollouts.watch.missed() == set()


@pytest.mark.long
def test_a_rollout_whose_command_was_killed_is_taken_back_or_ended_by_a_bare_update(
    rollouts: Rollouts, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollouts.configure(image=NEW, bakeMinutes="60")
    for ends in ("rollback", "another", "update"):
        rollouts.configure(image=NEW)
        with rollouts.begun("up", STACK, "--yes", *([] if ends == "rollback" else ["--again"])) as process:
            rollouts.wait_for_share(process, f"instance={SERVICE}")
            wait_until(lambda: rollouts.record().get("baked_seconds", 0) > 0)
            os.killpg(process.pid, signal.SIGKILL)
        rollouts.be_silent()
        assert rollouts.status()["rollout"]["state"] == "cut off"
        assert "nothing watches it" in rollouts.slipway("promote", STACK, code=2)
        if ends == "rollback":
            rollouts.slipway("rollback", "--stack", STACK)
            assert (rollouts.image(), rollouts.image(CANARY)) == (OLD, "")
        elif ends == "another":
            since = rollouts.now
            rollouts.configure(image=THIRD)
            rollouts.answers("new", metrics(0), status=500)
            said = rollouts.slipway("up", STACK, "--yes", code=1)
            assert "Removing the version whose rollout was cut off" in said
            story = rollouts.story(since)
            in_order = [
                f"Service {SERVICE}: selects name={SERVICE}",
                f"Deployment {CANARY} is deleted",
                f"Deployment {CANARY}: 1 of a third version",
            ]
            assert [line for line in story if line in in_order][:3] == in_order
            assert not [line for line in story if "selects instance" in line]
            rollouts.answers("new", metrics(0))
        else:
            rollouts.engine.up("--stack", STACK)
            assert (rollouts.image(), rollouts.image(CANARY)) == (NEW, "")
    assert rollouts.watch.lost() == rollouts.watch.missed() == set()
