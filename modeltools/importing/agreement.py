"""Checks whether the converted model, run as the server runs it, answers like the original in torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray

from slipway.service.backends import Float32s
from slipway.service.backends.onnx import OnnxBackend
from slipway.service.faults import BadModel

from .embedder import Embedder
from .heads import Reader
from .loading import Loaded, Served, served
from .texts import texts

Float64s = NDArray[np.float64]

TOLERANCE = {"fp32": 1e-4, "int8": 0.1}
"""The most that a probability may move. int8 moves the undecided ones by some hundredths; more is damage."""
LEAST_COSINE = {"fp32": 0.9999, "int8": 0.95}
"""Of an embedding to the original's, on each text. int8 keeps 0.99 on average; 0.93 was unusable."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How closely a converted classifier agrees with the original."""

    texts: int
    max_proba_difference: float
    labels_changed: int

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "texts_compared": self.texts,
            "max_proba_difference": round(self.max_proba_difference, 6),
        }

    def fault(self, precision: str) -> str | None:
        tolerance = TOLERANCE[precision]
        if not self.labels_changed and self.max_proba_difference <= tolerance:
            return None
        return (
            f"the label changes on {self.labels_changed} of {self.texts} texts, and a probability moves by "
            f"{self.max_proba_difference:.4f}; allowed are none and {tolerance:g}."
        )


@dataclass(frozen=True, slots=True)
class Likeness:
    """How closely a converted embedding model agrees with the original."""

    texts: int
    min_cosine: float
    mean_cosine: float

    @property
    def facts(self) -> dict[str, Any]:
        return {
            "texts_compared": self.texts,
            "min_cosine": round(self.min_cosine, 6),
            "mean_cosine": round(self.mean_cosine, 6),
        }

    def fault(self, precision: str) -> str | None:
        least = LEAST_COSINE[precision]
        if self.min_cosine >= least:
            return None
        return (
            f"the cosine to the original's vector falls to {self.min_cosine:.4f}; at least {least:g} is "
            "allowed."
        )


def agreement(model: Loaded, head: Reader, converted: Path, tokenizer: Path) -> Agreement | Likeness:
    """Compare the models on the fixed texts, one by one. Raises BadModel if the tokenizers disagree."""
    network = served(model.network, head)
    backend = OnnxBackend(converted, network.output)
    encoded = _encoded(model, tokenizer)
    ours = [backend.run(ids, np.ones_like(ids))[0] for ids in encoded]
    theirs = [_original(model, network, text) for text in texts(model.max_tokens)]
    if isinstance(head, Embedder):
        return _likeness(ours, theirs)
    return _agreement(list(map(_probabilities, ours)), list(map(_probabilities, theirs)))


def require_agreement(place: str, found: Agreement | Likeness, precision: str) -> None:
    """Raise BadModel if an answer changed, or moved too far."""
    fault = found.fault(precision)
    if fault is None:
        return
    advice = "Take --precision fp32." if precision == "int8" else "This architecture cannot be converted."
    raise BadModel(
        f"{place}: in {precision} the converted model does not answer as the original: {fault} {advice}"
    )


def _agreement(ours: Sequence[Float64s], theirs: Sequence[Float64s]) -> Agreement:
    moved = max(float(np.abs(one - other).max()) for one, other in zip(ours, theirs, strict=True))
    changed = sum(int(one.argmax() != other.argmax()) for one, other in zip(ours, theirs, strict=True))
    return Agreement(len(ours), moved, changed)


def _likeness(ours: Sequence[Float32s], theirs: Sequence[Float32s]) -> Likeness:
    cosines = [
        float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
        for one, other in zip(ours, theirs, strict=True)
    ]
    return Likeness(len(cosines), min(cosines), sum(cosines) / len(cosines))


def _encoded(model: Loaded, path: Path) -> list[NDArray[np.int64]]:
    """Return the token ids of each text, [1, tokens], from tokenizer.json alone."""
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    tokenizer.encode_special_tokens = True
    tokenizer.enable_truncation(model.max_tokens)
    compared = texts(model.max_tokens)
    rows = [tokenizer.encode(text).ids for text in compared]
    for text, row in zip(compared, rows, strict=True):
        if row != _original_ids(model, text):
            raise BadModel(f"tokenizer.json gives other tokens than transformers for {text[:60]!r}.")
    return [np.array([row], np.int64) for row in rows]


def _original_ids(model: Loaded, text: str) -> Sequence[int]:
    return model.tokenizer(text, truncation=True, max_length=model.max_tokens)["input_ids"]


def _original(model: Loaded, network: Served, text: str) -> Float32s:
    """Return the answer of the model in torch, called as transformers' own pipeline calls it."""
    inputs = model.tokenizer(text, truncation=True, max_length=model.max_tokens, return_tensors="pt")
    with torch.no_grad():
        return network.read(model.network(**inputs), inputs["attention_mask"])[0].numpy()


def _probabilities(logits: Float32s) -> Float64s:
    exponents = np.exp(logits.astype(np.float64) - logits.max())
    return exponents / exponents.sum()
