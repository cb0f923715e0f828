import numpy as np
import pytest

from slipway.modeltools.training.scores import (
    brier_score,
    calibration_error,
    confusion,
    evaluation,
    rate_intervals,
)

LABELS = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
PREDICTED = [1, 1, 1, 0, 1, 0, 0, 0, 0, 0]


def test_rates_are_those_of_the_confusion_matrix() -> None:
    rates = rate_intervals(LABELS, PREDICTED, groups=list(range(10)), seed=0)

    assert confusion(LABELS, PREDICTED) == {
        "true_positive": 3,
        "false_positive": 1,
        "false_negative": 1,
        "true_negative": 5,
    }
    assert {name: rate["value"] for name, rate in rates.items()} == {
        "accuracy": 0.8,
        "precision": 0.75,
        "recall": 0.75,
        "f1": 0.75,
    }


def test_the_interval_of_an_accuracy_agrees_with_the_normal_approximation() -> None:
    predicted = [1] * 900 + [0] * 100

    accuracy = rate_intervals([1] * 1000, predicted, groups=list(range(1000)), seed=3)["accuracy"]

    margin = 1.96 * (0.9 * 0.1 / 1000) ** 0.5
    assert accuracy["value"] == 0.9
    assert accuracy["low"] == pytest.approx(0.9 - margin, abs=0.002)
    assert accuracy["high"] == pytest.approx(0.9 + margin, abs=0.002)


def test_messages_that_stand_or_fall_together_widen_the_interval() -> None:
    predicted = [1] * 900 + [0] * 100
    groups_of_ten = [row // 10 for row in range(1000)]

    accuracy = rate_intervals([1] * 1000, predicted, groups_of_ten, seed=3)["accuracy"]

    margin = 1.96 * (0.9 * 0.1 / 100) ** 0.5
    assert accuracy["low"] == pytest.approx(0.9 - margin, abs=0.01)


def test_a_perfect_prediction_has_no_interval() -> None:
    rates = rate_intervals(LABELS, LABELS, groups=list(range(10)), seed=0)

    assert rates["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_a_rate_without_cases_is_zero() -> None:
    rates = rate_intervals([0, 0], [0, 0], groups=[0, 1], seed=0)

    assert (rates["precision"]["value"], rates["recall"]["value"], rates["f1"]["value"]) == (0, 0, 0)


def test_the_seed_decides_the_interval() -> None:
    rates = [rate_intervals(LABELS, PREDICTED, list(range(10)), seed) for seed in (5, 5)]

    assert rates[0] == rates[1]


def test_brier_score_and_calibration_error_of_a_known_case() -> None:
    labels, probabilities = [1, 0, 1, 0], np.array([0.95, 0.05, 0.55, 0.55])

    assert brier_score(labels, probabilities) == pytest.approx((0.05**2 * 2 + 0.45**2 + 0.55**2) / 4)
    # Bins: {0.05} off by 0.05, {0.55, 0.55} off by 0.1 in all, {0.95} off by 0.05.
    assert calibration_error(labels, probabilities) == pytest.approx(0.2 / 4)


def test_above_one_half_a_message_is_called_spam() -> None:
    scores = evaluation(np.array([0.51, 0.5, 0.2]), [1, 1, 0], groups=[0, 1, 2], seed=0)

    assert scores["confusion"]["true_positive"] == 1
    assert scores["confusion"]["false_negative"] == 1
