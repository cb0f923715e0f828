"""What the stacks of the clouds share."""

import math
from collections.abc import Mapping
from typing import Any, Protocol

from slipway.components.gpu_drivers import IMAGE_CUDA
from slipway.components.image import InferenceImageArgs, Registry, Variant
from slipway.components.load_time import (
    LOADS_OF_A_START,
    estimated_load_seconds,
    load_seconds_of,
    unknown_load_seconds,
)
from slipway.components.model import model_folder, model_version, require_memory
from slipway.components.need import need_of
from slipway.components.spec import InferenceServiceArgs
from slipway.components.tasks import TASKS

# Stand for the image while the rest is checked: it is built only after that.
ANY_DIGEST = f"sha256:{'0' * 64}"
ANY_IMAGE = f"host/repository@{ANY_DIGEST}"


class CloudSettings(Protocol):
    """The settings that every cloud reads. memory_gib in GiB, timeout in seconds; '' and None are unset."""

    @property
    def task(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def names_model(self) -> bool: ...
    @property
    def load_seconds(self) -> float | None: ...
    @property
    def backend(self) -> str: ...
    @property
    def cpu(self) -> float: ...
    @property
    def memory_gib(self) -> float: ...
    @property
    def gpu(self) -> str: ...
    @property
    def min_instances(self) -> int: ...
    @property
    def max_instances(self) -> int: ...
    @property
    def concurrency(self) -> int | None: ...
    @property
    def timeout_seconds(self) -> int: ...
    @property
    def region(self) -> str: ...
    @property
    def image(self) -> str: ...
    @property
    def public(self) -> bool: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def secrets(self) -> Mapping[str, str]: ...
    @property
    def labels(self) -> Mapping[str, str]: ...
    @property
    def domain(self) -> str: ...
    @property
    def deletion_protection(self) -> bool: ...


class GoogleSettings(CloudSettings, Protocol):
    """What every target at Google reads."""

    @property
    def project(self) -> str: ...


def neutral_args(
    name: str,
    settings: CloudSettings,
    *,
    model_gib: float | None = None,
    longest_start_seconds: float = math.inf,
) -> InferenceServiceArgs:
    """What every target's component takes, by its names there.

    model_gib: size of a model that is not here, where it is known. longest_start_seconds: for which the
    target waits; an estimate is not above it, so that only a time that was set is refused.
    """
    args: InferenceServiceArgs = {
        "model": settings.model,
        "task": settings.task,
        "load_seconds": settings.load_seconds
        or _load_seconds(name, settings, model_gib, longest_start_seconds),
        "cpu": settings.cpu,
        "memory_gib": settings.memory_gib,
        "min_replicas": settings.min_instances,
        "max_replicas": settings.max_instances,
        "request_timeout_seconds": settings.timeout_seconds,
        "env": dict(settings.env),
        "secrets": dict(settings.secrets),
        "labels": dict(settings.labels),
        "public": settings.public,
    }
    if expected := _expected_model(name, settings):
        args["expected_model"] = expected
    if settings.gpu:
        args["gpu"] = settings.gpu
    if settings.concurrency is not None:
        args["concurrency"] = settings.concurrency
    return args


def google_image(settings: GoogleSettings) -> str:
    """The image that is given, or what stands for the one that is built, in a repository of the project."""
    if settings.image:
        return settings.image
    return f"{settings.region}-docker.pkg.dev/{settings.project}/repository/server@{ANY_DIGEST}"


def _expected_model(name: str, settings: CloudSettings) -> str:
    """The model that a preview shows, by what the server finds in its manifest; empty: nobody here knows.

    A model in a bucket is pinned by its address, which the server itself fetches. An image that is given
    without a `model` brings its own.
    """
    if settings.model.startswith("hf:"):
        return settings.model
    manifest = _manifest_here(name, settings)
    return model_version(manifest) if manifest else ""


def _load_seconds(
    name: str, settings: CloudSettings, model_gib: float | None, longest_start_seconds: float
) -> float:
    """As measured or estimated. A model of which nothing is known gets all that the target waits for."""
    manifest, gpu = _manifest_here(name, settings), bool(settings.gpu)
    if manifest:
        return min(load_seconds_of(manifest, settings.cpu, gpu), longest_start_seconds)
    if model_gib is None:
        return min(unknown_load_seconds(gpu), longest_start_seconds / LOADS_OF_A_START)
    engine = "onnx" if image_variant(name, settings) is Variant.CPU else "torch"
    return min(estimated_load_seconds(model_gib, engine, settings.cpu, gpu), longest_start_seconds)


def _manifest_here(name: str, settings: CloudSettings) -> Mapping[str, Any] | None:
    """Of a bundled model that the settings name, or that the image is built with."""
    if not settings.model.startswith("bundled:") or (settings.image and not settings.names_model):
        return None
    return model_folder(name, settings.model, settings.task).manifest


def registry_image_args(name: str, settings: CloudSettings, registry: Registry) -> InferenceImageArgs:
    """The image in a registry of the stack's own cloud, or the one that is given."""
    args: InferenceImageArgs = {
        "registry": registry,
        "region": settings.region,
        **image_model_args(name, settings),
        "labels": dict(settings.labels),
        "force_delete": not settings.deletion_protection,
    }
    if settings.image:
        args["image"] = settings.image
    return args


def image_model_args(name: str, settings: CloudSettings) -> InferenceImageArgs:
    """The model in the image, and what runs it. Raises ValueError for a pair that cannot be."""
    args: InferenceImageArgs = {"model": settings.model, "variant": image_variant(name, settings)}
    if settings.model.startswith("hf:"):
        args["task"] = settings.task
    return args


def image_variant(name: str, settings: CloudSettings) -> Variant:
    """What the image must hold: torch where there is a GPU, or where nothing else serves the task.

    Raises ValueError where the backend, the task, the GPU and the model do not go together.
    """
    served = TASKS[settings.task].files
    backend = settings.backend or ("torch" if settings.gpu or "onnx" not in served else "onnx")
    where = "in Pulumi.<stack>.yaml"
    if backend not in served:
        only = " or ".join(served)
        idle = "" if settings.backend else f", which computes on the CPU: take `gpu` ({settings.gpu}) out"
        raise ValueError(
            f"{name}: backend is {backend!r} with task {settings.task!r}; allowed is {only!r}{idle}. "
            f"Correct it {where}."
        )
    if backend == "onnx" and settings.gpu:
        raise ValueError(
            f"{name}: backend is 'onnx' with gpu {settings.gpu!r}, which would stand idle: ONNX Runtime "
            f"computes on the CPU here. Allowed is 'torch', or no gpu. Correct it {where}."
        )
    if not settings.image:
        _require_engine(name, settings, backend)
    if backend == "onnx":
        return Variant.CPU
    return Variant.CUDA if settings.gpu else Variant.TORCH_CPU


def _require_engine(name: str, settings: CloudSettings, backend: str) -> None:
    """Of a model that is put into the image as it lies here: nothing makes another form of it."""
    if not settings.model.startswith("bundled:"):
        return
    engine = model_folder(name, settings.model, settings.task).manifest.get("engine", "onnx")
    if engine == backend:
        return
    key = "backend" if settings.backend else "gpu"
    asked = f"backend {backend!r}" if settings.backend else f"gpu {settings.gpu!r}, which torch alone uses"
    raise ValueError(
        f"{name}: model is {settings.model!r}, made for {engine!r}, with {asked}. Allowed is a model for "
        f"{backend!r}, such as `hf:<owner>/<name>@<commit>`; or leave `{key}` out in Pulumi.<stack>.yaml."
    )


def image_cuda_version(settings: CloudSettings) -> str:
    """CUDA of the image that is built here; '' without CUDA, and of a given image, where it is not known."""
    is_for_torch = settings.backend != "onnx" and "torch" in TASKS[settings.task].files
    return IMAGE_CUDA if settings.gpu and is_for_torch and not settings.image else ""


def require_known_memory(
    name: str, model: str, task: str, cpu: float, memory_gib: float, target: str
) -> None:
    """Raise ValueError where a model whose manifest lies here cannot live in the memory that is set."""
    if model.startswith("bundled:"):
        manifest = model_folder(name, model, task).manifest
        require_memory(name, model, need_of(manifest, cpu), memory_gib, cpu, target)


def measured_request_seconds(name: str, model: str, task: str, cpu: float, concurrency: int) -> float | None:
    """Seconds that a request takes with `concurrency` under way, where `slipway fit --write` measured it."""
    if not model.startswith("bundled:"):
        return None
    measured = model_folder(name, model, task).manifest.get("measured")
    return concurrency / (measured["texts_per_second"] * cpu) if measured else None
