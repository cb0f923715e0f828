"""`runtime: container` with a real `pulumi`, its providers, and a real Docker engine."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.checkout import copy_of_the_checkout
from tests.container.engine import ROOT, Image, docker
from tests.infra.command import slipway
from tests.pulumi_engine.conftest import Engine, engine_in
from tests.service.running_server import SPAM

pytest.importorskip("pulumi_docker", reason="Docker's SDK is not installed: `make setup-cloud`")

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.container]

PLUGINS = ("docker", "random")
UNCHANGED = {"same": 6}


@dataclass
class Stack:
    """A stack of its own name, so that its container is nobody else's."""

    engine: Engine
    name: str

    @property
    def container(self) -> str:
        return f"slipway-{self.name}"

    def configure(self, **settings: str) -> None:
        for key, value in settings.items():
            self.engine("config", "set", key, value)

    def described(self) -> dict[str, Any]:
        return json.loads(docker("container", "inspect", self.container))[0]

    def status(self) -> dict[str, Any]:
        done = slipway(self.engine.project, "status", self.name, "--format", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def planned(self) -> set[tuple[str, str]]:
        """Role and operation of each child that `up` would change."""
        steps = self.engine.preview()["steps"]
        return {(step["urn"].rpartition("-")[2], step["op"]) for step in steps if step["op"] != "same"}

    def predict(self) -> dict[str, Any]:
        outputs = self.engine.outputs()
        headers = {"Authorization": f"Bearer {outputs['apiKey']}"}
        answer = httpx.post(f"{outputs['url']}/predict", json={"text": SPAM}, headers=headers, timeout=30)
        return answer.raise_for_status().json()

    def failed_up(self) -> str:
        return self.engine("up", "--yes", "--skip-preview", ok=False)


@pytest.fixture(scope="session")
def pulumi() -> None:
    """Skip the test without a Pulumi CLI, before an image is built."""
    if shutil.which("pulumi") is None:
        pytest.skip("no `pulumi` on PATH")


@pytest.fixture
def tag(image: Image, tags: list[str]) -> str:
    """Give the image a name of our own, which a test may move to another image."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    docker("tag", image.reference, tags[-1])
    return tags[-1]


@pytest.fixture
def stack(pulumi: None, tmp_path: Path, free_port: int, tag: str) -> Iterator[Stack]:
    """Copy this project with a stack in a container; destroy both at the end."""
    clone = copy_of_the_checkout(tmp_path / "clone")
    (clone / ".venv").symlink_to(ROOT / ".venv")
    engine = engine_in(clone, tmp_path / "backend")
    if "DOCKER_HOST" in os.environ:
        engine.environment["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
    for plugin in PLUGINS:
        require_plugin(engine, plugin)
    stack = Stack(engine, f"test-{uuid4().hex[:8]}")
    engine("stack", "init", stack.name)
    stack.configure(target="local", runtime="container", image=tag, memory="512Mi", port=str(free_port))
    yield stack
    engine("destroy", "--yes", "--skip-preview")
    assert not docker("ps", "--all", "--quiet", f"--filter=name={stack.container}")


def require_plugin(engine: Engine, name: str) -> None:
    asked = ["pulumi", "plugin", "ls", "--json"]
    listed = subprocess.run(asked, env=engine.environment, capture_output=True, text=True, check=True)
    if name in [plugin["name"] for plugin in json.loads(listed.stdout)]:
        return
    version = (ROOT / "requirements.in").read_text().partition(f"pulumi-{name}==")[2].split()[0]
    command = ["pulumi", "plugin", "install", "resource", name, version]
    installed = subprocess.run(command, env=engine.environment, capture_output=True, text=True)
    if installed.returncode:
        pytest.skip(f"the plugin {name} {version} cannot be had: {installed.stderr.strip()}")


def exit_codes(container: str, since: float) -> list[str]:
    """Of the server in this container, each time it ended."""
    filters = (f"--filter=container={container}", "--filter=event=die")
    form = "--format={{.Actor.Attributes.exitCode}}"
    return docker("events", f"--since={since:.0f}", "--until=0s", *filters, form).split()


def test_up_unchanged_another_memory_and_destroy(stack: Stack) -> None:
    begun = time.time()
    assert stack.engine.up() == {"create": 6}
    assert stack.predict()["label"] == "spam"
    first = stack.described()
    assert (stack.status()["state"], stack.status()["limits"]["memory_mib"]) == ("ready", 512)
    assert stack.engine.outputs()["imageRef"] == first["Image"]

    assert stack.engine.up() == UNCHANGED
    assert stack.engine.up("--refresh") == UNCHANGED
    assert stack.described()["Id"] == first["Id"]

    stack.configure(memory="256Mi")
    assert ("container", "replace") in stack.planned()
    assert not [one for one in stack.planned() if one[0] == "image"]
    assert stack.engine.up() == {"replace": 1, "same": 3, "update": 2}
    second = stack.described()
    assert second["Id"] != first["Id"]
    assert (second["Image"], second["HostConfig"]["Memory"]) == (first["Image"], 256 << 20)
    assert stack.predict()["label"] == "spam"
    assert exit_codes(first["Id"], begun) == ["0"], "it was not given the time to end by itself"

    stack.engine("destroy", "--yes", "--skip-preview")
    assert stack.status()["state"] == "stopped"
    assert docker("image", "inspect", "--format={{.Id}}", first["Image"]) == first["Image"]


def test_the_container_is_locked_down_as_in_production(stack: Stack) -> None:
    stack.configure(cpu="0.5")
    stack.engine.up()
    found = stack.described()
    host = found["HostConfig"]
    assert (host["ReadonlyRootfs"], host["CapDrop"], host["Privileged"]) == (True, ["ALL"], False)
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["Memory"], host["MemorySwap"]) == (512 << 20, 512 << 20)
    assert host["CpuQuota"] / host["CpuPeriod"] == 0.5
    assert found["Config"]["User"] == "10001:10001"
    assert [one["HostIp"] for one in host["PortBindings"]["8080/tcp"]] == ["127.0.0.1"]
    wrote = "open('/tmp/x', 'w'); print('written')"
    assert docker("exec", stack.container, "python", "-c", wrote) == "written"
    stack.configure(cpu="1")
    assert stack.engine.up() == {"replace": 1, "same": 3, "update": 2}
    assert stack.described()["HostConfig"]["CpuQuota"] == stack.described()["HostConfig"]["CpuPeriod"]


def test_the_key_stands_nowhere_in_clear(stack: Stack) -> None:
    previewed = stack.engine("preview", "--json")
    stack.engine.up()
    created = stack.engine.outputs()["apiKey"]
    stack.engine("config", "set", "--secret", "apiKey", "k" * 24)
    stack.engine.up()
    assert stack.engine.outputs()["apiKey"] == "k" * 24
    assert stack.predict()["label"] == "spam"
    backend = Path(stack.engine.environment["PULUMI_BACKEND_URL"].removeprefix("file://"))
    shown = previewed + stack.engine("stack", "export") + stack.engine("stack", "output")
    shown += docker("logs", stack.container)
    for key in (created, "k" * 24):
        assert len(key) >= 24
        assert key not in shown
        written = [path for path in backend.rglob("*") if path.is_file()]
        assert not [path for path in written if key.encode() in path.read_bytes()]


def test_a_new_image_under_the_same_name_is_a_change(stack: Stack, tag: str, tmp_path: Path) -> None:
    stack.engine.up()
    before = stack.described()["Image"]
    (tmp_path / "Dockerfile").write_text(f"FROM {tag}\nLABEL again={uuid4().hex}\n")
    docker("build", "--quiet", f"--tag={tag}", str(tmp_path))
    assert {("image", "update"), ("container", "replace")} <= stack.planned()
    stack.engine.up()
    assert stack.described()["Image"] == stack.engine.outputs()["imageRef"] != before
    assert stack.engine.up() == UNCHANGED


def test_a_kill_for_memory_names_limit_peak_and_setting_and_more_memory_helps(
    stack: Stack, understated_model: Path
) -> None:
    understated_model.chmod(0o755)
    understated_model.parent.chmod(0o755)
    stack.configure(model=f"file:{understated_model}", memory="64Mi")
    said = stack.failed_up()
    expected = "ran out of memory: its limit is 64 MiB, it reached 64 MiB and was killed. Raise `memory`"
    assert expected in said
    assert '"message":"Loading model' in said
    found = stack.status()
    assert (expected in found["reason"], found["limits"]["memory_mib"]) == (True, 64)

    image = stack.described()["Image"]
    stack.configure(memory="256Mi")
    stack.engine.up()
    assert stack.predict()["label"] == "spam"
    assert stack.described()["Image"] == image
    assert (stack.status()["state"], stack.status()["reason"]) == ("ready", None)


def test_a_container_that_was_killed_is_started_and_one_that_is_gone_is_made_anew(stack: Stack) -> None:
    stack.engine.up()
    first = stack.described()["Id"]
    docker("stop", stack.container)
    assert stack.status()["state"] == "stopped"
    assert stack.engine.preview()["changeSummary"] == {"same": 5, "update": 1}
    assert stack.engine.up() == {"same": 5, "update": 1}
    assert (stack.status()["state"], stack.described()["Id"]) == ("ready", first)
    docker("rm", "--force", stack.container)
    assert "is gone. `pulumi up --refresh` recreates it" in stack.failed_up()
    stack.engine.up("--refresh")
    assert stack.predict()["label"] == "spam"


def test_what_could_not_start_is_refused_in_the_preview(stack: Stack, tag: str, free_port: int) -> None:
    stack.configure(image="slipway-test:nowhere")
    said = stack.engine("preview", ok=False)
    assert "has no image 'slipway-test:nowhere'. `make image` makes `slipway`" in said
    assert "container_provider.py" not in said, "a traceback of ours"
    stack.configure(image=tag)
    name = docker("run", "--detach", f"--publish=127.0.0.1:{free_port}:1", "--entrypoint=python", tag,
                  "-c", "import time; time.sleep(600)")  # fmt: skip
    try:
        assert f"Port {free_port} on 127.0.0.1 cannot be used" in stack.engine("preview", ok=False)
    finally:
        docker("rm", "--force", name)


def test_a_process_of_the_same_stack_is_stopped_first(stack: Stack, tag: str) -> None:
    stack.engine("config", "rm", "image")
    stack.configure(runtime="process")
    stack.engine.up()
    stack.configure(runtime="container", image=tag)
    said = stack.engine("preview", ok=False)
    assert "started by `pulumi up`. Stop it first: `pulumi destroy`" in said
    assert stack.predict()["label"] == "spam"


def test_a_model_folder_that_is_closed_to_the_containers_user_is_told_by_name(
    stack: Stack, understated_model: Path
) -> None:
    understated_model.chmod(0o700)
    stack.configure(model=f"file:{understated_model}")
    assert "/model cannot be read (Permission denied)" in stack.failed_up()


def test_the_log_is_shown_by_the_command(stack: Stack) -> None:
    stack.engine.up()
    stack.predict()
    lines = slipway(stack.engine.project, "logs", stack.name, "--tail", "5").stdout.splitlines()
    assert any(json.loads(line).get("route") == "/predict" for line in lines)
