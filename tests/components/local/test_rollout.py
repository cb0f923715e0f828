"""Rollouts with the real server: what is refused, what goes back, and what a killed process leaves."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.components.local import conductor, kept_files, process
from slipway.components.local.conductor import Conductor
from slipway.components.local.log import log_files
from slipway.components.local.process import StartFailed
from slipway.components.local.record import Lease, ProcessId, release_folder, serving_folder
from slipway.components.local.release import Release, new_release, releases
from slipway.components.local.rollout import (
    BACK,
    PAUSED,
    RETURN,
    SERVES,
    UNDER_WAY,
    Rollout,
    abandon,
    mend,
    tell,
    under_way,
)
from slipway.components.model import source_digest
from slipway.infra.errors import Refused
from slipway.infra.local.releases import RollbackOptions, pause, promote, roll_back
from slipway.infra.local.runner import SlipwayProvider, State
from tests.conftest import ROOT

MODEL = "service/models/sms-spam"
NEVER = ["slipway_dead_threads > 1000"]


def digest_of(model: Path) -> str:
    return hashlib.sha256((model / "manifest.json").read_bytes()).hexdigest()[:12]


@pytest.fixture
def props(tmp_path: Path, free_port: int) -> Iterator[dict[str, Any]]:
    folder = tmp_path / "run"
    yield {
        "service": "test",
        "run_folder": str(folder),
        "port": free_port,
        "cpu": 1,
        "memory_gib": 1,
        "timeout_seconds": 10,
        "model": "bundled:sms-spam",
        "model_folder": MODEL,
        "model_digest": digest_of(ROOT / MODEL),
        "code_digest": source_digest(ROOT / "service"),
        "api_key_given": False,
        "url": f"http://127.0.0.1:{free_port}",
    }
    abandon(folder)
    process.stop(folder)


@pytest.fixture
def folder(props: dict[str, Any]) -> Path:
    return Path(props["run_folder"])


def started(props: dict[str, Any]) -> dict[str, Any]:
    return SlipwayProvider().create(props).outs or {}


def updated(outputs: dict[str, Any], props: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return SlipwayProvider().update("test", outputs, {**props, **changes}).outs or {}


def canary(minutes: float = 60, **more: Any) -> dict[str, Any]:
    return {
        "rollout": "canary",
        "canary_percent": 50,
        "bake_minutes": minutes,
        "rollback_on": NEVER,
        "memory_gib": 0.9,
        **more,
    }


def ask(outputs: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {outputs['api_key']}"}
    return httpx.post(f"{outputs['url']}/predict", json={"text": "x"}, headers=headers).status_code


def until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


class Update(threading.Thread):
    """An update on a thread, with what it raised."""

    def __init__(self, outputs: dict[str, Any], props: dict[str, Any], **changes: Any) -> None:
        super().__init__()
        self.error: BaseException | None = None
        self._do = lambda: updated(outputs, props, **changes)

    def run(self) -> None:
        try:
            self._do()
        except BaseException as error:
            self.error = error


def is_shared(folder: Path) -> bool:
    found = under_way(folder)
    return found is not None and found.driver.pid != os.getpid() and found.baked_seconds > 0


def test_a_connection_that_was_kept_alive_goes_on_at_the_new_version(
    props: dict[str, Any], folder: Path
) -> None:
    outputs = started(props)
    headers = {"Authorization": f"Bearer {outputs['api_key']}"}
    kept = httpx.Limits(keepalive_expiry=300)
    with httpx.Client(base_url=outputs["url"], headers=headers, limits=kept, timeout=60) as client:
        assert client.post("/predict", json={"text": "x"}).status_code == 200
        new = updated(outputs, props, memory_gib=0.9)
        answers = [client.post("/predict", json={"text": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].headers["connection"] == "close"
    assert "connection" not in answers[1].headers
    lease = Lease.read(folder)
    assert lease
    assert lease.release == 2
    assert process.running(folder)
    assert new["pid"] != outputs["pid"]


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
    assert roll_back(folder, None, RollbackOptions(), _silent) == (2, 3)
    assert ask(outputs) == 200
    assert [(each.number, each.repeats) for each in releases(folder)] == [(3, 1), (2, 0), (1, 0)]
    with pytest.raises(Refused, match="no earlier release than 3"):
        roll_back(folder, None, RollbackOptions(), _silent)
    with pytest.raises(Refused, match="Release 9 is not kept; kept are 3, 2, 1"):
        roll_back(folder, 9, RollbackOptions(), _silent)
    with pytest.raises(StartFailed, match=r"release 2, which went back: by `slipway rollback`.*--again"):
        updated({**outputs, "memory_gib": 0}, props)
    (folder / "models" / props["model_digest"] / "manifest.json").unlink()
    with pytest.raises(Refused, match="Release 2 cannot come back: the model's files"):
        roll_back(folder, 2, RollbackOptions(), _silent)
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


def test_a_rollback_ends_the_command_that_still_starts_a_version(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    remember(folder, outputs)
    new_release(folder, {**props, "memory_gib": 0.9}, None)
    command = subprocess.Popen(["sleep", "60"])
    try:
        Rollout("rolling", 1, 2, ProcessId.of(command.pid), time.time()).write(folder)
        assert roll_back(folder, None, RollbackOptions(), _silent) == (2, 1)
        assert command.wait(20) == -signal.SIGTERM
        assert ask(outputs) == 200
        assert [each.ended_because for each in releases(folder)] == ["by `slipway rollback`", ""]
    finally:
        command.kill()
        command.wait()


def _silent(_step: str) -> None:
    """Say nothing."""


def remember(folder: Path, outputs: dict[str, Any]) -> None:
    """Write the state that `slipway up` would have written."""
    State({"urn": {"id": "test", "outputs": outputs}}).write(folder)


def test_a_settings_rollback_can_leave_the_settings_and_the_key_as_they_are(
    props: dict[str, Any], folder: Path
) -> None:
    first = started({**props, "api_key": "a" * 20, "api_key_given": True})
    second = updated(first, props, memory_gib=0.9, code_digest="other", api_key="b" * 20, api_key_given=True)
    remember(folder, second)
    roll_back(folder, 1, RollbackOptions(settings=False), _silent)
    now = releases(folder)[0]
    assert (now.inputs["memory_gib"], now.inputs["code_digest"]) == (0.9, props["code_digest"])
    assert ask(second) == 200
    roll_back(folder, 1, RollbackOptions(secrets=True), _silent)
    assert releases(folder)[0].inputs["memory_gib"] == 1
    assert ask(first) == 200
    assert ask(second) == 401


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ["ham", "junk"]}, "another `labels`"),
        ({"task": "embed"}, "another `task`"),
    ],
)
def test_a_canary_that_would_answer_otherwise_is_refused_before_it_starts(
    props: dict[str, Any], folder: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    outputs = started(props)
    other = shutil.copytree(ROOT / MODEL, tmp_path / "other")
    manifest = {**json.loads((other / "manifest.json").read_text()), **change}
    (other / "manifest.json").write_text(json.dumps(manifest))
    changed = {"model": f"file:{other}", "model_folder": str(other), "model_digest": "of-other"}
    with pytest.raises(StartFailed, match=message):
        updated(outputs, props, **{**canary(), **changed})
    assert [each.number for each in releases(folder)] == [1]
    assert ask(outputs) == 200


def test_a_version_that_answers_wrong_never_gets_a_request(
    props: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "smoke.jsonl"
    file.write_text(json.dumps({"request": {"text": "x"}, "answer": {"label": "neither"}}))
    outputs = started(props)
    with pytest.raises(StartFailed, match=r'smoke test: .* expected "neither"[\s\S]*release 1 serves'):
        updated(outputs, props, **canary(smoke_tests=str(file)))
    rollout = Rollout.read(folder)
    assert rollout
    assert (rollout.state, rollout.old, rollout.new) == (BACK, 1, 2)
    assert process.process_folders(folder) == [release_folder(folder, 1)]
    assert ask(outputs) == 200


def test_a_canary_without_requests_is_undecided_and_goes_back(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    rule = ["http_server_request_duration_seconds failures > 1%"]
    with pytest.raises(StartFailed, match="Release 2 went back: undecided: it answered 0 requests"):
        updated(outputs, props, **canary(0.02, rollback_on=rule))
    assert "undecided" in releases(folder)[0].ended_because
    assert ask(outputs) == 200


def test_a_canary_that_uses_too_much_memory_or_dies_goes_back(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    with pytest.raises(StartFailed, match=r"slipway_memory_used_bytes is [0-9]+, above"):
        updated(outputs, props, **canary(rollback_on=["slipway_memory_used_bytes > 1000"]))
    update = Update(outputs, props, **canary(memory_gib=0.8))
    update.start()
    until(lambda: is_shared(folder))
    rollout = under_way(folder)
    assert rollout
    record = process.alive(release_folder(folder, rollout.new))
    assert record
    os.kill(record.server.pid, signal.SIGKILL)
    update.join(60)
    assert "SIGKILL" in str(update.error)
    assert [ask(outputs) for _ in range(4)] == [200] * 4


def test_a_canary_is_paused_goes_on_is_promoted_and_never_two_at_once(
    props: dict[str, Any], folder: Path
) -> None:
    outputs = started(props)
    with pytest.raises(Refused, match="No rollout is under way on this stack, so there is none to promote"):
        promote(folder)
    update = Update(outputs, props, **canary())
    update.start()
    until(lambda: is_shared(folder))
    with pytest.raises(StartFailed, match=r"The rollout of release 2 is under way"):
        updated(outputs, props, memory_gib=0.7)
    assert [ask(outputs) for _ in range(6)] == [200] * 6
    assert pause(folder).state == PAUSED
    assert pause(folder).state == UNDER_WAY
    assert promote(folder).state == SERVES
    update.join(60)
    assert update.error is None
    assert ask(outputs) == 200


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
    pid = (process.running(folder) or _no_record()).server.pid
    assert updated(outputs, changed)["pid"] == pid
    assert ask(outputs) == 200


def _no_record() -> Any:
    raise AssertionError("nothing runs")


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
    assert roll_back(folder, None, RollbackOptions(), _silent) == (2, 1)  # and release 1 goes on
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


def test_the_log_of_a_service_that_was_stopped_is_kept_by_the_next_release(
    props: dict[str, Any], folder: Path
) -> None:
    outputs = started(props)
    SlipwayProvider().delete("test", outputs)
    assert [path.name for path in folder.iterdir()] == ["server.log"]
    assert not (folder / "server.log").is_symlink()
    again = started(props)
    assert (folder / "server.log").is_symlink()
    assert "Listening on" in "".join(path.read_text() for path in log_files(serving_folder(folder))[1:])
    assert ask(again) == 200


def test_a_dead_service_does_not_bring_back_what_went_back(props: dict[str, Any], folder: Path) -> None:
    outputs = started(props)
    bad = updated(outputs, props, code_digest="bad", model="file:elsewhere")
    lease = Lease.read(folder)
    assert lease
    assert (lease.model, lease.version) == ("file:elsewhere", "bad")
    remember(folder, bad)
    assert roll_back(folder, None, RollbackOptions(), _silent) == (2, 3)
    os.kill((process.running(folder) or _no_record()).server.pid, signal.SIGKILL)
    until(lambda: process.running(folder) is None)
    with pytest.raises(StartFailed, match="those of release 2, which went back"):
        updated(outputs, props, code_digest="bad", model="file:elsewhere")
    assert roll_back(folder, 3, RollbackOptions(), _silent)[1] == 4  # the same, started again
    assert ask(outputs) == 200


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
    rollout = Rollout("canary", 1, 2, ProcessId(os.getpid(), 1.0), 0.0, 50, bake_seconds=12)
    assert "undecided" in (Conductor(tmp_path, rollout).watch() or "")
    assert clock.looks == 8  # 1 + 5 + 6 times 1


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
