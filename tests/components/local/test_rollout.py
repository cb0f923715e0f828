"""Rollouts with the real server: what is refused, and what goes back."""

import json
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.components.local import process
from slipway.components.local.log import log_files
from slipway.components.local.process import StartFailed
from slipway.components.local.record import Lease, release_folder, serving_folder
from slipway.components.local.release import releases
from slipway.components.local.rollout import Rollout, under_way
from slipway.components.rollouts.states import BACK, PAUSED, SERVES, UNDER_WAY
from slipway.infra.errors import Refused
from slipway.infra.local.releases import pause, promote
from slipway.infra.local.runner import SlipwayProvider
from tests.components.local.rolling import MODEL, Update, ask, canary, is_shared, started, until, updated
from tests.conftest import ROOT


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
