"""Rollouts that are cut off: what serves when a command, a conductor or the machine stops in the middle."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local import conductor, process
from slipway.components.local.conductor import Conductor
from slipway.components.local.launch import supervisors
from slipway.components.local.record import ProcessId, release_folder
from slipway.components.local.release import Release, releases
from slipway.components.local.rollout import RETURN, Rollout, mend, tell, under_way
from slipway.components.rollouts.states import SERVES
from slipway.infra.errors import Refused
from slipway.infra.local.releases import RollbackOptions, pause, promote, roll_back
from slipway.infra.local.runner import SlipwayProvider
from tests.components.local.rolling import (
    NEVER,
    Update,
    ask,
    canary,
    is_shared,
    no_record,
    remember,
    silent,
    started,
    until,
    updated,
)
from tests.conftest import ROOT


def test_a_killed_conductor_leaves_the_old_version_with_every_request(
    props: dict[str, Any], folder: Path
) -> None:
    outputs = started(props)
    update = Update(outputs, props, **canary())
    update.start()
    until(lambda: is_shared(folder))
    rollout = under_way(folder)
    assert rollout
    tell(rollout, signal.SIGKILL)
    update.join(60)
    assert "conductor was killed" in str(update.error)
    assert [ask(outputs) for _ in range(4)] == [200] * 4
    until(lambda: process.alive(release_folder(folder, 2)) is None)


def test_a_canary_outlives_its_command_and_the_next_one_adopts_what_serves(
    props: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    outputs = started(props)
    changed = {**props, **canary()}
    code = (
        "import json, sys; from slipway.infra.local.runner import SlipwayProvider; "
        "olds, news = json.load(sys.stdin); SlipwayProvider().update('test', olds, news)"
    )
    command = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE)
    assert command.stdin
    with command:
        command.stdin.write(json.dumps([outputs, changed]).encode())
        command.stdin.close()
        until(lambda: is_shared(folder))
        command.kill()
    assert under_way(folder)
    assert promote(folder).state == SERVES
    provider = SlipwayProvider()
    assert provider.diff("test", outputs, changed).changes is True
    pid = (process.running(folder) or no_record()).server.pid
    assert updated(outputs, changed)["pid"] == pid
    assert ask(outputs) == 200


def test_what_a_killed_command_started_is_ended_by_the_next(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    gone = ProcessId(os.getpid(), 1.0)
    number = 2
    shutil.copytree(release_folder(folder, 1), release_folder(folder, number), ignore=_all_but_the_record)
    release = Release.read(folder, number)
    assert release
    Rollout("rolling", 1, number, gone, time.time()).write(folder)
    assert "cut off before it had the traffic; release 1 serves" in mend(folder)
    assert mend(folder) == ""
    Rollout("rolling", 1, number, gone, time.time()).write(folder)
    remember(folder, outputs)
    assert roll_back(folder, None, RollbackOptions(), silent) == (2, 1)  # and release 1 goes on
    assert ask(updated(outputs, props, memory_gib=0.9)) == 200


def _all_but_the_record(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if name != "release.json"]


def test_an_interrupted_canary_goes_back_and_may_come_again(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    update = Update(outputs, props, **canary())
    update.start()
    until(lambda: is_shared(folder))
    rollout = under_way(folder)
    assert rollout
    tell(rollout, RETURN)  # as Ctrl-C does
    update.join(60)
    assert "it was asked to" in str(update.error)
    assert releases(folder)[0].ended_because == ""
    assert ask(outputs) == 200


@pytest.mark.parametrize("do", [promote, pause])
def test_a_command_that_starts_a_canary_is_not_signalled(
    props: dict[str, Any], folder: Path, do: Callable[[Path], Rollout]
) -> None:
    command = subprocess.Popen(["sleep", "60"])
    try:
        driver = ProcessId.of(command.pid)
        Rollout("canary", 1, 2, driver, time.time(), 10, 60, tuple(NEVER)).write(folder)
        with pytest.raises(Refused, match="not ready yet"):
            do(folder)
        assert command.poll() is None
    finally:
        command.kill()
        command.wait()


# Kills itself in the call of one function of deploy.py: a server is started and not yet recorded, or both
# versions accept.
KILLED_IN_THE_MIDDLE = """
import json, os, signal, sys
from slipway.components.local import deploy, launch, process, rollout
from slipway.infra.local.runner import SlipwayProvider

module, name, olds, news = json.load(sys.stdin)
owner = {"process": process, "rollout": rollout, "Control": rollout.Control}[module]
real = getattr(owner, name)

def killed(*arguments, **named):
    real(*arguments, **named)
    os.kill(os.getpid(), signal.SIGKILL)

setattr(owner, name, killed)
provider = SlipwayProvider()
provider.update("test", olds, news) if olds else provider.create(news)
"""


@pytest.mark.parametrize(
    ("point", "is_first"),
    [
        ("process.spawned", True),
        ("process.spawned", False),
        ("Control.accept", False),
        ("rollout.serve", False),
    ],
)
def test_a_command_that_is_killed_at_the_worst_moment_is_mended_by_the_next(
    props: dict[str, Any], folder: Path, point: str, is_first: bool
) -> None:
    outputs = {} if is_first else started(props)
    news = {**props, "memory_gib": 0.9, "api_key": "k" * 20, "api_key_given": True}
    given = json.dumps([*point.split("."), outputs, news])
    command = [sys.executable, "-c", KILLED_IN_THE_MIDDLE]
    done = subprocess.run(command, cwd=ROOT, input=given, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    new = updated(outputs, news) if outputs else started(news)
    assert ask(new) == 200
    until(lambda: len(supervisors_below(folder)) == 1)


def supervisors_below(folder: Path) -> list[int]:
    """Return the pids of the servers' supervisors, recorded or not."""
    return [one.pid for home in folder.glob("releases/*") for one in supervisors(home)]


class Clock:
    """A clock whose sleeps take as long as they are told, as of a machine that is put to sleep."""

    def __init__(self, seconds: list[float]) -> None:
        self._seconds = seconds
        self._now = 0.0
        self.looks = 0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, _seconds: float) -> None:
        self._now += self._seconds[self.looks]
        self.looks += 1

    def time(self) -> float:
        return self._now


def test_time_that_the_machine_slept_is_not_baked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock([1, 3600, 1, 1, 1, 1, 1, 1, 1])
    monkeypatch.setattr(conductor, "time", clock)
    rollout = Rollout("canary", 1, 2, ProcessId(os.getpid(), 1.0), 0.0, 50, bake_seconds=9)
    assert "undecided" in (Conductor(tmp_path, rollout).watch() or "")
    assert clock.looks == 5  # 1 + 5 + 3 times 1
