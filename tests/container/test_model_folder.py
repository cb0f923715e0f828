"""An image with a user's own model folder, `model: file:<folder>`, built as the component builds it."""

import json
import shutil
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from slipway.components.image.build import build_inputs
from slipway.components.image.context import DOCKERFILE, stage
from slipway.components.image.spec import ImageSpec
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.container.engine import ROOT, Image, built, container
from tests.service.running_server import AUTHORIZED, SPAM

pytestmark = pytest.mark.container


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a model named `mine` outside of the checkout, with a file beside it that is no part of it."""
    path = tmp_path_factory.mktemp("elsewhere") / "some folder"
    shutil.copytree(ROOT / "service/models/sms-spam", path)
    manifest = json.loads((path / "manifest.json").read_text())
    changed = {"name": "mine", "version": "7", "labels": ["wanted", "unwanted"]}
    (path / "manifest.json").write_text(json.dumps(manifest | changed))
    (path / "training-data.csv").write_text("not for the image")
    return path


@pytest.fixture(scope="module")
def context(folder: Path, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    staged = tmp_path_factory.mktemp("staged") / "context"
    stage(build_inputs(spec(folder, checkout))[0], staged)
    return staged


@pytest.fixture(scope="module")
def options(folder: Path, checkout: Path) -> list[str]:
    """Return the build arguments, as options of `docker build`."""
    given = build_inputs(spec(folder, checkout))[1]
    return [f"--build-arg={name}={value}" for name, value in given.items()]


@pytest.fixture(scope="module")
def folders_image(
    image: Image, context: Path, options: list[str], python_image: str, ca: Path | None, tags: list[str]
) -> Image:
    """After `image`, so that its packages come from the cache."""
    tags.append(f"slipway-test:{uuid4().hex[:12]}")
    return built(context, tags[-1], python_image, *options, ca=ca, dockerfile=DOCKERFILE)


def spec(folder: Path, checkout: Path) -> ImageSpec:
    return ImageSpec.read("demo", {"model": f"file:{folder}", "source": checkout})


def test_the_folders_model_is_served(folders_image: Image, folder: Path, tmp_path: Path) -> None:
    version = Manifest.read(folder, TASKS).model_version
    with container(folders_image, tmp_path / "log", f"--env=EXPECTED_MODEL={version}") as server:
        assert httpx.get(f"{server.url}/health").json()["model_version"] == version
        answer = httpx.post(f"{server.url}/predict", json={"text": SPAM}, headers=AUTHORIZED, timeout=30)
        assert answer.json()["label"] == "unwanted"


def test_the_image_holds_of_models_only_what_the_manifest_lists(folders_image: Image) -> None:
    held = {name for name in folders_image.files if name.startswith(("app/service/models/", "app/model"))}
    names = ("manifest.json", "model.onnx", "tokenizer.json", "README.md")
    assert held == {f"app/service/models/mine/{name}" for name in names}
    assert folders_image.description["Config"]["Labels"]["slipway.model.version"] == "mine-7"


def test_the_packages_are_the_same_layer_as_in_an_image_with_another_model(
    folders_image: Image, image: Image
) -> None:
    assert folders_image.layer_ids[:-2] == image.layer_ids[:-2]


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_build_fails_at_a_file_that_is_not_the_manifests_by_its_name(
    change: str,
    image: Image,
    context: Path,
    options: list[str],
    python_image: str,
    ca: Path | None,
    tmp_path: Path,
) -> None:
    """It changed after it was staged, or nothing looked at the folder before the build."""
    copy = Path(shutil.copytree(context, tmp_path / "copy"))
    file = copy / "model/mine/tokenizer.json"
    if change == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b" ")
    with pytest.raises(AssertionError, match=r"not as manifest\.json describes: tokenizer\.json"):
        built(copy, "slipway-test:changed", python_image, *options, ca=ca, dockerfile=DOCKERFILE)
