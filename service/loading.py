"""Finds the model that the settings name, and loads it while the event loop already answers probes."""

import asyncio
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from .device import CPU, Device, DeviceKind
from .faults import BadModel, BadSettings, DeviceUnusable, WrongModel
from .folder import ModelFolder
from .logs import log
from .machine import has_gpu
from .manifest import Manifest, TaskRules
from .settings import Settings
from .tasks import Task


class Origin(Protocol):
    """The place a model comes from.

    Both methods raise a StartFault if the model is not available or not usable.
    """

    async def manifest(self, tasks: Mapping[str, type[TaskRules]]) -> Manifest: ...

    async def folder(self, manifest: Manifest) -> Path:
        """Return a local folder with the manifest's files, each checked by its size and hash."""
        ...


class LocalModel:
    """A folder that exists already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def manifest(self, tasks: Mapping[str, type[TaskRules]]) -> Manifest:
        return Manifest.read(self._folder, tasks)

    async def folder(self, manifest: Manifest) -> Path:
        await asyncio.to_thread(manifest.check_files, self._folder)
        return self._folder


def model_origin(settings: Settings) -> Origin:
    """Return where the model comes from. Raises BadSettings if a bucket's client is missing or not usable."""
    if not settings.model_source:
        return LocalModel(settings.model_dir)
    # Imported here: only a model in a bucket needs the client.
    try:
        from .sources.address import Address
        from .sources.model import BucketModel
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise BadSettings(
            f"MODEL_SOURCE: got {settings.model_source!r}, but obstore, which reads it, is not installed. "
            "Build the image with --build-arg BUCKETS=1, or install service/requirements-buckets.txt."
        ) from None

    return BucketModel(Address.parse(settings.model_source), settings.model_cache_dir)


def require_expected(expected: str, manifest: Manifest) -> None:
    """Raise WrongModel, before anything is loaded, if the stack was previewed with another model.

    expected: a model version, or `hf:<owner>/<name>@<commit>`; empty: any model is served.
    """
    if not expected or expected in (manifest.model_version, manifest.source):
        return
    source = f" from {manifest.source}" if isinstance(manifest.source, str) else ""
    raise WrongModel(
        f"EXPECTED_MODEL is {expected}, the model that the stack was previewed with; here is "
        f"{manifest.model_version}{source}. Build the image with the stack's model, or correct `model` or "
        "`image` in the stack's settings."
    )


def require_engine(manifest: Manifest, wanted: DeviceKind | None) -> None:
    """Raise BadModel, before anything is fetched, if the model's engine is not installed.

    wanted: the setting DEVICE. Raises DeviceUnusable if the engine never computes on it.
    """
    if manifest.engine != "torch" and wanted == "cuda":
        raise DeviceUnusable(
            f"DEVICE: got 'cuda', but the manifest of {manifest.name} says engine {manifest.engine!r}, which "
            "computes on the CPU here. Take a model for torch, or set DEVICE=cpu; in a stack leave `gpu` out."
        )
    if manifest.engine == "torch" and not (find_spec("torch") and find_spec("transformers")):
        raise BadModel(
            f"the manifest of {manifest.name} says engine 'torch', but torch is not installed. "
            "Build the image with --build-arg VARIANT=torch-cpu, or VARIANT=cuda for a GPU; "
            "or serve the model as model.onnx with engine 'onnx'."
        )
    if manifest.engine == "ctranslate2" and not find_spec("ctranslate2"):
        raise BadModel(
            f"the manifest of {manifest.name} says engine 'ctranslate2', but CTranslate2 is not installed. "
            "Build the image with --build-arg CTRANSLATE2=1, or install service/requirements-ctranslate2.txt."
        )


def chosen_device(manifest: Manifest, wanted: DeviceKind | None) -> Device:
    """Return what the model computes on. It may import torch, which takes seconds, and tries the GPU.

    wanted: the setting DEVICE. Raises DeviceUnusable if a GPU is wanted, or is seen, and cannot compute.
    """
    if manifest.engine != "torch" or wanted == "cpu":
        return CPU
    from .backends.gpu import gpu_is_visible, usable_gpu

    if wanted == "cuda":
        try:
            return Device("cuda", usable_gpu())
        except DeviceUnusable as fault:
            raise DeviceUnusable(f"DEVICE: got 'cuda', but {fault}") from None
    if gpu_is_visible():
        return Device("cuda", usable_gpu())
    if has_gpu():
        try:
            usable_gpu()
        except DeviceUnusable as fault:
            log.warning("Computing on the CPU though there is a GPU: %s", fault)
    return CPU


def load_model(folder: Path, manifest: Manifest, task: Task, device: DeviceKind | None = None) -> None:
    """Load and warm up. device: as of ModelFolder. Raises BadModel, DeviceUnusable if it is too small."""
    task.load(ModelFolder(folder, manifest, device))
