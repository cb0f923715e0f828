import os
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.components.image import InferenceImage, InferenceImageArgs
from slipway.components.image.baked_model import baked_model
from slipway.components.image.context import Files, context_files
from slipway.components.image.spec import ImageSpec
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from tests.checkout import copy_of_the_checkout

CONFIG = StackConfig("demo", "dev", {}, frozenset(), {})
DIGEST = f"sha256:{'0' * 64}"
PINNED = f"registry.example.com/team/server@{DIGEST}"
GOOGLE: InferenceImageArgs = {
    "registry": "artifact-registry",  # pyright: ignore[reportAssignmentType]  as it comes from other languages
    "project": "my-project",
    "region": "europe-west4",
}
AMAZON: InferenceImageArgs = {
    "registry": "ecr",  # pyright: ignore[reportAssignmentType]  the same
    "region": "eu-west-1",
}

Planned = Callable[[InferenceImageArgs], Plan]


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the checkout, so that nobody edits it while a test reads it twice."""
    return copy_of_the_checkout(tmp_path_factory.mktemp("image") / "checkout")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty working directory for the program."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def planned(project: Path, checkout: Path) -> Planned:
    """Plans a program of one image, `demo`, of the copied checkout."""

    def plan(args: InferenceImageArgs) -> Plan:
        return plan_of(lambda: _one_image({"source": str(checkout), **args}), CONFIG)

    return plan


def _one_image(args: InferenceImageArgs) -> None:
    InferenceImage("demo", args)


def files_of(source: Path, model: str = "bundled:sms-spam") -> Files:
    """Return what a build of the model from this checkout gets."""
    return context_files(source, baked_model(ImageSpec.read("demo", {"source": source, "model": model})))


def modes(folder: Path) -> dict[str, str]:
    """Path below the folder -> mode, of files and folders."""
    return {
        os.path.relpath(path, folder): oct(path.lstat().st_mode & 0o7777)
        for path in [folder, *folder.rglob("*")]
    }


def contents(folder: Path) -> dict[str, bytes]:
    return {os.path.relpath(p, folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
