"""What the stacks of the clouds share."""

from collections.abc import Mapping
from typing import Protocol

from components.checkout import ROOT
from components.model import model_folder, require_memory
from components.need import need_of
from components.spec import InferenceServiceArgs

# Stands for the image while the rest is checked: it is built only after that.
ANY_IMAGE = f"host/repository@sha256:{'0' * 64}"


class CloudSettings(Protocol):
    """The settings that every cloud reads. memory_gib in GiB, timeout in seconds; '' and None are unset."""

    @property
    def task(self) -> str: ...
    @property
    def model(self) -> str: ...
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


def require_known_memory(
    name: str, model: str, task: str, cpu: float, memory_gib: float, target: str
) -> None:
    """Raise ValueError where a model whose manifest lies here cannot live in the memory that is set."""
    if model.startswith("bundled:"):
        manifest = model_folder(name, model, task, ROOT).manifest
        require_memory(name, model, need_of(manifest, cpu), memory_gib, cpu, target)


def measured_request_seconds(name: str, model: str, task: str, cpu: float, concurrency: int) -> float | None:
    """Seconds that a request takes with `concurrency` under way, where `slipway fit --write` measured it."""
    if not model.startswith("bundled:"):
        return None
    measured = model_folder(name, model, task, ROOT).manifest.get("measured")
    return concurrency / (measured["texts_per_second"] * cpu) if measured else None
