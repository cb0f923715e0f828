import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.checkout import copy_of_the_checkout
from tests.container.engine import (
    Container,
    Image,
    built,
    container,
    default_python_image,
    docker,
    trusted_certificates,
)
from tests.service.running_server import AUTHORIZED

# Both are shown to a build, and must not be found again in what it made.
KEY_SEEN_BY_THE_BUILD = "the-key-that-no-layer-may-hold"
MARK_IN_THE_CA = "the-bundle-that-no-layer-may-hold"


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds from a copy of the checkout, which a test may change."""

    python_image: str
    ca: Path | None
    folder: Path

    def build(self, tag: str, *options: str) -> Image:
        return built(self.folder, tag, self.python_image, *options, ca=self.ca)


@pytest.fixture(scope="session")
def python_image() -> str:
    """Return the base of every image here: SLIPWAY_TEST_PYTHON_IMAGE, or the default of the Dockerfile."""
    if shutil.which("docker") is None:
        pytest.skip("no `docker` on PATH")
    asked = subprocess.run(["docker", "version"], capture_output=True, text=True)
    if asked.returncode:
        pytest.skip(f"no Docker engine answers: {asked.stderr.strip()}")
    if named := os.environ.get("SLIPWAY_TEST_PYTHON_IMAGE"):
        return named
    default = default_python_image()
    pulled = subprocess.run(["docker", "pull", "--quiet", default], capture_output=True, text=True)
    if pulled.returncode:
        pytest.skip(
            f"SLIPWAY_TEST_PYTHON_IMAGE names no base, and the default cannot be had: {pulled.stderr.strip()}"
        )
    return default


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path | None:
    """Copy this machine's CA bundle and add a mark."""
    trusted = trusted_certificates()
    if trusted is None:
        return None
    marked = tmp_path_factory.mktemp("ca") / "ca.pem"
    marked.write_text(f"# {MARK_IN_THE_CA}\n{trusted.read_text()}")
    return marked


@pytest.fixture(scope="session")
def tags() -> Iterator[list[str]]:
    """Images named here are removed at the end."""
    names: list[str] = []
    yield names
    for name in names:
        subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkout with a new list of packages, so that the build installs them with the CA bundle."""
    copy = copy_of_the_checkout(tmp_path_factory.mktemp("checkout") / "copy")
    with (copy / "service/requirements.txt").open("a") as file:
        file.write(f"# {uuid4().hex}\n")
    return copy


@pytest.fixture(scope="session")
def image(python_image: str, ca: Path | None, checkout: Path, tags: list[str]) -> Image:
    """Built from the checkout as it is, with a key in the environment of the build."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MODEL_API_KEY", KEY_SEEN_BY_THE_BUILD)
        return built(checkout, tags[-1], python_image, ca=ca)


@pytest.fixture
def builder(python_image: str, ca: Path | None, image: Image, checkout: Path, tmp_path: Path) -> Builder:
    """After `image`, so that what a test does not change comes from the cache."""
    return Builder(python_image, ca, Path(shutil.copytree(checkout, tmp_path / "copy")))


@pytest.fixture
def recent_builder() -> str:
    """Name a BuildKit that can push, cache and attest; SLIPWAY_TEST_REGISTRY names where to push."""
    if not {"SLIPWAY_TEST_BUILDER", "SLIPWAY_TEST_REGISTRY"} <= os.environ.keys():
        pytest.skip("SLIPWAY_TEST_BUILDER names no buildx builder, or SLIPWAY_TEST_REGISTRY no registry")
    return os.environ["SLIPWAY_TEST_BUILDER"]


@pytest.fixture(scope="session")
def base(python_image: str, image: Image) -> Image:
    if not docker("image", "ls", "--quiet", python_image):  # a build alone does not keep it
        docker("pull", "--quiet", python_image)
    return Image(python_image)


@pytest.fixture(scope="session")
def server(image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    with container(image, tmp_path_factory.mktemp("server") / "log") as running:
        yield running


@pytest.fixture(scope="session")
def client(server: Container) -> Iterator[httpx.Client]:
    """Yield a client that sends the key."""
    with httpx.Client(base_url=server.url, headers=AUTHORIZED) as client:
        yield client


@pytest.fixture(scope="session")
def stranger(server: Container) -> Iterator[httpx.Client]:
    """Yield a client that sends no key."""
    with httpx.Client(base_url=server.url) as client:
        yield client
