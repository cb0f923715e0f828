"""Computes an ONNX model's answers to messages, and checks that they do not depend on the batch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray

from .export import ExportError
from .network import SpamClassifier, logits_of
from .scores import Floats

FP32_TOLERANCE = 1e-4
INT8_TOLERANCE = 0.05
"""Wide, because the int8 model scales the activations of a whole batch by their largest."""


def spam_probabilities(model: Path, tokens: Sequence[Sequence[int]], batch_size: int = 1) -> Floats:
    """Return [messages], in the order given. Single messages by default, as the server runs them."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    logits = [
        session.run(["logits"], _inputs(tokens[start : start + batch_size]))[0]
        for start in range(0, len(tokens), batch_size)
    ]
    return _of_spam(np.concatenate(logits))


def require_same_answers(
    network: SpamClassifier, fp32: Path, int8: Path, tokens: Sequence[Sequence[int]]
) -> None:
    """Raise ExportError if an answer changes by the export, or by the other messages in its batch."""
    single = spam_probabilities(fp32, tokens)
    with torch.no_grad():
        trained = _of_spam(np.concatenate([logits_of(network, [ids]).numpy() for ids in tokens]))
    _require_close("fp32 is not what was trained", single, trained, FP32_TOLERANCE)
    in_batches = spam_probabilities(fp32, tokens, batch_size=8)
    _require_close("fp32 depends on the batch", single, in_batches, FP32_TOLERANCE)
    in_batches = spam_probabilities(int8, tokens, batch_size=8)
    _require_close("int8 depends on the batch", spam_probabilities(int8, tokens), in_batches, INT8_TOLERANCE)


def _require_close(fault: str, one: Floats, other: Floats, tolerance: float) -> None:
    moved = float(np.abs(one - other).max())
    if moved > tolerance:
        raise ExportError(f"{fault}: a spam probability moves by {moved:.5f}; allowed is {tolerance}")


def _of_spam(logits: NDArray[np.float32]) -> Floats:
    """Convert [messages, 2] logits to [messages] probabilities of spam."""
    ham, spam = logits.astype(np.float64).T
    return 1 / (1 + np.exp(ham - spam))


def _inputs(tokens: Sequence[Sequence[int]]) -> dict[str, NDArray[np.int64]]:
    longest = max(len(ids) for ids in tokens)
    input_ids = np.zeros((len(tokens), longest), np.int64)
    attention_mask = np.zeros_like(input_ids)
    for row, ids in enumerate(tokens):
        input_ids[row, : len(ids)] = ids
        attention_mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": attention_mask}
