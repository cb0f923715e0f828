"""A model's folder goes into the image: only what its manifest lists, and only if that is what is there."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slipway.components.image import InferenceImageArgs, Variant
from tests.checkout import ROOT
from tests.components.image.conftest import Planned, contents
from tests.components.image.test_inference_image import LOCAL, build

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Make a model named `mine` outside of any checkout, with files next to it that are no part of it."""
    folder = Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "elsewhere/some folder"))
    change_manifest(folder, name="mine", version="7")
    (folder / "training-data.csv").write_text("secret")
    (folder / ".cache").mkdir()
    (folder / ".cache/blob").write_text("large")
    return folder


def change_manifest(folder: Path, **changes: Any) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))


def retrained(folder: Path) -> None:
    """Give the model other weights, and its manifest their hash."""
    weights = (folder / "model.onnx").read_bytes() + b"\0"
    (folder / "model.onnx").write_bytes(weights)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    listed = {"sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
    change_manifest(folder, files=files | {"model.onnx": listed})


def args_for(folder: Path, **more: Any) -> InferenceImageArgs:
    return {**LOCAL, "model": f"file:{folder}", **more}  # pyright: ignore[reportReturnType]


def refusal(planned: Planned, args: InferenceImageArgs) -> str:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 the text is looked at by the tests
        planned(args)
    return str(refused.value)


def test_a_folder_outside_of_the_checkout_is_built_in(planned: Planned, mine: Path, project: Path) -> None:
    given = build(planned(args_for(mine)))["buildArgs"]
    assert given == given | {"MODELS": "model", "BUNDLED": "mine", "MODEL_VERSION": "mine-7"}
    held = contents(project / ".slipway/context")
    assert {name for name in held if name.startswith("model/")} == {
        f"model/mine/{name}" for name in ("manifest.json", "model.onnx", "tokenizer.json", "README.md")
    }
    assert held["model/mine/model.onnx"] == (mine / "model.onnx").read_bytes()
    assert not [name for name in held if name.startswith("service/models")]


def test_a_folder_of_the_project_is_built_in(planned: Planned, mine: Path, project: Path) -> None:
    shutil.copytree(mine, project / "models/mine")
    relative = build(planned({**LOCAL, "model": "file:models/mine"}))
    assert relative == build(planned(args_for(mine)))


def test_a_bundled_model_is_a_folder_like_any_other(planned: Planned, checkout: Path) -> None:
    folder = checkout / "service/models/sms-spam"
    assert build(planned(LOCAL)) == build(planned(args_for(folder)))


def test_other_weights_are_another_image(planned: Planned, mine: Path) -> None:
    before = build(planned(args_for(mine)))
    (mine / "training-data.csv").write_text("other")
    assert build(planned(args_for(mine))) == before
    retrained(mine)
    after = build(planned(args_for(mine)))
    assert after["tags"] != before["tags"]
    assert {key for key in before["buildArgs"] if before["buildArgs"][key] != after["buildArgs"][key]} == {
        "REVISION"
    }


def test_a_folder_that_is_too_large_is_refused_with_what_uploads_it(planned: Planned, mine: Path) -> None:
    size = (2 << 30) + 1
    with (mine / "model.onnx").open("r+b") as file:
        file.truncate(size)  # without blocks on the disk
    files = json.loads((mine / "manifest.json").read_text())["files"]
    change_manifest(mine, files=files | {"model.onnx": files["model.onnx"] | {"bytes": size}})
    said = refusal(planned, args_for(mine))
    assert "which has 2.00 GiB; an image takes 2 GiB" in said
    assert f"`slipway model push {mine} gs://<bucket>/<folder>`" in said


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        (
            "model.onnx",
            POINTER,
            "whose model.onnx is in Git LFS; fetch it with `git lfs pull` in ",
        ),
        ("manifest.json", POINTER, "whose manifest.json is in Git LFS"),
        ("model.onnx", "", "whose files are not those of its manifest.json: model.onnx has 0 bytes, not "),
        ("model.onnx", None, "which lacks model.onnx"),
        ("tokenizer.json", None, "which lacks tokenizer.json"),
    ],
)
def test_a_folder_without_its_files_is_refused(
    name: str, content: str | None, fault: str, planned: Planned, mine: Path, project: Path
) -> None:
    (mine / name).unlink()
    if content is not None:
        (mine / name).write_text(content)
    assert fault in refusal(planned, args_for(mine))
    assert list(project.iterdir()) == []


def test_a_file_that_is_another_one_of_the_same_size_is_refused(planned: Planned, mine: Path) -> None:
    weights = bytearray((mine / "model.onnx").read_bytes())
    weights[-1] ^= 1
    (mine / "model.onnx").write_bytes(weights)
    assert "whose manifest.json has another sha256 of model.onnx" in refusal(planned, args_for(mine))


@pytest.mark.parametrize(
    ("variant", "engine", "fault"),
    [
        (Variant.CUDA, "onnx", "made for onnx, which uses no GPU; allowed are cpu, or a model for torch"),
        (Variant.CPU, "torch", "made for torch, which that image lacks; allowed are torch-cpu and cuda"),
    ],
)
def test_a_model_for_another_engine_is_refused(
    variant: Variant, engine: str, fault: str, planned: Planned, mine: Path
) -> None:
    if engine == "torch":
        files = json.loads((mine / "manifest.json").read_text())["files"]
        (mine / "model.onnx").rename(mine / "model.safetensors")
        (mine / "config.json").write_text("{}")
        listed = {"sha256": hashlib.sha256(b"{}").hexdigest(), "bytes": 2}
        files |= {"model.safetensors": files.pop("model.onnx"), "config.json": listed}
        change_manifest(mine, engine="torch", precision="fp32", files=files)
    assert fault in refusal(planned, args_for(mine, variant=variant))


def test_the_build_fails_at_a_file_that_is_not_the_manifests(checkout: Path, mine: Path) -> None:
    """The program of the Dockerfile that reads the manifest runs here, as a build joins its lines."""
    stage = (checkout / "service/Dockerfile").read_text().partition("FROM base AS model\n")[2]
    program = stage.partition("python -c '")[2].partition("'")[0].replace("\\\n", "")
    command = [sys.executable, "-c", program]
    listed = subprocess.run(command, cwd=mine, capture_output=True, text=True, check=True).stdout
    assert listed.split() == ["manifest.json", "model.onnx", "tokenizer.json"]
    (mine / "tokenizer.json").write_text("{}")
    (mine / "model.onnx").unlink()
    failed = subprocess.run(command, cwd=mine, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, "")
    wrong = "missing, or not as manifest.json describes: model.onnx, tokenizer.json"
    assert failed.stderr == f"{wrong}; restore the files, or make the folder anew\n"
