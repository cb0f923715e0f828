"""What the `slipway` command refuses, or fails at, and how it says so."""

import json
import re
import socket
import subprocess
import time
from pathlib import Path

from tests.conftest import write_stack
from tests.infra.command import COMMAND, ENVIRONMENT, refused, report, slipway


def test_five_faults_come_in_one_message(project: Path) -> None:
    write_stack(project, {"target": "lcal", "cpu": "x", "memory": "4GB", "port": "1", "timeout": "0"})
    message = refused(project, "preview")
    assert "5 settings are wrong" in message
    for key, value in (("target", "lcal"), ("cpu", "x"), ("memory", "4GB"), ("port", "1"), ("timeout", "0")):
        assert f"{key}: got '{value}'; allowed: " in message
    assert message.count("Fix it in Pulumi.local.yaml") == 5


def test_errors_are_data_too(project: Path) -> None:
    done = slipway(project, "preview", "--set", "memory=4GB", "--set", "memry=1", "--format", "json")
    (error,) = json.loads(done.stdout)["errors"]
    assert done.returncode == 2
    assert {(fault["key"], fault["hint"]) for fault in error["faults"]} == {
        ("memory", "4Gi"),
        ("memry", "memory"),
    }


def test_a_missing_model_is_refused(project: Path) -> None:
    write_stack(project, {"target": "local", "model": "file:nowhere"})
    assert "model is 'file:nowhere', which is no folder here" in refused(project, "up")
    assert not (project / ".slipway").exists()


def test_a_port_in_use_is_refused(project: Path, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        assert f"Port {free_port} on 127.0.0.1 cannot be used" in refused(project, "up")
    assert report(project, "status")["state"] == "stopped"


def test_memory_below_the_models_need_is_refused_with_the_smallest_that_works(project: Path) -> None:
    write_stack(project, {"target": "local", "memory": "64Mi"})
    for command in ("preview", "up"):
        message = refused(project, command)
        assert re.search(r"memory is 64Mi with bundled:sms-spam, which was measured to need \d+ MiB", message)
        assert "the smallest with a margin is 128Mi" in message
    assert not (project / ".slipway").exists()
    assert slipway(project, "preview", "--set", "memory=128Mi").returncode == 0


def test_too_little_memory_fails_with_limit_and_peak(
    project: Path, free_port: int, understated_model: Path
) -> None:
    settings = {
        "target": "local",
        "memory": "64Mi",
        "port": str(free_port),
        "model": f"file:{understated_model}",
    }
    write_stack(project, settings)
    done = slipway(project, "up")
    assert done.returncode == 1
    assert "ran out of memory: its limit is 64 MiB" in done.stderr
    assert "Raise `memory`" in done.stderr


def test_a_folder_that_cannot_be_written_is_refused(project: Path) -> None:
    (project / ".slipway").write_text("in the way")
    assert "cannot be written" in refused(project, "up")


def test_a_damaged_state_file_is_refused_with_the_way_out(started: Path) -> None:
    state = started / ".slipway/slipway-local/state.json"
    state.write_text('{"version": 1, "resources"')
    for command in ("up", "down", "output"):
        assert "state.json is damaged" in refused(started, command)
    state.unlink()
    assert report(started, "up")["result"] == "created"


def test_a_second_up_at_the_same_time_is_refused(project: Path) -> None:
    with subprocess.Popen([*COMMAND, "up"], cwd=project, env=ENVIRONMENT, stdout=subprocess.DEVNULL) as first:
        lock = project / ".slipway/slipway-local/lock"
        while not lock.exists():
            time.sleep(0.01)
        second = slipway(project, "up")
        assert first.wait(60) == 0
    assert second.returncode in (0, 2)
    assert second.returncode == 0 or "Another slipway command" in second.stderr
    slipway(project, "down")


def test_an_encrypted_key_needs_pulumi(project: Path) -> None:
    with (project / "Pulumi.local.yaml").open("a") as file:
        file.write("  slipway:apiKey:\n    secure: v1:abc\n")
    assert "apiKey" not in slipway(project, "preview").stderr
    assert "api_key is encrypted in Pulumi.local.yaml, and only Pulumi decrypts it" in refused(project, "up")


def test_a_stack_that_is_applied_here_has_no_refresh(project: Path) -> None:
    assert "--refresh is for stacks that Pulumi applies" in refused(project, "up", "--refresh")


def test_outside_a_project_it_says_so(tmp_path: Path) -> None:
    assert "There is no Pulumi.yaml" in refused(tmp_path, "status")


def test_a_project_is_found_from_a_folder_below_it(project: Path) -> None:
    (project / "a" / "b").mkdir(parents=True)
    assert report(project / "a" / "b", "status")["state"] == "stopped"
    assert report(project.parent, "--cwd", str(project), "status")["state"] == "stopped"


def test_an_unknown_stack_is_refused_with_the_known_ones(project: Path) -> None:
    assert "There is no stack 'prod'" in refused(project, "up", "prod")
    assert "Stacks here: local" in refused(project, "status", "prod")
