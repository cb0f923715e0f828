"""A real Docker engine, spoken to with its own command line: images are built, looked into and run."""

import gzip
import io
import json
import os
import re
import ssl
import subprocess
import tarfile
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.service.running_server import KEY, RunningServer

ROOT = Path(__file__).resolve().parents[2]
PORT = 8080
# What a careful platform would set, and what compose.yaml sets.
LOCKED_DOWN = (
    "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=256",
    "--memory=512m", "--memory-swap=512m",
)  # fmt: skip


def docker(*arguments: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run docker and return what it printed. Raises AssertionError with all its output if it failed."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=cwd,
        env=os.environ | {"DOCKER_BUILDKIT": "1"} | (env or {}),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def default_python_image() -> str:
    found = re.search(r"^ARG PYTHON_IMAGE=(.+)$", (ROOT / "service/Dockerfile").read_text(), re.MULTILINE)
    assert found
    return found[1]


def trusted_certificates() -> Path | None:
    """Return the CA bundle that pip uses on this machine, which a build may need too."""
    found = Path(os.environ.get("PIP_CERT") or ssl.get_default_verify_paths().openssl_cafile)
    return found if found.is_file() else None


@dataclass(frozen=True, slots=True)
class Layer:
    diff_id: str
    content: bytes
    """The uncompressed tar."""

    @property
    def file_bytes(self) -> int:
        with tarfile.open(fileobj=io.BytesIO(self.content)) as tar:
            return sum(member.size for member in tar)


@dataclass(frozen=True)
class Image:
    reference: str

    @cached_property
    def description(self) -> dict[str, Any]:
        return json.loads(docker("image", "inspect", self.reference))[0]

    @property
    def layer_ids(self) -> list[str]:
        return self.description["RootFS"]["Layers"]

    @cached_property
    def layers(self) -> list[Layer]:
        with tempfile.NamedTemporaryFile(suffix=".tar") as file:
            docker("save", "--output", file.name, self.reference)
            with tarfile.open(file.name) as saved:
                names: list[str] = json.loads(_content(saved, "manifest.json"))[0]["Layers"]
                contents = [_content(saved, name) for name in names]
        contents = [gzip.decompress(c) if c.startswith(b"\x1f\x8b") else c for c in contents]
        return [Layer(*pair) for pair in zip(self.layer_ids, contents, strict=True)]

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Path to content of the files under /app and /opt."""
        container = docker("create", self.reference)
        try:
            exported = subprocess.run(["docker", "export", container], capture_output=True, check=True)
        finally:
            docker("rm", container)
        with tarfile.open(fileobj=io.BytesIO(exported.stdout)) as tar:
            return {
                member.name: _content(tar, member.name)
                for member in tar
                if member.isfile() and member.name.startswith(("app/", "opt/"))
            }

    def python(self, code: str) -> str:
        """Run code with the image's Python and return what it prints."""
        return docker("run", "--rm", "--network=none", "--entrypoint=python", self.reference, "-c", code)


def _content(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    assert file, name
    return file.read()


def built(
    context: Path,
    tag: str,
    python_image: str,
    *options: str,
    ca: Path | None = None,
    dockerfile: str = "service/Dockerfile",
) -> Image:
    """dockerfile: its path in the context."""
    secret = [f"--secret=id=ca,src={ca}"] if ca else []
    docker(
        "build", "--quiet", f"--file={dockerfile}", f"--tag={tag}",
        f"--build-arg=PYTHON_IMAGE={python_image}", *secret, *options, ".",
        cwd=context,
    )  # fmt: skip
    return Image(tag)


class Container(RunningServer):
    """`docker run` in the foreground: its log is the container's, its exit code too."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log_file: Path) -> None:
        super().__init__(process, log_file)
        self.name = name

    def wait_until_reachable(self) -> None:
        self.wait_until_listening()
        self.url = f"http://{docker('port', self.name).rpartition(' ')[2]}"
        self.wait_until_ready()

    def state(self) -> dict[str, Any]:
        return json.loads(docker("inspect", "--format={{json .State}}", self.name))

    def python(self, code: str) -> str:
        """Run code with Python in the running container and return what it prints."""
        return docker("exec", self.name, "python", "-c", code)


@contextmanager
def container(
    image: Image,
    log_file: Path,
    *options: str,
    ready: bool = True,
    port: int = PORT,
    network: str | None = None,
) -> Generator[Container]:
    """network: another than the engine's own, from which the port is published on the loopback address."""
    reach = f"--network={network}" if network else f"--publish=127.0.0.1::{port}"
    name = f"slipway-test-{uuid4().hex[:12]}"
    command = [
        "docker", "run", f"--name={name}", *LOCKED_DOWN, f"--env=MODEL_API_KEY={KEY}",
        reach, *options, image.reference,
    ]  # fmt: skip
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    running = Container(name, process, log_file)
    try:
        if ready:
            running.wait_until_reachable()
        yield running
    finally:
        docker("rm", "--force", name)
        process.wait(timeout=30)
