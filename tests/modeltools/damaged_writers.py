"""Damages a small model as a bad conversion would. Needs torch."""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch

_MOST = 2**2 - 1
_IN_A_LAYER = re.compile(r"\.\d+\.")


def rounded_to_3_bits(network: Any) -> Any:
    """Return a copy whose weights have 7 values a row."""
    copy = deepcopy(network)
    with torch.no_grad():
        for _, weights in _matrices(copy):
            step = (weights.abs().amax(1, keepdim=True) / _MOST).clamp_min(1e-9)
            weights.copy_((weights / step).round() * step)
    return copy


def without_a_layer(network: Any) -> Any:
    """Return a copy whose last matrix of the last layer is zero."""
    copy = deepcopy(network)
    with torch.no_grad():
        [*_, last] = [weights for name, weights in _matrices(copy) if _IN_A_LAYER.search(name)]
        last.zero_()
    return copy


def _matrices(network: Any) -> Iterator[tuple[str, Any]]:
    for name, weights in network.named_parameters():
        if weights.dim() == 2:
            yield name, weights
