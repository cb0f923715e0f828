"""The engine of the image that computes its model: ONNX Runtime, CTranslate2 or torch."""

from ..model_address import Source
from ..tasks import TASKS
from .args import Variant
from .baked_model import BakedModel
from .spec import ImageSpec

ONNX, CTRANSLATE2, TORCH = "onnx", "ctranslate2", "torch"


def engine_of(spec: ImageSpec, model: BakedModel | None) -> str:
    """Return the engine that the image is built for.

    model: what is built in; None for one of the Hub. The model of a bucket is not known here.
    """
    if spec.ctranslate2 is not None:
        return CTRANSLATE2 if spec.ctranslate2 else _without(spec)
    if model and spec.address.is_here:
        return str(model.manifest.get("engine", ONNX))
    if spec.address.source is Source.HUB and spec.variant is Variant.CPU and writes_text(spec.task):
        return CTRANSLATE2
    return _without(spec)


def writes_text(task: str) -> bool:
    """Return whether CTranslate2 serves the task."""
    return task in TASKS and CTRANSLATE2 in TASKS[task].files


def _without(spec: ImageSpec) -> str:
    return ONNX if spec.variant is Variant.CPU else TORCH
