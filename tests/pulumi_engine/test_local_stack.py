"""The local stack on the real engine: the same program and provider as `slipway up`."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.infra.command import slipway
from tests.pulumi_engine.conftest import Engine

pytestmark = pytest.mark.pulumi_engine


def predict(engine: Engine) -> dict[str, Any]:
    outputs = engine.outputs()
    headers = {"Authorization": f"Bearer {outputs['apiKey']}"}
    answer = httpx.post(
        f"{outputs['url']}/predict",
        json={"text": "You have won a free prize! Text WIN to 80086 now"},
        headers=headers,
    )
    return answer.raise_for_status().json()


def status(engine: Engine) -> dict[str, Any]:
    return json.loads(slipway(engine.project, "status", "--format", "json").stdout)


def test_up_change_unchanged_and_destroy(engine: Engine) -> None:
    assert engine.up() == {"create": 3}
    assert predict(engine)["label"] == "spam"
    first = status(engine)
    assert (first["state"], first["started_by"]) == ("ready", "pulumi up")

    engine("config", "set", "memory", "512Mi")
    assert engine.up() == {"same": 1, "update": 2}
    second = status(engine)
    assert second["pid"] != first["pid"]
    assert second["limits"]["memory_mib"] == 512

    assert engine.up() == {"same": 3}
    assert status(engine)["pid"] == second["pid"]

    engine("destroy", "--yes", "--skip-preview")
    assert not psutil.pid_exists(second["pid"]) or psutil.Process(second["pid"]).status() == "zombie"
    assert status(engine)["state"] == "stopped"


def test_the_key_stands_nowhere_in_clear(engine: Engine) -> None:
    engine.up()
    key = engine.outputs()["apiKey"]
    assert key not in engine("stack", "export")
    assert key not in engine("stack", "output")
    backend = Path(engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    assert not [path for path in backend.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    log = engine.project / ".slipway/slipway-local"
    assert not [path for path in log.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]


def test_a_configured_key_is_used_and_kept_encrypted(engine: Engine) -> None:
    engine("config", "set", "--secret", "apiKey", "k" * 24)
    engine.up()
    assert engine.outputs()["apiKey"] == "k" * 24
    assert predict(engine)["label"] == "spam"
    assert "k" * 24 not in engine("stack", "export")


def test_the_offline_plan_registers_what_the_engine_registers(engine: Engine) -> None:
    steps = [step["newState"] for step in engine.preview()["steps"]]
    theirs = {
        state["urn"]: {k: v for k, v in state.get("inputs", {}).items() if k != "__provider"}
        for state in steps
        if not state["type"].startswith("pulumi:providers:")
    }
    done = slipway(engine.project, "preview", "local", "--format", "json")
    (stack,) = json.loads(done.stdout)["stacks"]
    assert {resource["urn"]: resource["inputs"] for resource in stack["resources"]} == theirs
    parents = {state["urn"]: state.get("parent") for state in steps if state["urn"] in theirs}
    assert {resource["urn"]: resource["parent"] for resource in stack["resources"]} == parents


def test_a_dead_process_is_a_change_in_the_preview(engine: Engine) -> None:
    engine.up()
    os.kill(status(engine)["pid"], signal.SIGKILL)
    time.sleep(0.5)
    assert engine.preview()["changeSummary"] == {"same": 2, "update": 1}
    assert engine.up() == {"same": 2, "update": 1}
    assert status(engine)["state"] == "ready"


def test_refresh_forgets_a_service_that_is_gone(engine: Engine) -> None:
    engine.up()
    os.kill(status(engine)["pid"], signal.SIGKILL)
    time.sleep(0.5)
    engine("refresh", "--yes", "--skip-preview")
    assert engine.up() == {"create": 1, "same": 2}


def test_memory_below_the_models_need_is_refused_in_the_preview(engine: Engine) -> None:
    engine("config", "set", "memory", "64Mi")
    said = engine("preview", ok=False)
    assert "the smallest with a margin is 128Mi" in said
    assert "Traceback" not in said


def test_a_failed_update_names_the_cause_and_the_service_runs_on(
    engine: Engine, understated_model: Path
) -> None:
    engine("config", "set", "model", f"file:{understated_model}")
    engine.up()
    engine("config", "set", "memory", "64Mi")
    said = engine("up", "--yes", "--skip-preview", ok=False)
    assert "ran out of memory: its limit is 64 MiB" in said
    assert "The previous version is still running: release 1 serves." in said
    assert predict(engine)["label"] == "spam"
    engine("config", "set", "memory", "1Gi")
    engine.up()
    assert status(engine)["limits"]["memory_mib"] == 1024


def test_each_way_refuses_the_others_service(engine: Engine) -> None:
    engine.up()
    for command in ("up", "down"):
        done = slipway(engine.project, command)
        assert done.returncode == 2
        assert "started by `pulumi up`. Stop it first: `pulumi destroy`" in done.stderr
    assert predict(engine)["label"] == "spam"
    engine("destroy", "--yes", "--skip-preview")
    assert slipway(engine.project, "up").returncode == 0
    try:
        said = engine("up", "--yes", "--skip-preview", ok=False)
        assert "started by `slipway up`. Stop it first: `slipway down`" in said
        assert status(engine)["state"] == "ready"
    finally:
        slipway(engine.project, "down")


def test_wrong_settings_come_all_at_once_without_a_traceback(engine: Engine) -> None:
    for key, value in (("memory", "4GB"), ("cpu", "x"), ("timeout", "0"), ("memry", "1Gi")):
        engine("config", "set", key, value)
    said = engine("preview", ok=False)
    assert "4 settings are wrong" in said
    assert "Did you mean memory?" in said
    assert "Traceback" not in said


def test_a_command_of_the_engine_leaves_the_files_of_the_checkout_alone(engine: Engine) -> None:
    before = tracked(engine.project)
    engine.up()
    engine("destroy", "--yes", "--skip-preview")
    assert tracked(engine.project) == before


def tracked(project: Path) -> dict[str, bytes]:
    names = subprocess.run(
        ["git", "ls-files"], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    ).stdout.split()
    return {name: (project / name).read_bytes() for name in names if (project / name).is_file()}
