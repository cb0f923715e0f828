"""The provider with the real server and the bundled model."""

import json
import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from slipway.components.local import process
from slipway.components.local.launch import Launch
from slipway.components.local.provider import PULUMI, LocalProcessProvider
from slipway.components.local.record import LEASE, PROCESS, serving_folder
from slipway.infra.local.runner import SlipwayProvider
from tests.components.local.rolling import MODEL
from tests.conftest import ROOT


def predict(outputs: dict[str, Any]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {outputs['api_key']}"}
    return httpx.post(f"{outputs['url']}/predict", json={"text": "free prize"}, headers=headers)


def test_create_starts_a_server_that_answers_with_the_key_it_made(props: dict[str, Any]) -> None:
    outputs = LocalProcessProvider().create(props).outs or {}
    assert predict(outputs).json()["label"] in ("ham", "spam")
    assert len(outputs["api_key"]) >= 32
    assert httpx.get(f"{outputs['url']}/ready").status_code == 200
    assert psutil.pid_exists(outputs["pid"])


def test_the_server_inherits_no_secret_of_the_caller(
    props: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "of-the-caller")
    outputs = LocalProcessProvider().create(props).outs or {}
    environment = psutil.Process(outputs["pid"]).environ()
    assert "of-the-caller" not in environment.values()
    assert not [name for name in environment if name.startswith(("PULUMI", "AWS", "GOOGLE"))]


def test_the_server_has_a_session_of_its_own_and_none_of_the_callers_pipes(props: dict[str, Any]) -> None:
    outputs = LocalProcessProvider().create(props).outs or {}
    assert os.getsid(outputs["pid"]) != os.getsid(0)
    if Path("/proc").exists():
        assert not _pipes(outputs["pid"]) & _pipes(os.getpid())


def _pipes(pid: int) -> set[str]:
    found: set[str] = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(os.readlink(descriptor))
    return {one for one in found if one.startswith("pipe:")}


def test_a_start_is_waited_for_three_times_as_long_as_the_model_takes_and_two_minutes_at_least() -> None:
    assert process.ready_seconds(0.5) == 120
    assert process.ready_seconds(300) == 900


def test_a_start_that_takes_too_long_says_how_to_wait_longer_and_leaves_nothing(
    tmp_path: Path, free_port: int
) -> None:
    launch = Launch(
        folder=tmp_path,
        port=free_port,
        threads=1,
        memory_bytes=2**30,
        timeout_seconds=10,
        model_folder=ROOT / MODEL,
        version="test",
        api_key="k" * 20,
        ready_seconds=0,
    )
    with pytest.raises(process.StartFailed, match=r"not ready within 0 s\..*`load_seconds`"):
        process.start(launch, PULUMI, "test", "bundled:sms-spam")
    assert process.running(tmp_path) is None


def test_the_model_that_was_looked_at_is_the_only_one_that_is_served(props: dict[str, Any]) -> None:
    with pytest.raises(process.StartFailed, match=r"EXPECTED_MODEL is other-1\+0{12}.*here is sms-spam-1"):
        LocalProcessProvider().create({**props, "expected_model": f"other-1+{'0' * 12}"})
    assert process.process_folders(Path(props["run_folder"])) == []


def test_no_diff_while_it_runs_unchanged_and_one_when_it_died(props: dict[str, Any]) -> None:
    provider = LocalProcessProvider()
    outputs = provider.create(props).outs or {}
    assert provider.diff("test", outputs, props).changes is False
    assert provider.diff("test", outputs, {**props, "memory_gib": 2}).changes is True
    assert provider.diff("test", outputs, {**props, "rollout": "canary"}).changes is False
    assert (
        provider.diff("test", outputs, {**props, "api_key": "k" * 20, "api_key_given": True}).changes is True
    )
    os.kill(outputs["pid"], signal.SIGKILL)
    wait_until_gone(outputs["pid"])
    assert provider.diff("test", outputs, props).changes is True
    assert provider.read("test", outputs).id == ""


def test_update_restarts_only_the_process_and_keeps_the_created_key(props: dict[str, Any]) -> None:
    provider = LocalProcessProvider()
    first = provider.create(props).outs or {}
    second = provider.update("test", first, {**props, "memory_gib": 0.5}).outs or {}
    assert second["pid"] != first["pid"]
    assert second["api_key"] == first["api_key"]
    assert (
        not psutil.pid_exists(first["pid"]) or psutil.Process(first["pid"]).status() == psutil.STATUS_ZOMBIE
    )
    assert predict(second).status_code == 200
    record = process.running(Path(props["run_folder"]))
    assert record
    assert record.limit_bytes == 2**29


def test_a_given_key_replaces_the_created_one_and_its_removal_makes_a_new_one(props: dict[str, Any]) -> None:
    provider = LocalProcessProvider()
    created = provider.create(props).outs or {}
    given = provider.update("test", created, {**props, "api_key": "k" * 20, "api_key_given": True}).outs or {}
    again = provider.update("test", given, props).outs or {}
    assert given["api_key"] == "k" * 20
    assert again["api_key"] not in (created["api_key"], given["api_key"])
    assert [predict(again).status_code, predict({**again, "api_key": "k" * 20}).status_code] == [200, 401]


def test_a_failed_update_leaves_the_service_running_as_it_was(props: dict[str, Any]) -> None:
    provider = LocalProcessProvider()
    outputs = provider.create(props).outs or {}
    with pytest.raises(
        process.StartFailed,
        match=r"ran out of memory: its limit is 64 MiB[\s\S]*previous version is still running",
    ):
        provider.update("test", outputs, {**props, "memory_gib": 0.0625})
    assert predict(outputs).status_code == 200


def test_a_server_that_cannot_start_fails_with_its_own_words_and_leaves_nothing(
    props: dict[str, Any], tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    with pytest.raises(process.StartFailed, match=r"broken[\s\S]*Last lines of .*server\.log"):
        LocalProcessProvider().create({**props, "model_folder": str(broken)})
    assert process.process_folders(Path(props["run_folder"])) == []
    assert not (Path(props["run_folder"]) / LEASE).exists()


def test_a_port_in_use_is_refused_before_anything_starts(props: dict[str, Any]) -> None:
    with (
        socket.create_server(("127.0.0.1", props["port"])),
        pytest.raises(process.PortTaken, match="another `port`"),
    ):
        LocalProcessProvider().create(props)
    assert not Path(props["run_folder"]).exists()


def test_each_way_refuses_a_service_that_the_other_started(props: dict[str, Any]) -> None:
    theirs = LocalProcessProvider().create(props).outs or {}
    with pytest.raises(
        process.OwnedByOther, match=r"started by `pulumi up`\. Stop it first: `pulumi destroy`"
    ):
        SlipwayProvider().create(props)
    SlipwayProvider().delete("test", theirs)
    assert predict(theirs).status_code == 200
    LocalProcessProvider().delete("test", theirs)
    ours = SlipwayProvider().create(props).outs or {}
    with pytest.raises(
        process.OwnedByOther, match=r"started by `slipway up`\. Stop it first: `slipway down`"
    ):
        LocalProcessProvider().create(props)
    assert predict(ours).status_code == 200


def test_delete_leaves_no_process_and_only_the_log(props: dict[str, Any]) -> None:
    provider = LocalProcessProvider()
    outputs = provider.create(props).outs or {}
    provider.delete("test", outputs)
    wait_until_gone(outputs["pid"])
    assert [path.name for path in Path(props["run_folder"]).iterdir()] == ["server.log"]


def test_a_pid_that_was_given_to_a_stranger_is_never_signalled(props: dict[str, Any]) -> None:
    provider = LocalProcessProvider()
    outputs = provider.create(props).outs or {}
    path = serving_folder(Path(props["run_folder"])) / PROCESS
    record = json.loads(path.read_text())
    real = {name: record[name]["pid"] for name in ("supervisor", "server")}
    record["supervisor"] = record["server"] = {
        "pid": os.getpid(),
        "created": record["server"]["created"] - 100,
    }
    path.write_text(json.dumps(record))
    provider.delete("test", outputs)  # would end this very process
    assert psutil.pid_exists(real["server"])
    os.kill(real["supervisor"], signal.SIGTERM)
    wait_until_gone(real["server"])
    wait_until_gone(real["supervisor"])


def test_the_owner_of_a_pulumi_service_is_frozen() -> None:
    assert (LocalProcessProvider.owner, PULUMI) == ("pulumi up", "pulumi up")


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        time.sleep(0.02)
    raise AssertionError(f"process {pid} is still there")
