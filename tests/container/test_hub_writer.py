"""An image with a model of the Hugging Face Hub that writes text: torch serves it as it is stored.

The image with torch is built first, as test_variants.py does; its torch makes the model.
"""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.container.engine import ROOT, Container, Image, built, container, docker
from tests.container.test_hub_model import options
from tests.modeltools.hub_fixtures import CARD, TestHub
from tests.service.running_server import AUTHORIZED
from tests.service.sources.front import Front, serving

pytestmark = pytest.mark.container

TORCH = "--build-arg=VARIANT=torch-cpu"
MAKES_A_T5 = """
from pathlib import Path
from tests.service.backends.tiny_writers import tiny_t5
tiny_t5(Path("/made"))
"""
# torch reads 3 GB from the disk the first time.
READY_WITHIN_SECONDS = 240
TEXT = "A storm closed the harbour on Monday. Nobody was hurt."


@pytest.fixture(scope="module")
def fake_hub() -> Iterator[TestHub]:
    hub = TestHub()
    with serving(Front(hub)) as front:
        hub.front, hub.url = front, front.url
        yield hub


@pytest.fixture(scope="module")
def torch_image(image: Image, python_image: str, ca: Path | None, checkout: Path, tags: list[str]) -> Image:
    if os.environ.get("SLIPWAY_TEST_TORCH_IMAGE", "1") == "0":
        pytest.skip("SLIPWAY_TEST_TORCH_IMAGE is 0")
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(checkout, tags[-1], python_image, TORCH, ca=ca)


@pytest.fixture(scope="module")
def address(torch_image: Image, fake_hub: TestHub, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a T5 with random weights."""
    folder = tmp_path_factory.mktemp("made")
    docker(
        "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}", "--tmpfs=/tmp",
        f"--volume={ROOT}:/checkout:ro", f"--volume={folder}:/made", "--workdir=/checkout",
        "--env=PYTHONPATH=/checkout:/opt/packages:/opt/torch", "--entrypoint=python",
        torch_image.reference, "-c", MAKES_A_T5,
    )  # fmt: skip
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    return fake_hub.put("acme/t5", files | {"README.md": CARD, "pytorch_model.bin": b"a pickle"})


@pytest.fixture(scope="module")
def writer_image(
    torch_image: Image,
    checkout: Path,
    python_image: str,
    ca: Path | None,
    tags: list[str],
    fake_hub: TestHub,
    address: str,
) -> Image:
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    asked = options(fake_hub, address, TORCH, "--build-arg=TASK=summarize", "--build-arg=MAX_TOKENS=128")
    return built(checkout, tags[-1], python_image, *asked, ca=ca)


@pytest.fixture(scope="module")
def server(writer_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    log = tmp_path_factory.mktemp("writer") / "log"
    with container(writer_image, log, "--memory=1g", "--memory-swap=1g", ready=False) as running:
        running.wait_until_listening()
        running.url = f"http://{docker('port', running.name).rpartition(' ')[2]}"
        end = time.monotonic() + READY_WITHIN_SECONDS
        while httpx.get(f"{running.url}/ready").status_code != 200:
            assert running.process.poll() is None, running.log_text
            assert time.monotonic() < end, running.log_text
            time.sleep(0.1)
        yield running


def test_it_summarises(server: Container) -> None:
    body = {"text": TEXT, "max_tokens": 8, "min_tokens": 8}
    answer = httpx.post(f"{server.url}/summarize", json=body, headers=AUTHORIZED, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"]
    assert answer.json()["model_version"].startswith("t5-")


def test_it_holds_what_torch_reads_and_says_where_it_came_from(writer_image: Image, address: str) -> None:
    held = writer_image.python("import os; print(*os.listdir('/app/model'))")
    manifest = json.loads(writer_image.python("print(open('/app/model/manifest.json').read())"))
    assert (manifest["source"], manifest["engine"], manifest["max_tokens"]) == (address, "torch", 128)
    assert set(held.split()) == {"manifest.json", "model.safetensors", *manifest["files"]}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((TORCH, "--build-arg=TASK=generate"), "--task: got 'generate'; allowed: 'summarize'"),
        (
            (TORCH, "--build-arg=PRECISION=int8"),
            "--precision: got 'int8'; allowed: nothing with engine torch",
        ),
    ],
)
def test_what_does_not_go_together_ends_the_build(
    writer_image: Image,
    checkout: Path,
    python_image: str,
    ca: Path | None,
    fake_hub: TestHub,
    address: str,
    arguments: tuple[str, ...],
    told: str,
) -> None:
    with pytest.raises(AssertionError) as failed:
        built(checkout, "slipway-test:refused", python_image, *options(fake_hub, address, *arguments), ca=ca)
    assert told in str(failed.value)
