"""`runtime: container` at the command: settings, status, logs, and what is handed over to Pulumi."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from slipway.infra.preview.leftovers import remaining_of
from slipway.infra.settings.faults import SettingFault, SettingsError
from slipway.infra.settings.reading import settings_of
from slipway.stacks.settings.local import LocalSettings
from tests.conftest import write_stack
from tests.fake_docker import FakeDocker, described
from tests.infra.command import refused, report, slipway

LOCAL = {"target": "local"}
CONTAINER = {**LOCAL, "runtime": "container"}
DIGEST = f"host/slipway@sha256:{'0' * 64}"


@pytest.fixture
def engine(tmp_path: Path) -> FakeDocker:
    return FakeDocker(tmp_path / "bin")


@pytest.fixture
def stack(project: Path, free_port: int) -> Path:
    """Create a project whose local stack runs in a container."""
    write_stack(project, {**CONTAINER, "port": str(free_port)})
    return project


def faults_of(given: dict[str, str]) -> list[SettingFault]:
    with pytest.raises(SettingsError) as caught:
        settings_of("local", given)
    return caught.value.faults


def status(stack: Path, engine: FakeDocker) -> dict[str, Any]:
    done = slipway(stack, "status", "--format", "json", PATH=engine.path)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_process_is_the_default_and_a_container_runs_any_image_that_docker_can_name() -> None:
    settings = settings_of("local", LOCAL)
    assert isinstance(settings, LocalSettings)
    assert settings.runtime == "process"
    for image in ("slipway", "slipway:1.2", "localhost:5000/team/slipway", f"sha256:{'a' * 64}", DIGEST):
        assert settings_of("local", {**CONTAINER, "image": image}).image == image


@pytest.mark.parametrize(
    ("given", "key", "allowed"),
    [
        ({**LOCAL, "runtime": "docker"}, "runtime", "process, container"),
        ({**CONTAINER, "image": "two words"}, "image", "a name that Docker has"),
        ({**LOCAL, "image": DIGEST}, "image", "nothing with runtime process; it is for runtime container"),
        (
            {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "image": "slipway:1"},
            "image",
            "a reference with its digest",
        ),
        (
            {"target": "cloud-run", "project": "acme-ml", "region": "europe-west4", "runtime": "container"},
            "runtime",
            "nothing with target cloud-run",
        ),
    ],
)
def test_what_means_nothing_there_is_refused(given: dict[str, str], key: str, allowed: str) -> None:
    (fault,) = faults_of(given)
    assert fault.key == key
    assert allowed in fault.allowed


def test_status_tells_what_docker_tells(stack: Path, engine: FakeDocker) -> None:
    assert status(stack, engine)["state"] == "stopped"
    engine.has(described(port=1))
    found = status(stack, engine)
    assert (found["state"], found["url"], found["reason"]) == ("starting", "http://127.0.0.1:1", None)
    assert found["limits"] == {"memory_mib": 256, "memory_enforced_by": "docker"}
    assert (found["model"], found["version"]) == ("bundled:sms-spam", "0123456789ab")
    assert found["started_at"] == "2026-11-21T12:00:01+00:00"
    engine.has(described(port=1, Status="exited", ExitCode=0))
    assert (status(stack, engine)["state"], status(stack, engine)["reason"]) == ("stopped", None)


@pytest.mark.parametrize(
    ("health", "device"),
    [
        ({"device": "cuda", "gpu": "NVIDIA L4"}, "cuda (NVIDIA L4)"),
        ({"device": "cpu", "gpu": None}, "cpu"),
        ({}, None),  # a server from before it named its device
    ],
)
def test_status_tells_the_device_that_the_server_names(
    stack: Path, engine: FakeDocker, health: dict[str, Any], device: str | None
) -> None:
    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(health).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is written."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        engine.has(described(port=server.server_port))
        found = status(stack, engine)
        server.shutdown()
    assert (found["state"], found["device"]) == ("ready", device)


def test_status_names_limit_peak_and_setting_after_a_kill_for_memory(stack: Path, engine: FakeDocker) -> None:
    engine.has(described(port=1, restarts=5, Status="exited", ExitCode=137, OOMKilled=True))
    found = status(stack, engine)
    assert found["state"] == "failed"
    assert found["reason"] == (
        "The server ran out of memory: its limit is 256 MiB, it reached 256 MiB and was killed. "
        "Raise `memory` in the stack's settings. It was started again 5 times."
    )
    assert "ran out of memory" in slipway(stack, "status", PATH=engine.path).stdout


def test_logs_are_dockers(stack: Path, engine: FakeDocker) -> None:
    assert "no container of slipway-local" in refused(stack, "logs", PATH=engine.path)
    engine.has(described(), log='{"message":"Listening"}\n')
    assert slipway(stack, "logs", "--tail", "3", PATH=engine.path).stdout == '{"message":"Listening"}\n'
    assert engine.asked[-1] == f"logs --tail=3 {'c' * 64}"
    slipway(stack, "logs", "--follow", PATH=engine.path)
    assert engine.asked[-1] == f"logs --tail=100 --follow {'c' * 64}"


@pytest.mark.parametrize("command", ["status", "logs"])
def test_without_docker_or_its_engine_it_says_so(stack: Path, engine: FakeDocker, command: str) -> None:
    assert "no `docker` on PATH" in refused(stack, command, PATH="/nowhere")
    engine.has(down=True)
    assert "Cannot connect to the Docker daemon" in refused(stack, command, PATH=engine.path)


def test_without_pulumi_up_names_the_ways_out(stack: Path) -> None:
    message = refused(stack, "up", PATH="/nowhere")
    assert "has `runtime: container`; it is applied by the Pulumi CLI (`pulumi up --stack local`)" in message
    assert "make setup-cloud" in message
    assert "docs/guides/container.md" in message
    assert "or set `runtime: process`" in message
    assert not (stack / ".slipway").exists()


def test_with_pulumi_up_is_handed_over(stack: Path, tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text('#!/bin/sh\necho "pulumi $*"\n')
    pulumi.chmod(0o755)
    done = slipway(stack, "up", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert (done.returncode, done.stdout) == (0, "pulumi up --stack local\n")


def test_a_process_that_runs_since_before_the_change_is_still_known_and_stopped(
    project: Path, free_port: int, engine: FakeDocker
) -> None:
    assert report(project, "up")["result"] == "created"
    write_stack(project, {**CONTAINER, "port": str(free_port)})
    try:
        assert status(project, engine)["started_by"] == "slipway up"
    finally:
        stopped = slipway(project, "down")
    assert (stopped.returncode, "is stopped" in stopped.stdout) == (0, True)
    assert status(project, engine)["state"] == "stopped"


def test_after_down_the_image_is_named_as_what_remains() -> None:
    pytest.importorskip("pulumi_docker", reason="Docker's SDK is not installed: `make setup-cloud`")
    from slipway.infra.plan.config import StackConfig
    from slipway.infra.plan.run import plan_of
    from slipway.infra.program import main

    given = {f"slipway:{key}": value for key, value in {**CONTAINER, "image": "mine:2"}.items()}
    lines = remaining_of(plan_of(main, StackConfig("slipway", "local", given, frozenset(), {})))
    assert "image on the Docker engine, which `docker image rm` deletes: mine:2" in lines
