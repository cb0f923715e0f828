"""Measures how close the answers of two models are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.service.backends import Float32s
from slipway.service.faults import BadModel
from slipway.service.tasks.classify import ClassifyManifest

from .examples import Example
from .models import Model

Float64s = NDArray[np.float64]


def figures(model: Model, reference: Model, compared: Sequence[Example]) -> dict[str, Any]:
    """Return the figures by name, as they are printed.

    Raises BadModel if the outputs have different widths.
    """
    ours, theirs = (_outputs(each, compared) for each in (model, reference))
    if ours.shape != theirs.shape:
        raise BadModel(
            f"{model.name} gives {ours.shape[1]} numbers a text, {reference.name} {theirs.shape[1]}: these "
            "are not two forms of one model."
        )
    found = {"task": model.manifest.task, "texts": len(compared)}
    if isinstance(model.manifest, ClassifyManifest):
        return found | _of_labels(
            ours, theirs, [example.label for example in compared], model.manifest.labels
        )
    return found | _of_vectors(ours, theirs)


def _outputs(model: Model, compared: Sequence[Example]) -> Float32s:
    return np.stack([model.output(example.text) for example in compared])


def _of_labels(
    ours: Float32s, theirs: Float32s, given: Sequence[str | None], labels: Sequence[str]
) -> dict[str, Any]:
    moved = np.abs(_probabilities(ours) - _probabilities(theirs)).max(axis=1)
    found = {
        "same_label": _share(ours.argmax(1) == theirs.argmax(1)),
        "max_proba_difference": round(float(moved.max()), 6),
        "mean_proba_difference": round(float(moved.mean()), 6),
        "accuracy": None,
        "reference_accuracy": None,
    }
    if given[0] is not None:
        right = np.array([list(labels).index(str(label)) for label in given])
        found["accuracy"] = _share(ours.argmax(1) == right)
        found["reference_accuracy"] = _share(theirs.argmax(1) == right)
    return found


def _of_vectors(ours: Float32s, theirs: Float32s) -> dict[str, Any]:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines = (ours * theirs).sum(axis=1) / lengths
    return {"mean_cosine": round(float(cosines.mean()), 6), "min_cosine": round(float(cosines.min()), 6)}


def _probabilities(logits: Float32s) -> Float64s:
    exponents = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    return exponents / exponents.sum(axis=1, keepdims=True)


def _share(right: NDArray[np.bool_]) -> float:
    return round(float(right.mean()), 6)
