"""Chooses the engine of a stack's model, and the image that has it, by settings, task, hardware and model."""

from slipway.components.fault import Fault, refuse
from slipway.components.gpu_drivers import IMAGE_CUDA
from slipway.components.image import Variant
from slipway.components.model import model_folder
from slipway.components.model_address import ModelAddress
from slipway.components.tasks import TASKS
from slipway.stacks.settings.common import CloudSettings

ONNX, CTRANSLATE2, TORCH = "onnx", "ctranslate2", "torch"
_NAMES = {ONNX: "ONNX Runtime", CTRANSLATE2: "CTranslate2"}


def engine_of(name: str, settings: CloudSettings) -> str:
    """Return the engine: as `backend` says, torch with a GPU, or the model's own or the task's on a CPU.

    Raises ArgumentsError if the backend, the task, the GPU and the model do not go together.
    """
    served = TASKS[settings.task].files
    engine = settings.backend or (TORCH if settings.gpu else _on_cpu(name, settings))
    if engine not in served:
        only = " or ".join(map(repr, served))
        idle = "" if settings.backend else f", which computes on the CPU: take `gpu` ({settings.gpu}) out"
        refuse(
            name,
            [Fault("backend", repr(engine), f"allowed is {only}{idle}", f"with `task` {settings.task!r}")],
        )
    if engine in _NAMES and settings.gpu:
        reason = (
            f"with `gpu` {settings.gpu!r}, which would be idle: {_NAMES[engine]} computes on the CPU here"
        )
        refuse(name, [Fault("backend", repr(engine), "allowed is 'torch', or no `gpu`", reason)])
    if not settings.image:
        _require_engine(name, settings, engine)
    return engine


def image_variant(name: str, settings: CloudSettings) -> Variant:
    """Return the software that the image needs. Raises ArgumentsError, as `engine_of` does."""
    if engine_of(name, settings) in _NAMES:
        return Variant.CPU
    return Variant.CUDA if settings.gpu else Variant.TORCH_CPU


def image_cuda_version(settings: CloudSettings) -> str:
    """Return the CUDA version of the image that is built here; '' without CUDA, and for a given image."""
    is_for_torch = settings.backend in ("", TORCH) and TORCH in TASKS[settings.task].files
    return IMAGE_CUDA if settings.gpu and is_for_torch and not settings.image else ""


def _on_cpu(name: str, settings: CloudSettings) -> str:
    """Return the engine that the model's folder is made for; of a model that is not here, the task's."""
    if ModelAddress.parse(settings.model).is_here and not settings.image:
        return str(model_folder(name, settings.model, settings.task).manifest.get("engine", ONNX))
    return ONNX if ONNX in TASKS[settings.task].files else CTRANSLATE2


def _require_engine(name: str, settings: CloudSettings, backend: str) -> None:
    """Raise ArgumentsError if a model that is here is for another engine: the image takes it unchanged."""
    if not ModelAddress.parse(settings.model).is_here:
        return
    engine = model_folder(name, settings.model, settings.task).manifest.get("engine", ONNX)
    if engine == backend:
        return
    key = "backend" if settings.backend else "gpu"
    asked = (
        f"`backend` {backend!r}" if settings.backend else f"`gpu` {settings.gpu!r}, which torch alone uses"
    )
    allowed = f"allowed is a model for {backend!r}, such as hf:<owner>/<name>@<commit>; or leave `{key}` out"
    refuse(name, [Fault("model", repr(settings.model), allowed, f"made for {engine!r}, with {asked}")])
