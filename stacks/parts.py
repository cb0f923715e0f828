"""What the stacks of the clouds share."""

import math
from collections.abc import Callable
from typing import Any, NotRequired, Protocol, TypedDict, cast

import pulumi

from slipway.components.fault import Fault, refuse
from slipway.components.gpu_drivers import IMAGE_CUDA
from slipway.components.image import InferenceImage, InferenceImageArgs, Platform, Registry, Variant
from slipway.components.image.rules import checked_spec as checked_image
from slipway.components.load_time import (
    LOADS_OF_A_START,
    estimated_load_seconds,
    load_seconds_of,
    unknown_load_seconds,
)
from slipway.components.model import ModelFolder, model_folder, model_version, require_memory
from slipway.components.model_address import ModelAddress, Source
from slipway.components.need import need_of
from slipway.components.spec import InferenceServiceSpec
from slipway.components.tasks import TASKS
from slipway.components.traces import CLOUD, ENDPOINT, OFF
from slipway.stacks.resolved import resolved_service
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.common import CloudSettings
from slipway.stacks.settings.jobs import JobSettings

# Stand for the image while the rest is checked: it is built only after that.
ANY_DIGEST = f"sha256:{'0' * 64}"
ANY_IMAGE = f"host/repository@{ANY_DIGEST}"


def resolved_args(settings: CloudSettings, spec: InferenceServiceSpec) -> dict[str, Any]:
    """Return the arguments that every cloud's component records in full, defaults included.

    spec: the service, with the target's own defaults.
    """
    return {
        "model": settings.model,
        **resolved_service(spec),
        "env": dict(settings.env),
        "secrets": dict(settings.secrets),
        "labels": dict(settings.labels),
        "public": bool(settings.public),
    }


def model_args(
    name: str,
    settings: CloudSettings,
    spec: InferenceServiceSpec,
    *,
    model_gib: float | None = None,
    longest_start_seconds: float = math.inf,
) -> dict[str, Any]:
    """Return how long the model takes to load, and which model the server must find.

    model_gib: size of a model that is not on this machine, if known. longest_start_seconds: how long the
    target waits; an estimate is capped at it, so that only a time that was set is refused.
    """
    args: dict[str, Any] = {
        "load_seconds": settings.load_seconds
        or _load_seconds(name, settings, spec.cpu, model_gib, longest_start_seconds)
    }
    if expected := _expected_model(name, settings):
        args["expected_model"] = expected
    return args


def secret_args(secrets: StackSecrets) -> dict[str, Any]:
    """Return the stack's secrets as arguments, by the names that every component gives them."""
    given = {} if secrets.api_key is None else {"api_key": secrets.api_key}
    return {**given, "secret_values": dict(secrets.values)}


class _BuildArgs(TypedDict):
    """The arguments of an image that settings give as they are."""

    python_image: NotRequired[str]
    build_args: NotRequired[dict[str, str]]
    ca: NotRequired[str]
    keep_images: NotRequired[int]
    scan: NotRequired[bool]
    platform: NotRequired[Platform]


class GoogleSettings(Protocol):
    """The settings that locate an image in a Google Cloud project."""

    @property
    def image(self) -> str: ...
    @property
    def project(self) -> str: ...
    @property
    def region(self) -> str: ...


def google_image(settings: GoogleSettings) -> str:
    """Return the given image, or a placeholder for the one to be built, in a repository of the project."""
    if settings.image:
        return settings.image
    project = settings.project.replace(":", "/")  # docs.cloud.google.com/artifact-registry/docs/docker/names
    return f"{settings.region}-docker.pkg.dev/{project}/repository/server@{ANY_DIGEST}"


def _expected_model(name: str, settings: CloudSettings) -> str:
    """Return the name and version of the model that the server must load; '' if not known here.

    A model in a bucket is pinned by its address, which the server itself fetches. An image that is given
    without a `model` brings its own.
    """
    if ModelAddress.parse(settings.model).source is Source.HUB:
        return settings.model
    folder = _folder_here(name, settings)
    return model_version(folder.manifest) if folder else ""


def _load_seconds(
    name: str, settings: CloudSettings, cpu: float, model_gib: float | None, longest_start_seconds: float
) -> float:
    """Return the load time: measured, estimated from the size, or assumed if the model is not known.

    longest_start_seconds: the most that is returned; of an unknown model the part that allows for slow loads.
    """
    folder, gpu = _folder_here(name, settings), bool(settings.gpu)
    if folder:
        return min(load_seconds_of(folder.manifest, cpu, gpu), longest_start_seconds)
    if model_gib is None:
        return min(unknown_load_seconds(gpu), longest_start_seconds / LOADS_OF_A_START)
    engine = "onnx" if image_variant(name, settings) is Variant.CPU else "torch"
    return min(estimated_load_seconds(model_gib, engine, cpu, gpu), longest_start_seconds)


def _folder_here(name: str, settings: CloudSettings) -> ModelFolder | None:
    """Return the folder that the settings name, or that the image is built with; None if it is not here."""
    is_here = ModelAddress.parse(settings.model).is_here
    if not is_here or (settings.image and not settings.names_model):
        return None
    return model_folder(name, settings.model, settings.task)


def baked_gib(name: str, settings: CloudSettings) -> float:
    """Return the size of the folder that the image holds, in GiB; 0 if it is not here."""
    folder = _folder_here(name, settings)
    return folder.size_gib if folder else 0


