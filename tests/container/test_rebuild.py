"""What a second build makes anew."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.container.conftest import Builder
from tests.container.engine import Image, docker

pytestmark = pytest.mark.container


def test_a_change_of_code_makes_one_new_layer_of_less_than_three_megabytes(
    builder: Builder, image: Image, tags: list[str]
) -> None:
    with (builder.folder / "service/cpus.py").open("a") as file:
        file.write("\nCHANGED = True\n")
    tags.append("slipway-test:code")
    changed = builder.build(tags[-1])
    assert changed.layer_ids[:-1] == image.layer_ids[:-1]
    assert changed.layer_ids[-1] != image.layer_ids[-1]
    assert changed.layers[-1].file_bytes <= 3e6


def test_a_change_of_the_model_keeps_the_layer_of_packages(
    builder: Builder, image: Image, tags: list[str]
) -> None:
    with (builder.folder / "service/models/sms-spam/README.md").open("a") as file:
        file.write("\nChanged.\n")
    tags.append("slipway-test:model")
    changed = builder.build(tags[-1])
    assert changed.layer_ids[:-2] == image.layer_ids[:-2]
    assert changed.layer_ids[-2] != image.layer_ids[-2]


def test_a_second_build_from_nothing_has_the_same_manifest(
    builder: Builder, recent_builder: str, tmp_path: Path
) -> None:
    """Also where the files of the checkout have other modes and times."""
    first = _pushed_digest(builder, recent_builder, tmp_path / "first.json")
    for path in (builder.folder / "service").rglob("*"):
        path.chmod(0o700)
        os.utime(path, (2_000_000_000, 2_000_000_000))
    assert _pushed_digest(builder, recent_builder, tmp_path / "second.json") == first


def test_buildkits_own_linter_finds_nothing(builder: Builder, recent_builder: str) -> None:
    docker(
        "buildx", "build", f"--builder={recent_builder}", "--check", "--file=service/Dockerfile",
        f"--build-arg=PYTHON_IMAGE={builder.python_image}",
        "--build-arg=BUILDKIT_DOCKERFILE_CHECK=error=true", ".",
        cwd=builder.folder,
    )  # fmt: skip


def _pushed_digest(builder: Builder, recent_builder: str, metadata: Path) -> str:
    name = f"{os.environ['SLIPWAY_TEST_REGISTRY']}/slipway-test"
    docker(
        "buildx", "build", f"--builder={recent_builder}", "--no-cache", "--quiet",
        "--file=service/Dockerfile", f"--build-arg=PYTHON_IMAGE={builder.python_image}",
        *([f"--secret=id=ca,src={builder.ca}"] if builder.ca else []),
        "--provenance=false", f"--metadata-file={metadata}",
        f"--output=type=image,name={name},push=true,rewrite-timestamp=true", ".",
        cwd=builder.folder,
        env={"SOURCE_DATE_EPOCH": "1735689600"},
    )  # fmt: skip
    digest = json.loads(metadata.read_text())["containerimage.digest"]
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    return digest
