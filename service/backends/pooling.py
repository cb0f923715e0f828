"""Makes one vector of a text's token vectors, where a graph leaves that to its caller."""

from typing import Literal

import numpy as np

from . import Float32s, Int64s

Pooling = Literal["mean", "cls"]


def pooled(hidden: Float32s, mask: Int64s, pooling: Pooling, normalize: bool) -> Float32s:
    """Return one vector per text, [batch, width].

    hidden: [batch, tokens, width]. mask: [batch, tokens], 1 = token, 0 = padding; no row is all 0.
    pooling: the mean of the tokens, or the first token's vector. normalize: to length 1.
    Source: Reimers & Gurevych 2019, section 3.
    """
    vectors = hidden[:, 0] if pooling == "cls" else _mean(hidden, mask)
    return unit_length(vectors) if normalize else vectors


def unit_length(vectors: Float32s) -> Float32s:
    """Scale each vector, [batch, width], to length 1, as torch.nn.functional.normalize does with its eps."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _mean(hidden: Float32s, mask: Int64s) -> Float32s:
    weights = mask[..., None].astype(np.float32)
    return (hidden * weights).sum(axis=1) / weights.sum(axis=1)
