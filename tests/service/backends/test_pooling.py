"""One vector is made of a text's tokens as torch makes it, whatever the batch."""

import numpy as np
import pytest

from slipway.service.backends.pooling import Pooling, pooled, unit_length

HIDDEN = np.array([[[1, 2], [3, 4], [9, 9]], [[5, 5], [7, 7], [1, 1]]], np.float32)
MASK = np.array([[1, 1, 0], [1, 1, 1]], np.int64)


@pytest.mark.parametrize(
    ("pooling", "expected"), [("mean", [[2, 3], [13 / 3, 13 / 3]]), ("cls", [[1, 2], [5, 5]])]
)
def test_padding_has_no_part_in_the_vector(pooling: Pooling, expected: list[list[float]]) -> None:
    assert pooled(HIDDEN, MASK, pooling, normalize=False) == pytest.approx(np.array(expected))


def test_normalised_vectors_have_length_one_and_nothing_stays_nothing() -> None:
    lengths = np.linalg.norm(pooled(HIDDEN, MASK, "mean", normalize=True), axis=1)
    assert lengths == pytest.approx([1, 1])
    assert unit_length(np.zeros((1, 2), np.float32)).tolist() == [[0, 0]]
