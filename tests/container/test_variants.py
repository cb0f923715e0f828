"""The images with torch. `torch-cpu` takes minutes the first time; `cuda` takes more, so it is asked for."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.container.engine import ROOT, Container, Image, built, container, docker
from tests.container.test_running import ended
from tests.service.backends.model_folders import model_folder
from tests.service.running_server import AUTHORIZED, HAM, KEY, SPAM

pytestmark = pytest.mark.container

CLASSIFIER = ROOT / "tests/service/backends/random_classifier.py"
PROBABILITY_TOLERANCE = 1e-4
# torch reads 3 GB from the disk the first time.
READY_WITHIN_SECONDS = 240
TEXTS = [HAM, SPAM, "é€ 😀", SPAM * 30]


@pytest.fixture(scope="module", params=["torch-cpu", "cuda"])
def variant(request: pytest.FixtureRequest) -> str:
    if os.environ.get("SLIPWAY_TEST_TORCH_IMAGE", "1") == "0":
        pytest.skip("SLIPWAY_TEST_TORCH_IMAGE is 0")
    if request.param == "cuda" and os.environ.get("SLIPWAY_TEST_CUDA_IMAGE") != "1":
        pytest.skip("SLIPWAY_TEST_CUDA_IMAGE is not 1: the image has 5.7 GB, and its build takes 11")
    return str(request.param)


@pytest.fixture(scope="module")
def torch_image(
    variant: str, image: Image, python_image: str, ca: Path | None, checkout: Path, tags: list[str]
) -> Image:
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(checkout, tags[-1], python_image, f"--build-arg=VARIANT={variant}", ca=ca)


@pytest.fixture(scope="module")
def weights(torch_image: Image, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made by the image's own torch."""
    folder = tmp_path_factory.mktemp("weights")
    docker(
        "run", "--rm", "--network=none", f"--user={os.getuid()}:{os.getgid()}", "--tmpfs=/tmp",
        f"--volume={CLASSIFIER}:/classifier.py:ro", f"--volume={folder}:/made", "--entrypoint=python",
        torch_image.reference, "/classifier.py", "/made",
    )  # fmt: skip
    return folder


def mounted(folder: Path) -> tuple[str, ...]:
    return (f"--volume={folder}:/model:ro", "--env=MODEL_DIR=/model", "--memory=1g", "--memory-swap=1g")


@pytest.fixture(scope="module")
def torch_server(
    torch_image: Image, weights: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Container]:
    scratch = tmp_path_factory.mktemp("torch")
    folder = model_folder(scratch / "model", weights, "torch")
    with container(torch_image, scratch / "log", *mounted(folder), ready=False) as running:
        running.wait_until_listening()
        running.url = f"http://{docker('port', running.name).rpartition(' ')[2]}"
        end = time.monotonic() + READY_WITHIN_SECONDS
        while httpx.get(f"{running.url}/ready").status_code != 200:
            assert running.process.poll() is None, running.log_text
            assert time.monotonic() < end, running.log_text
            time.sleep(0.1)
        yield running


def predictions(server: Container) -> list[dict[str, float | str]]:
    body = {"text": TEXTS, "truncate": True}
    answer = httpx.post(f"{server.url}/predict", json=body, headers=AUTHORIZED, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


def test_torch_answers_as_onnx_runtime_does_from_the_same_weights(
    torch_server: Container, image: Image, weights: Path, tmp_path: Path
) -> None:
    folder = model_folder(tmp_path / "model", weights, "onnx")
    with container(image, tmp_path / "log", *mounted(folder)) as onnx_server:
        expected = predictions(onnx_server)
    got = predictions(torch_server)
    assert [one["label"] for one in got] == [one["label"] for one in expected]
    assert [one["proba"] for one in got] == pytest.approx(
        [one["proba"] for one in expected], abs=PROBABILITY_TOLERANCE
    )
    assert len({one["proba"] for one in got}) == len(TEXTS)


def test_every_line_it_writes_is_a_json_object_and_a_stop_ends_it_with_exit_code_0(
    torch_server: Container, torch_image: Image, weights: Path, tmp_path: Path
) -> None:
    predictions(torch_server)
    assert [line["level"] for line in torch_server.log] == ["info"] * len(torch_server.log)
    assert torch_server.stop() == 0


def test_it_serves_the_bundled_model_too(torch_image: Image, tmp_path: Path) -> None:
    with container(torch_image, tmp_path / "log") as running:
        assert httpx.get(f"{running.url}/health").json()["model"] == "sms-spam"


def test_torch_is_one_layer_after_those_of_the_cpu_images_packages(
    torch_image: Image, image: Image, variant: str
) -> None:
    assert torch_image.layer_ids[:-3] == image.layer_ids[:-2]  # then torch, the model and the code
    labels = torch_image.description["Config"]["Labels"]
    assert ("slipway.cuda.version" in labels) == (variant == "cuda")
    assert "slipway.cuda.version" not in image.description["Config"]["Labels"]


def test_the_cpu_image_says_what_it_lacks_for_a_torch_model(
    image: Image, torch_image: Image, weights: Path, tmp_path: Path
) -> None:
    folder = model_folder(tmp_path / "model", weights, "torch")
    code, stdout, stderr = ended(image, f"--env=MODEL_API_KEY={KEY}", *mounted(folder))
    assert (code, stderr) == (2, "")
    told = json.loads(stdout)["message"]
    assert "torch is not installed" in told
    assert "--build-arg VARIANT=torch-cpu" in told
