"""Rollbacks with the real server: what comes back, from which files, and what is refused."""

import errno
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from slipway.components.local import kept_files, process
from slipway.components.local.process import StartFailed
from slipway.components.local.record import Lease, ProcessId, RecordError, release_folder
from slipway.components.local.release import Release, new_release, releases
from slipway.components.local.rollout import Rollout
from slipway.infra.errors import Refused
from slipway.infra.local.releases import RollbackOptions, roll_back
from tests.components.local.rolling import (
    MODEL,
    ask,
    digest_of,
    no_record,
    remember,
    silent,
    started,
    until,
    updated,
)
from tests.conftest import ROOT


def test_a_release_runs_from_its_own_files_and_comes_back_with_them(
    props: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(ROOT / MODEL, tmp_path / "mine")
    with (model / "manifest.json").open("a") as file:
        file.write("\n")
    own = {**props, "model": f"file:{model}", "model_folder": str(model), "model_digest": digest_of(model)}
    outputs = started(own)
    updated(outputs, props)
    shutil.rmtree(model)
    remember(folder, outputs)
    assert roll_back(folder, None, RollbackOptions(), silent) == (2, 3)
    assert ask(outputs) == 200
    assert [(each.number, each.repeats) for each in releases(folder)] == [(3, 1), (2, 0), (1, 0)]
    with pytest.raises(Refused, match="no earlier release than 3"):
        roll_back(folder, None, RollbackOptions(), silent)
    with pytest.raises(Refused, match="Release 9 is not kept; kept are 3, 2, 1"):
        roll_back(folder, 9, RollbackOptions(), silent)
    with pytest.raises(StartFailed, match=r"release 2, which went back: by `slipway rollback`.*--again"):
        updated({**outputs, "memory_gib": 0}, props)
    (folder / "models" / props["model_digest"] / "manifest.json").unlink()
    with pytest.raises(Refused, match="Release 2 cannot come back: the model's files"):
        roll_back(folder, 2, RollbackOptions(), silent)
    assert ask(outputs) == 200


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("code/*/slipway/service/__main__.py", "server's files"),
        ("code/*/slipway/__init__.py", "server's files"),
        ("models/*/manifest.json", "model's files"),
    ],
)
def test_files_that_were_changed_are_told_and_are_not_run(
    props: dict[str, Any], folder: Path, path: str, named: str
) -> None:
    release = new_release(folder, props, None)
    kept_files.keep(folder, release)
    assert kept_files.lost_files(folder, release) == ""
    [changed] = folder.glob(path)
    before = changed.read_bytes()
    changed.write_bytes(before + b"\n")
    assert re.search(f"{named}.*something changed them", kept_files.lost_files(folder, release))
    kept_files.keep(folder, release)
    assert changed.read_bytes() == before
    assert kept_files.lost_files(folder, release) == ""


def test_a_rollback_ends_the_command_that_still_starts_a_version(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    remember(folder, outputs)
    new_release(folder, {**props, "memory_gib": 0.9}, None)
    command = subprocess.Popen(["sleep", "60"])
    try:
        Rollout("rolling", 1, 2, ProcessId.of(command.pid), time.time()).write(folder)
        assert roll_back(folder, None, RollbackOptions(), silent) == (2, 1)
        assert command.wait(20) == -signal.SIGTERM
        assert ask(outputs) == 200
        assert [each.ended_because for each in releases(folder)] == ["by `slipway rollback`", ""]
    finally:
        command.kill()
        command.wait()


def test_a_second_rollback_leaves_the_first_alone(props: dict[str, Any], folder: Path) -> None:
    new_release(folder, props, None, repeats=1)
    command = subprocess.Popen(["sleep", "60"])
    try:
        Rollout("rolling", 2, 1, ProcessId.of(command.pid), time.time()).write(folder)
        with pytest.raises(Refused, match="is bringing release 1 back already, as release 1"):
            roll_back(folder, None, RollbackOptions(), silent)
        assert command.poll() is None
        assert releases(folder)[0].ended_because == ""
    finally:
        command.kill()
        command.wait()


def test_a_settings_rollback_can_leave_the_settings_and_the_key_as_they_are(
    props: dict[str, Any], folder: Path
) -> None:
    first = started({**props, "api_key": "a" * 20, "api_key_given": True})
    second = updated(first, props, memory_gib=0.9, code_digest="other", api_key="b" * 20, api_key_given=True)
    remember(folder, second)
    roll_back(folder, 1, RollbackOptions(settings=False), silent)
    now = releases(folder)[0]
    assert (now.inputs["memory_gib"], now.inputs["code_digest"]) == (0.9, props["code_digest"])
    assert ask(second) == 200
    roll_back(folder, 1, RollbackOptions(secrets=True), silent)
    assert releases(folder)[0].inputs["memory_gib"] == 1
    assert ask(first) == 200
    assert ask(second) == 401


def test_a_dead_service_does_not_bring_back_what_went_back(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    bad = updated(outputs, props, code_digest="bad", model="file:elsewhere")
    lease = Lease.read(folder)
    assert lease
    assert (lease.model, lease.version) == ("file:elsewhere", "bad")
    remember(folder, bad)
    assert roll_back(folder, None, RollbackOptions(), silent) == (2, 3)
    os.kill((process.running(folder) or no_record()).server.pid, signal.SIGKILL)
    until(lambda: process.running(folder) is None)
    with pytest.raises(StartFailed, match="those of release 2, which went back"):
        updated(outputs, props, code_digest="bad", model="file:elsewhere")
    assert roll_back(folder, 3, RollbackOptions(), silent)[1] == 4  # the same, started again
    assert ask(outputs) == 200


def test_a_release_that_could_not_be_recorded_is_none(
    props: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_release(folder, props, None)

    def no_space(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(RecordError, match=r"releases/2 cannot be written: No space left.*free some space"):
        new_release(folder, props, None)
    assert [path.name for path in (folder / "releases").iterdir()] == ["1"]


def test_old_releases_go_and_their_files_with_them(props: dict[str, Any], folder: Path) -> None:
    outputs = updated(started(props), props, memory_gib=0.9)
    until(lambda: process.alive(release_folder(folder, 1)) is None)
    for number in range(3, 5):
        release = Release(number, {**props, "code_digest": f"c{number}"}, time.time())
        release_folder(folder, number).mkdir(parents=True)
        release.write(folder)
        (folder / "code" / f"c{number}").mkdir()
    assert kept_files.prune(folder, keep_newest=1) == [3, 1]
    assert [each.number for each in releases(folder)] == [4, 2]  # what serves stays
    assert {path.name for path in (folder / "code").iterdir()} == {"c4", props["code_digest"]}
    assert ask(outputs) == 200
