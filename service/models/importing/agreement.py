"""Whether the converted model, run as the server runs it, answers as the original in torch does."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray

from service.backends.onnx import OnnxBackend
from service.faults import BadModel
from service.models.importing.loading import Loaded
from service.models.importing.texts import texts

TOLERANCE = {"fp32": 1e-4, "int8": 0.1}
"""The most that a probability may move. int8 moves the undecided ones by some hundredths; more is damage."""


@dataclass(frozen=True, slots=True)
class Agreement:
    texts: int
    max_proba_difference: float
    labels_changed: int


def agreement(model: Loaded, converted: Path, tokenizer: Path) -> Agreement:
    """Compare on the fixed texts, one by one. Raises BadModel where the tokenizers disagree."""
    backend = OnnxBackend(converted)
    encoded = _encoded(model, tokenizer)
    ours = [_probabilities(backend.run(ids, np.ones_like(ids))[0]) for ids in encoded]
    theirs = [_original(model, text) for text in texts(model.max_tokens)]
    moved = max(float(np.abs(one - other).max()) for one, other in zip(ours, theirs, strict=True))
    changed = sum(int(one.argmax() != other.argmax()) for one, other in zip(ours, theirs, strict=True))
    return Agreement(len(encoded), moved, changed)


def require_agreement(place: str, found: Agreement, precision: str) -> None:
    """Raises BadModel where an answer changed, or a probability moved too far."""
    tolerance = TOLERANCE[precision]
    if not found.labels_changed and found.max_proba_difference <= tolerance:
        return
    advice = "Take --precision fp32." if precision == "int8" else "This architecture cannot be converted."
    raise BadModel(
        f"{place}: in {precision} the converted model does not answer as the original: the label "
        f"changes on {found.labels_changed} of {found.texts} texts, and a probability moves by "
        f"{found.max_proba_difference:.4f}; allowed are none and {tolerance:g}. {advice}"
    )


def _encoded(model: Loaded, path: Path) -> list[NDArray[np.int64]]:
    """The token ids of each text, [1, tokens], from tokenizer.json alone."""
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


def _original(model: Loaded, text: str) -> NDArray[np.float64]:
    """Its probabilities as transformers' own pipeline computes them, [labels]."""
    inputs = model.tokenizer(text, truncation=True, max_length=model.max_tokens, return_tensors="pt")
    with torch.no_grad():
        return _probabilities(model.network(**inputs).logits[0].numpy())


def _probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    exponents = np.exp(logits.astype(np.float64) - logits.max())
    return exponents / exponents.sum()
