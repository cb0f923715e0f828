"""Scores of a spam classifier, with intervals. Spam is the positive class; every score is between 0 and 1."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATES = ("accuracy", "precision", "recall", "f1")
RESAMPLES = 10_000
CALIBRATION_BINS = 10


class Interval(TypedDict):
    """A score and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


class Confusion(TypedDict):
    """How many messages of each kind, spam or ham, were classified as each."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


class Evaluation(TypedDict):
    """Scores of one model on one part of the data."""

    rates: dict[str, Interval]
    confusion: Confusion
    brier_score: float
    calibration_error: float


def evaluation(probabilities: Floats, labels: Sequence[int], groups: Sequence[int], seed: int) -> Evaluation:
    """Score a model. probabilities: of spam; above one half a message counts as spam."""
    predicted = (probabilities > 0.5).astype(int).tolist()
    return Evaluation(
        rates=rate_intervals(labels, predicted, groups, seed),
        confusion=confusion(labels, predicted),
        brier_score=brier_score(labels, probabilities),
        calibration_error=calibration_error(labels, probabilities),
    )


def confusion(labels: Sequence[int], predicted: Sequence[int]) -> Confusion:
    """Count the outcomes. labels, predicted: 1 for spam, 0 for ham, in the same order."""
    tp, fp, fn, tn = _outcomes(np.asarray(labels), np.asarray(predicted)).sum(axis=0)
    return Confusion(
        true_positive=int(tp), false_positive=int(fp), false_negative=int(fn), true_negative=int(tn)
    )


def rate_intervals(
    labels: Sequence[int], predicted: Sequence[int], groups: Sequence[int], seed: int
) -> dict[str, Interval]:
    """Return accuracy, precision, recall and F1, each with its bootstrap interval.

    Percentile intervals, drawn over whole groups. Near-duplicates are right or wrong together, so drawing
    single messages would make the intervals too narrow.
    """
    outcomes = _outcomes(np.asarray(labels), np.asarray(predicted))
    names, group_rows = np.unique(np.asarray(groups), return_inverse=True)
    by_group = np.zeros((len(names), 4))
    np.add.at(by_group, group_rows, outcomes)
    even = np.full(len(names), 1 / len(names))
    draws = np.random.default_rng(seed).multinomial(len(names), even, size=RESAMPLES)
    values = _rates(outcomes.sum(axis=0, keepdims=True))[0]
    low, high = np.quantile(_rates(draws @ by_group), [0.025, 0.975], axis=0)
    return {
        name: Interval(value=_rounded(values[i]), low=_rounded(low[i]), high=_rounded(high[i]))
        for i, name in enumerate(RATES)
    }


def brier_score(labels: Sequence[int], spam_probabilities: Floats) -> float:
    """Return the mean squared distance of the spam probability from the label; 0 is perfect."""
    return _rounded(np.mean((spam_probabilities - np.asarray(labels)) ** 2))


def calibration_error(labels: Sequence[int], spam_probabilities: Floats) -> float:
    """Return the expected calibration error.

    |mean probability - share of spam| over ten equal bins, weighted by their size.
    """
    bins = np.minimum((spam_probabilities * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    gap = np.bincount(bins, weights=spam_probabilities - np.asarray(labels), minlength=CALIBRATION_BINS)
    return _rounded(np.abs(gap).sum() / len(labels))


def _outcomes(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> Floats:
    """Return the outcomes, [messages, 4], with one 1 per row.

    Columns: true positive, false positive, false negative, true negative.
    """
    pairs = ((1, 1), (0, 1), (1, 0), (0, 0))
    return np.stack([(labels == label) & (predicted == call) for label, call in pairs], axis=1).astype(float)


def _rates(counts: Floats) -> Floats:
    """Convert [n, 4] outcomes to [n, 4] rates in the order of `RATES`; 0 where a rate has no cases."""
    tp, fp, fn, tn = counts.T
    parts = ((tp + tn, tp + fp + fn + tn), (tp, tp + fp), (tp, tp + fn), (2 * tp, 2 * tp + fp + fn))
    return np.stack([over / np.maximum(under, 1) for over, under in parts], axis=1)


def _rounded(value: float) -> float:
    return round(float(value), 6)
