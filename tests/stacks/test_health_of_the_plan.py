"""What a stack's preview names is what `/health` of the server says that is started as the plan says.

The server gets the environment of the plan, in a process of its own, and the model's folder as the build's
context has it, in place of the image's.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.components.image.context import LOCATION, MODELS
from slipway.infra.plan.run import Plan
from tests.checkout import ROOT
from tests.service.running_server import running_server
from tests.service.sources.buckets import Bucket, CloudStorage, Forward, GcsBucket, S3Bucket
from tests.service.sources.conftest import versioned_s3
from tests.service.sources.front import Front, serving
from tests.stacks.targets import GIVEN, environment, inputs, planned

HUB = f"hf:acme/spam@{'a' * 40}"
every_target = pytest.mark.parametrize("target", sorted(GIVEN))
# What these name is of a container: its address, its disk.
OF_THE_CONTAINER = ("HOST", "PORT", "MODEL_API_KEY", "MODEL_CACHE_DIR", "MODEL_DIR")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a project with a model of the user's own."""
    monkeypatch.chdir(tmp_path)
    folder = Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "models/mine"))
    change_manifest(folder, name="mine", version="7")
    return tmp_path


@pytest.fixture(scope="module")
def moto() -> Iterator[httpx.Client]:
    with versioned_s3() as client:
        yield client


@pytest.fixture(params=["s3", "gs"])
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    if request.param == "s3":
        moto: httpx.Client = request.getfixturevalue("moto")
        with serving(Front(Forward(moto))) as front:
            yield S3Bucket(front, moto)
    else:
        storage = CloudStorage()
        with serving(Front(storage)) as front:
            yield GcsBucket(front, storage)


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))


def health(target: str, plan: Plan, log: Path, **container: str) -> Mapping[str, Any]:
    """Start the server with the environment of the plan and return what it says of itself, once ready."""
    given = environment(target, plan)
    own = {name: value for name, value in given.items() if name not in OF_THE_CONTAINER}
    with running_server(log, ready=True, **{**own, **container}) as server:
        return httpx.get(f"{server.url}/health").json()


def model_of_the_image(plan: Plan) -> Path:
    """Return the folder that the build copies to where MODEL_DIR of the image points."""
    build = inputs(plan, "slipway-prod-image-build")["buildArgs"]
    assert build["MODELS"] == MODELS
    return Path(LOCATION).resolve() / MODELS / build["BUNDLED"]


@every_target
@pytest.mark.parametrize(
    ("model", "version"), [("bundled:sms-spam", "sms-spam-1.0.0"), ("file:models/mine", "mine-7")]
)
def test_a_folder_in_the_image_is_what_health_names(
    target: str, model: str, version: str, tmp_path: Path
) -> None:
    plan = planned(target, model=model)
    said = health(target, plan, tmp_path / "log", MODEL_DIR=str(model_of_the_image(plan)))
    assert said["model_version"] == environment(target, plan)["EXPECTED_MODEL"]
    label = inputs(plan, "slipway-prod-image-build")["buildArgs"]["MODEL_VERSION"]
    assert label == version
    assert said["model_version"].startswith(f"{version}+")
    assert (said["state"], said["device"]) == ("ready", "cpu")


@every_target
def test_a_model_of_the_hub_is_served_at_the_commit_that_the_preview_names(
    target: str, tmp_path: Path
) -> None:
    """The build writes the address into the manifest of what it imports; here it is written by hand."""
    plan = planned(target, model=HUB)
    assert inputs(plan, "slipway-prod-image-build")["buildArgs"]["MODEL"] == HUB
    imported = tmp_path / "models/mine"
    change_manifest(imported, source=HUB)
    assert health(target, plan, tmp_path / "log", MODEL_DIR=str(imported))["state"] == "ready"
    change_manifest(imported, source=f"hf:acme/spam@{'b' * 40}")
    with pytest.raises(AssertionError, match="EXPECTED_MODEL is hf:acme/spam@aaa"):
        health(target, plan, tmp_path / "log", MODEL_DIR=str(imported))


@every_target
def test_a_model_in_a_bucket_is_what_health_names(target: str, bucket: Bucket, tmp_path: Path) -> None:
    address = bucket.put_folder(ROOT / "service/models/sms-spam")
    plan = planned(target, model=address)
    found = {**bucket.environ, "MODEL_CACHE_DIR": str(tmp_path / "cache")}
    assert environment(target, plan)["MODEL_SOURCE"] == address
    said = health(target, plan, tmp_path / "log", **found)
    listed = json.loads((ROOT / "service/models/sms-spam/manifest.json").read_text())["files"]["model.onnx"]
    assert said["model_version"] == f"fetched-1.0.0+{listed['sha256'][:12]}"
