"""compose.yaml, with Compose v2 or docker-compose 1.29."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.container.engine import ROOT, Image, docker
from tests.service.running_server import AUTHORIZED, KEY, SPAM

pytestmark = pytest.mark.container


class Compose:
    def __init__(self, command: list[str], **variables: str) -> None:
        self._command = [*command, "--project-name", f"slipway-test-{uuid4().hex[:8]}"]
        kept = ("PATH", "HOME", "DOCKER_CONFIG", "DOCKER_HOST")
        self._env = {name: os.environ[name] for name in kept if name in os.environ}
        self._env |= {"DOCKER_BUILDKIT": "1", **variables}

    def __call__(self, *arguments: str, key: str | None = KEY) -> subprocess.CompletedProcess[str]:
        env = self._env | ({"MODEL_API_KEY": key} if key else {})
        command = [*self._command, *arguments]
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600)

    def ok(self, *arguments: str) -> str:
        done = self(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture
def compose(image: Image, free_port: int, tmp_path: Path) -> Iterator[Compose]:
    has_v2 = subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
    if not has_v2 and shutil.which("docker-compose") is None:
        pytest.skip("neither `docker compose` nor docker-compose is here")
    command = ["docker", "compose"] if has_v2 else ["docker-compose"]
    compose = Compose(command, SLIPWAY_IMAGE=image.reference, PORT=str(free_port), MEMORY="256m")
    yield compose
    compose.ok("down", "--timeout", "5")


def test_up_serves_on_this_machine_alone_and_locked_down(compose: Compose, free_port: int) -> None:
    compose.ok("up", "--detach", "--no-build")
    name = compose.ok("ps", "--quiet")
    end = time.monotonic() + 30
    while docker("inspect", "--format={{.State.Health.Status}}", name) != "healthy":
        assert time.monotonic() < end, compose.ok("logs")
        time.sleep(0.1)
    answer = httpx.post(
        f"http://127.0.0.1:{free_port}/predict", json={"text": SPAM}, headers=AUTHORIZED, timeout=30
    )
    assert answer.json()["label"] == "spam"
    settings = (
        "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}} "
        "{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.PidsLimit}}"
    )
    limit = 256 << 20
    assert docker("inspect", f"--format={settings}", name) == (
        f"true [ALL] [no-new-privileges:true] {limit} {limit} 256"
    )
    assert docker("port", name) == f"8080/tcp -> 127.0.0.1:{free_port}"


def test_without_a_key_it_says_what_to_set(compose: Compose) -> None:
    refused = compose("config", key=None)
    assert refused.returncode != 0
    assert "MODEL_API_KEY" in refused.stderr
    assert "set it to the key callers will send" in refused.stderr


def test_it_builds_the_image_that_it_names(compose: Compose, python_image: str) -> None:
    compose.ok("build", "--build-arg", f"PYTHON_IMAGE={python_image}")
