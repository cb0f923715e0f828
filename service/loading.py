"""Finds the model the settings name, and loads it beside the event loop, which already answers probes."""

import asyncio
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from tokenizers import Tokenizer

from service.backends import Backend
from service.faults import BadModel, BadSettings
from service.manifest import MODEL_FILE, TOKENIZER_FILE, Engine, Manifest
from service.settings import Settings
from service.tasks import Task


class Origin(Protocol):
    """Where a model comes from. Both raise a StartFault if it cannot be had or used."""

    async def manifest(self, tasks: Collection[str]) -> Manifest: ...

    async def folder(self, manifest: Manifest) -> Path:
        """A local folder with the manifest's files, each checked by its size and hash."""
        ...


class LocalModel:
    """A folder that is there already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def manifest(self, tasks: Collection[str]) -> Manifest:
        return Manifest.read(self._folder, tasks)

    async def folder(self, manifest: Manifest) -> Path:
        await asyncio.to_thread(manifest.check_files, self._folder)
        return self._folder


def model_origin(settings: Settings) -> Origin:
    """Raises BadSettings if the bucket's client is not installed or cannot be set up."""
    if not settings.model_source:
        return LocalModel(settings.model_dir)
    # Imported here: only a model in a bucket needs the client.
    try:
        from service.sources.address import Address
        from service.sources.model import BucketModel
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise BadSettings(
            f"MODEL_SOURCE: got {settings.model_source!r}, but obstore, which reads it, is not installed. "
            "Build the image with --build-arg BUCKETS=1, or install service/requirements-buckets.txt."
        ) from None

    return BucketModel(Address.parse(settings.model_source), settings.model_cache_dir)


def require_engine(manifest: Manifest) -> None:
    """Before anything is fetched. Raises BadModel if the model's engine is not installed."""
    if manifest.engine == "torch" and not (find_spec("torch") and find_spec("transformers")):
        raise BadModel(
            f"the manifest of {manifest.name} says engine 'torch', but torch is not installed. "
            "Build the image with --build-arg VARIANT=torch-cpu, or VARIANT=cuda for a GPU; "
            "or serve the model as model.onnx with engine 'onnx'."
        )
    if manifest.engine == "torch" and manifest.task != "classify":
        raise BadModel(
            f"the manifest of {manifest.name} says task {manifest.task!r} with engine 'torch', which serves "
            "classifiers; serve it as model.onnx with engine 'onnx'."
        )


def load_model(folder: Path, engine: Engine, task: Task) -> None:
    """Load and warm up. Raises BadModel."""
    try:
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    except Exception as error:  # tokenizers raises plain Exception
        raise BadModel(f"{folder / TOKENIZER_FILE} cannot be loaded: {str(error)[:300]}") from None
    task.attach(tokenizer, _backend(folder, engine, task.output))


def _backend(folder: Path, engine: Engine, output: str) -> Backend:
    # Imported here: numpy and the runtime load while the server already answers /alive, and only one of them.
    if engine == "torch":
        from service.backends.torch import TorchBackend

        return TorchBackend(folder)
    from service.backends.onnx import OnnxBackend

    return OnnxBackend(folder / MODEL_FILE, output)
