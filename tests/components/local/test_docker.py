"""What people are told of a container, from what the engine says of it."""

from pathlib import Path
from typing import Any

import pytest

from slipway.components.local import docker
from slipway.components.local.docker import DockerError
from tests.fake_docker import FakeDocker, described

OOM = (
    "The server ran out of memory: its limit is 256 MiB, it reached 256 MiB and was killed. "
    "Raise `memory` in the stack's settings."
)


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    fake = FakeDocker(tmp_path / "bin")
    monkeypatch.setenv("PATH", fake.path)
    return fake


@pytest.mark.parametrize(
    ("container", "words"),
    [
        (described(), ""),
        (described(Status="exited", ExitCode=137, OOMKilled=True), OOM),
        (
            described(restarts=1, Status="restarting", ExitCode=137, OOMKilled=True),
            f"{OOM} It was started again 1 time.",
        ),
        (described(Status="exited", ExitCode=137), "The server ended by SIGKILL."),
        (described(Status="exited", ExitCode=2), "The server ended with exit code 2."),
        (described(Status="exited", ExitCode=255), "The server ended with exit code 255."),
        (described(restarts=2), "The server ended. It was started again 2 times."),
        (described(Status="paused"), "The container is paused."),
    ],
)
def test_its_trouble_is_told_in_words(engine: FakeDocker, container: dict[str, Any], words: str) -> None:
    engine.has(container)
    found = docker.container("slipway-local")
    assert found
    assert found.trouble_in_words() == words


def test_a_kill_before_a_restart_is_known_from_the_engines_events(engine: FakeDocker) -> None:
    engine.has(described(restarts=2), events="2026-11-21T12:00:03Z container oom …\n")
    found = docker.container("slipway-local")
    assert found
    assert found.trouble_in_words() == f"{OOM} It was started again 2 times."


def test_a_service_is_found_by_its_label_and_none_is_no_error(engine: FakeDocker) -> None:
    engine.has(described(port=8123))
    found = docker.container_of("slipway-local")
    assert found
    assert (found.port, found.labels["slipway.model"]) == (8123, "bundled:sms-spam")
    assert docker.container_of("slipway-other") is None
    assert docker.container("nothing") is None


def test_a_container_that_publishes_nothing_has_no_port(engine: FakeDocker) -> None:
    container = described()
    container["HostConfig"]["PortBindings"] = None
    container["Config"]["Labels"] = None
    engine.has(container)
    found = docker.container("slipway-local")
    assert found
    assert (found.port, found.labels) == (0, {})


def test_an_image_is_known_by_its_id(engine: FakeDocker) -> None:
    engine.has(images={"slipway": "sha256:abc"})
    assert docker.image_id("slipway") == "sha256:abc"
    assert docker.image_id("slipway:2") is None
    assert docker.pulled_image_id("host/slipway@sha256:1") == "sha256:pulled"


def test_an_engine_that_does_not_answer_says_so_in_its_own_words(engine: FakeDocker) -> None:
    engine.has(down=True)
    with pytest.raises(DockerError, match="Cannot connect to the Docker daemon at unix"):
        docker.container_of("slipway-local")


def test_without_docker_it_is_named_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DockerError, match=r"no `docker` on PATH: install it, or run .* as a process"):
        docker.container_of("slipway-local")
