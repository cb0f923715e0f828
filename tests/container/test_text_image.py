"""The `cpu` image with CTranslate2: a model of flan-t5-base's shape in 2 GiB, and one that a build makes."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from bench.writers.folders import t5_folder
from tests.container.engine import ROOT, Container, Image, built, container, docker
from tests.container.test_hub_model import options
from tests.modeltools.hub_fixtures import CARD, TestHub
from tests.service.running_server import AUTHORIZED
from tests.service.sources.front import Front, serving

pytestmark = pytest.mark.container

CTRANSLATE2 = "--build-arg=CTRANSLATE2=1"
MOST_IMAGE_BYTES = 400_000_000
TEXT = "A storm closed the harbour on Monday. Nobody was hurt."
MAKES_A_T5 = """
from pathlib import Path
from tests.modeltools.small_writers import network_of, saved
saved(network_of("t5"), Path("/made"))
"""


@pytest.fixture(scope="module")
def text_image(image: Image, checkout: Path, python_image: str, ca: Path | None, tags: list[str]) -> Image:
    """After `image`, so that its packages come from the cache."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(checkout, tags[-1], python_image, CTRANSLATE2, ca=ca)


@pytest.fixture(scope="module")
def flan_t5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flan-t5") / "model"
    folder.mkdir()
    return t5_folder(folder)


@pytest.fixture(scope="module")
def server(text_image: Image, flan_t5: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    log = tmp_path_factory.mktemp("text") / "log"
    mounted = (f"--volume={flan_t5}:/model:ro", "--env=MODEL_DIR=/model")
    with container(text_image, log, "--cpus=1", "--memory=2g", "--memory-swap=2g", *mounted) as running:
        yield running


def test_the_image_without_weights_is_small_and_has_no_torch(text_image: Image) -> None:
    held = sum(layer.file_bytes for layer in text_image.layers)
    assert held <= MOST_IMAGE_BYTES
    code = "from importlib.util import find_spec as has; print(has('torch'), has('ctranslate2') is not None)"
    assert text_image.python(code).split() == ["None", "True"]


def test_a_summary_of_a_model_of_flan_t5_bases_shape_comes_in_two_gib(server: Container) -> None:
    answer = httpx.post(f"{server.url}/summarize", json={"text": TEXT}, headers=AUTHORIZED, timeout=120)
    assert answer.status_code == 200, answer.text
    assert {"summary", "latency_ms", "model_version"} <= answer.json().keys()
    assert answer.json()["latency_ms"] > 0


@pytest.fixture(scope="module")
def fake_hub() -> Iterator[TestHub]:
    hub = TestHub()
    with serving(Front(hub)) as front:
        hub.front, hub.url = front, front.url
        yield hub


@pytest.fixture(scope="module")
def converter(checkout: Path, python_image: str, ca: Path | None, tags: list[str]) -> Image:
    """Build the stage that has torch."""
    if os.environ.get("SLIPWAY_TEST_TORCH_IMAGE", "1") == "0":
        pytest.skip("SLIPWAY_TEST_TORCH_IMAGE is 0")
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(checkout, tags[-1], python_image, "--target=converter", ca=ca)


def test_a_build_converts_a_model_of_the_hub_and_the_image_serves_it(
    converter: Image,
    checkout: Path,
    python_image: str,
    ca: Path | None,
    tags: list[str],
    fake_hub: TestHub,
    tmp_path: Path,
) -> None:
    made = tmp_path / "made"
    made.mkdir()
    docker(
        "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}", "--tmpfs=/tmp",
        f"--volume={ROOT}:/checkout:ro", f"--volume={made}:/made", "--workdir=/checkout",
        "--env=PYTHONPATH=/checkout", "--entrypoint=python", converter.reference, "-c", MAKES_A_T5,
    )  # fmt: skip
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    address = fake_hub.put("acme/t5", files | {"README.md": CARD})
    asked = options(fake_hub, address, CTRANSLATE2, "--build-arg=TASK=summarize")
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    image = built(checkout, tags[-1], python_image, *asked, ca=ca)
    manifest = json.loads(image.python("print(open('/app/model/manifest.json').read())"))
    assert (manifest["source"], manifest["engine"], manifest["precision"]) == (address, "ctranslate2", "int8")
    with container(image, tmp_path / "log", "--memory=512m", "--memory-swap=512m") as running:
        body = {"text": TEXT, "max_tokens": 4, "min_tokens": 4}
        answer = httpx.post(f"{running.url}/summarize", json=body, headers=AUTHORIZED, timeout=60)
        assert answer.status_code == 200, answer.text