def registry_image_args(
    name: str, settings: CloudSettings, registry: Registry, region: str
) -> InferenceImageArgs:
    """Return the arguments of an image in the stack's own cloud, built there or given."""
    args: InferenceImageArgs = {
        "registry": registry,
        "region": region,
        **image_model_args(name, settings),
        "labels": dict(settings.labels),
        "force_delete": settings.deletion_protection is False,
    }
    if settings.image:
        args["image"] = settings.image
    return args


def image_model_args(name: str, settings: CloudSettings) -> InferenceImageArgs:
    """Return the arguments for the image's model and engine. Raises ArgumentsError if they do not fit."""
    args: InferenceImageArgs = {"model": settings.model, "variant": image_variant(name, settings)}
    if ModelAddress.parse(settings.model).source is Source.HUB:
        args["task"] = settings.task
    args = {**args, **cast("_BuildArgs", settings.args_for(_BuildArgs))}
    if settings.image:
        return args  # it is built already, with whatever is in it
    if isinstance(settings, JobSettings) and _names_buckets(settings):
        args["buckets"] = True
    if clients := _clients(settings):
        args["build_args"] = {**clients, **args.get("build_args", {})}
    return args


def _names_buckets(settings: JobSettings) -> bool:
    """Return whether jobs read or write files of a bucket, which the image needs a client for."""
    places = (*settings.job_files, settings.job_results)
    return bool(settings.jobs) and any(place.startswith(("gs://", "s3://")) for place in places)


def _clients(settings: CloudSettings) -> dict[str, str]:
    """Return the build arguments for traces, sampled payloads and jobs: without them no server starts."""
    env = {name.upper(): value for name, value in settings.env.items()}
    clients: dict[str, str] = {}
    if settings.traces not in ("", OFF) or env.get(ENDPOINT):
        is_googles = settings.traces == CLOUD and settings.target in ("cloud-run", "gke")
        clients["OTLP"] = "google" if is_googles else "1"
    if env.get("PAYLOAD_SHARE", "") not in ("", "0"):
        clients["PAYLOAD"] = "1"
    if isinstance(settings, JobSettings) and settings.jobs:
        clients["JOBS"] = "1"
    return clients


def image_variant(name: str, settings: CloudSettings) -> Variant:
    """Return the software that the image needs: torch with a GPU or for a task that ONNX cannot serve.

    Raises ArgumentsError if the backend, the task, the GPU and the model do not go together.
    """
    served = TASKS[settings.task].files
    backend = settings.backend or ("torch" if settings.gpu or "onnx" not in served else "onnx")
    if backend not in served:
        only = " or ".join(served)
        idle = "" if settings.backend else f", which computes on the CPU: take `gpu` ({settings.gpu}) out"
        allowed = f"allowed is {only!r}{idle}"
        refuse(name, [Fault("backend", repr(backend), allowed, f"with `task` {settings.task!r}")])
    if backend == "onnx" and settings.gpu:
        reason = f"with `gpu` {settings.gpu!r}, which would be idle: ONNX Runtime computes on the CPU here"
        refuse(name, [Fault("backend", "'onnx'", "allowed is 'torch', or no `gpu`", reason)])
    if not settings.image:
        _require_engine(name, settings, backend)
    if backend == "onnx":
        return Variant.CPU
    return Variant.CUDA if settings.gpu else Variant.TORCH_CPU


def _require_engine(name: str, settings: CloudSettings, backend: str) -> None:
    """Raise ArgumentsError if a model that is here is for another engine: the image takes it unchanged."""
    if not ModelAddress.parse(settings.model).is_here:
        return
    engine = model_folder(name, settings.model, settings.task).manifest.get("engine", "onnx")
    if engine == backend:
        return
    key = "backend" if settings.backend else "gpu"
    asked = (
        f"`backend` {backend!r}" if settings.backend else f"`gpu` {settings.gpu!r}, which torch alone uses"
    )
    allowed = f"allowed is a model for {backend!r}, such as hf:<owner>/<name>@<commit>; or leave `{key}` out"
    refuse(name, [Fault("model", repr(settings.model), allowed, f"made for {engine!r}, with {asked}")])


def image_cuda_version(settings: CloudSettings) -> str:
    """Return the CUDA version of the image that is built here; '' without CUDA, and for a given image."""
    is_for_torch = settings.backend != "onnx" and "torch" in TASKS[settings.task].files
    return IMAGE_CUDA if settings.gpu and is_for_torch and not settings.image else ""


def require_known_memory(name: str, settings: CloudSettings, spec: InferenceServiceSpec, target: str) -> None:
    """Raise ArgumentsError if the memory that is set is too small for a model whose manifest is here."""
    if ModelAddress.parse(settings.model).is_here:
        manifest = model_folder(name, settings.model, settings.task).manifest
        require_memory(name, settings.model, need_of(manifest, spec.cpu), spec.memory_gib, spec.cpu, target)


def image_maker(
    name: str, args: InferenceImageArgs, opts: pulumi.ResourceOptions | None = None
) -> Callable[[], InferenceImage]:
    """Check the image and return the function that registers it. Raises ArgumentsError with its faults."""
    checked_image(f"{name}-image", args)
    return lambda: InferenceImage(f"{name}-image", args, opts)


def measured_request_seconds(name: str, settings: CloudSettings, spec: InferenceServiceSpec) -> float | None:
    """Return the seconds per request at full `concurrency`, if `slipway fit --write` measured them."""
    if not ModelAddress.parse(settings.model).is_here:
        return None
    measured = model_folder(name, settings.model, settings.task).manifest.get("measured")
    return spec.concurrency / (measured["texts_per_second"] * spec.cpu) if measured else None
