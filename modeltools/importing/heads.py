"""What a model is for, and what serves it: as its architecture implies, or as the caller says."""

from collections.abc import Mapping
from typing import Any

from slipway.service.faults import BadModel
from slipway.service.manifest import Engine

from .config import KIND, Classifier, architectures
from .embedder import MODULES, Embedder
from .writer import Writer, writes

TASKS = ("classify", "embed", "summarize", "generate")
Reader = Classifier | Embedder
"""It reads a text, and answers with numbers."""
Head = Reader | Writer


def head_of(
    place: str, described: Mapping[str, Any], pooling: str | None = None, task: str | None = None
) -> Head:
    """Return what the model does. Raises BadModel if Slipway does not serve it, or it is for another task.

    described: the contents of the small files, by name. pooling, task: the caller's, None to find out.
    """
    head = _found(place, described, pooling, task)
    if task is not None and head.task != task:
        raise BadModel(
            f"{place}: --task: got {task!r}; allowed: {head.task!r}, as config.json says the architecture is "
            f"{head.architecture}."
        )
    return head


def engine_of(place: str, head: Head, engine: Engine | None = None) -> Engine:
    """Return the engine to serve it: as requested, else the one that is fastest on a CPU.

    That is CTranslate2 for a model that writes text, torch where that one does not take it, and ONNX Runtime
    for every other model.
    """
    if not isinstance(head, Writer):
        if engine == "ctranslate2":
            raise BadModel(
                f"{place}: --engine: got 'ctranslate2', which serves models that write text; allowed for the "
                f"task {head.task}: 'onnx' or 'torch'."
            )
        return engine or "onnx"
    if engine == "onnx":
        raise BadModel(
            f"{place}: --engine: got 'onnx'; allowed for the task {head.task}: 'ctranslate2' or 'torch'."
        )
    if engine == "ctranslate2" and head.refusal:
        raise BadModel(
            f"{place}: --engine: got 'ctranslate2', which does not take {head.architecture}: {head.refusal}. "
            "Allowed: 'torch', which serves it; leave --engine out."
        )
    return engine or ("torch" if head.refusal else "ctranslate2")


def _found(place: str, described: Mapping[str, Any], pooling: str | None, task: str | None) -> Head:
    config: Mapping[str, Any] = described["config.json"]
    if any(name.endswith(KIND) for name in architectures(config)):
        return Classifier.of(place, config, described.get("tokenizer_config.json", {}))
    # Some models that embed are decoders by their architecture.
    if task not in ("summarize", "generate") and (pooling is not None or MODULES in described):
        return Embedder.of(place, described, pooling)
    if writes(config):
        return Writer.of(place, described)
    return Classifier.of(place, config, described.get("tokenizer_config.json", {}))
