"""What the stacks of the clouds share."""

from collections.abc import Mapping
from typing import Protocol

from slipway.components.gpu_drivers import IMAGE_CUDA
from slipway.components.image import InferenceImageArgs, Registry, Variant
from slipway.components.model import model_folder, require_memory
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


def neutral_args(settings: CloudSettings) -> InferenceServiceArgs:
    """What every target's component takes, by its names there."""
    args: InferenceServiceArgs = {
        "model": settings.model,
        "task": settings.task,
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
