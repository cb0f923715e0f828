"""An image with another bundled model than the default, from its build argument BUNDLED."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.container.conftest import Builder
from tests.container.engine import ROOT, Image, built, container
from tests.service.running_server import AUTHORIZED, KEY, SPAM

pytestmark = pytest.mark.container

SMS_SPAM = Manifest.read(ROOT / "service/models/sms-spam", TASKS).model_version


@pytest.fixture(scope="module")
def other_checkout(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a second model, `other`, which differs in its labels, and has no card."""
    copy = Path(shutil.copytree(checkout, tmp_path_factory.mktemp("other") / "copy"))
    folder = Path(shutil.copytree(copy / "service/models/sms-spam", copy / "service/models/other"))
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    content |= {"name": "other", "version": "7", "labels": ["fine", "junk"]}
    (folder / "manifest.json").write_text(json.dumps(content))
    (folder / "README.md").unlink()
    (folder / "notes.txt").write_text("not for the image")
    return copy


@pytest.fixture(scope="module")
def other_image(
    image: Image, other_checkout: Path, python_image: str, ca: Path | None, tags: list[str]
) -> Image:
    """After `image`, so that its packages come from the cache."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(other_checkout, tags[-1], python_image, "--build-arg=BUNDLED=other", ca=ca)


@pytest.fixture(scope="module")
def other_version(other_checkout: Path) -> str:
    return Manifest.read(other_checkout / "service/models/other", TASKS).model_version


def test_the_named_model_is_in_the_image_and_no_other(other_image: Image) -> None:
    models = {name for name in other_image.files if name.startswith("app/service/models/")}
    folder = "app/service/models/other"
    assert models == {f"{folder}/{name}" for name in ("manifest.json", "model.onnx", "tokenizer.json")}


def test_the_named_model_is_served(other_image: Image, other_version: str, tmp_path: Path) -> None:
    expected = f"--env=EXPECTED_MODEL={other_version}"
    with container(other_image, tmp_path / "log", expected) as server:
        assert httpx.get(f"{server.url}/health").json()["model_version"] == other_version
        answer = httpx.post(f"{server.url}/predict", json={"text": SPAM}, headers=AUTHORIZED, timeout=30)
        assert answer.json()["label"] == "junk"


@pytest.mark.parametrize("expected", ["sms-spam", "hub"])
def test_an_image_with_another_model_than_the_stacks_does_not_start(
    other_image: Image, other_version: str, expected: str
) -> None:
    named = SMS_SPAM if expected == "sms-spam" else f"hf:acme/spam@{'a' * 40}"
    code, last = _ended(other_image, f"--env=EXPECTED_MODEL={named}")
    assert (code, last["cause"]) == (2, "wrong_model")
    assert named in last["message"]
    assert other_version in last["message"]


def test_the_default_image_does_not_start_as_another_model(image: Image, other_version: str) -> None:
    code, last = _ended(image, f"--env=EXPECTED_MODEL={other_version}")
    assert (code, last["cause"]) == (2, "wrong_model")


def test_a_model_that_is_not_there_fails_the_build_by_its_path(builder: Builder) -> None:
    with pytest.raises(AssertionError, match="service/models/nowhere"):
        builder.build("slipway-test:nowhere", "--build-arg=BUNDLED=nowhere")


def _ended(image: Image, *options: str) -> tuple[int, dict[str, Any]]:
    """Exit code and last log line of a container that does not live long."""
    command = ["docker", "run", "--rm", "--network=none", f"--env=MODEL_API_KEY={KEY}", *options]
    done = subprocess.run([*command, image.reference], capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout.splitlines()[-1])
