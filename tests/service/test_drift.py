"""Drift is found soon after a shift and, without one, hardly ever: by seeded simulations."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from slipway.service.quality.bins import CONFIDENCE, EDGES, LENGTH, bin_of
from slipway.service.quality.drift import Sum, class_sums, rank_sums, stability_index

REFERENCE, BEFORE, WITHIN = 20_000, 1000, 500
RUNS, FALSE_RUNS = 200, 20
Bins = list[int]


def binned(edges: Sequence[float], values: Any) -> Bins:
    """Return what `bin_of` returns for each value."""
    numpy: Any = np
    return numpy.minimum(numpy.searchsorted(edges, values), len(edges) - 1).tolist()


def predictions(seed: int, count: int, share: float = 0.1, longer: float = 1.0, less: float = 0.0) -> Any:
    """Return the bins of three signals. less: standard deviations by which the model is less confident."""
    chance = np.random.default_rng(seed)
    logits = chance.normal(3 - less * 1.5, 1.5, count)
    return {
        "class": (chance.random(count) < share).astype(int).tolist(),
        "length": binned(LENGTH, np.maximum(1, np.round(np.exp(chance.normal(3, 0.6, count)) * longer))),
        "confidence": binned(CONFIDENCE, 1 / (1 + np.exp(-np.abs(logits)))),
    }


def sums_from(seed: int) -> dict[str, list[Sum]]:
    """Return detectors whose reference is a sample itself."""
    seen = predictions(seed, REFERENCE)
    counts = {"class": 2, "length": len(LENGTH), "confidence": len(CONFIDENCE)}
    counted = {name: np.bincount(seen[name], minlength=bins).tolist() for name, bins in counts.items()}
    return {name: class_sums(each) if name == "class" else rank_sums(each) for name, each in counted.items()}


def alarms(sums: Sequence[Sum], places: Bins) -> int:
    return sum(each.add(place) for place in places for each in sums)


@pytest.mark.parametrize(
    ("signal", "shift"),
    [("class", {"share": 0.2}), ("length", {"longer": 1.3}), ("confidence", {"less": 0.5})],
)
def test_a_shift_is_found_within_500_predictions_in_19_of_20_runs(
    signal: str, shift: dict[str, float]
) -> None:
    """In 95 % of 200 runs: of 20, chance alone would decide."""
    found = 0
    for seed in range(RUNS):
        sums = sums_from(seed)[signal]
        alarms(sums, predictions(10_000 + seed, BEFORE)[signal])
        found += alarms(sums, predictions(20_000 + seed, WITHIN, **shift)[signal]) > 0
    assert found >= RUNS * 19 / 20


def test_without_a_shift_20_runs_of_100_000_predictions_raise_one_alarm_at_most() -> None:
    raised = 0
    for seed in range(FALSE_RUNS):
        sums, seen = sums_from(seed), predictions(10_000 + seed, 100_000)
        raised += sum(alarms(sums[name], seen[name]) for name in seen)
    assert raised <= 1


def test_a_small_count_raises_no_alarm_where_it_gives_a_large_index() -> None:
    """Five predictions of a class of 10 % in a row are nothing, whatever the index says of them."""
    reference = [1800, 200]
    assert stability_index(reference, [0, 5]) > 0.25  # a shift, by the rule of thumb
    assert alarms(class_sums(reference), [1] * 5) == 0


@pytest.mark.parametrize("counts", [[1800, 200], [5, 900, 3, 40], [0, 10]])
def test_under_the_reference_the_ratios_of_a_sum_have_the_mean_1(counts: list[int]) -> None:
    """Then no threshold is passed more often than e^-threshold promises (Ville's inequality)."""
    shares = [(count + 0.5) / (sum(counts) + len(counts) / 2) for count in counts]
    sums = class_sums(counts) + (rank_sums(counts) if sum(count > 0 for count in counts) > 1 else [])
    assert sums
    for each in sums:
        mean = 0.0
        for place, share in enumerate(shares):
            each.level = 5.0
            each.threshold = math.inf
            each.add(place)
            mean += share * math.exp(each.level - 5.0)
        assert mean == pytest.approx(1)


def test_where_the_reference_knows_one_bin_alone_others_raise_the_alarm() -> None:
    sums = rank_sums([5000, 0, 0])
    assert alarms(sums, [0] * 50_000) == 0
    assert alarms(sums, [0, 2] * 50) >= 1


def test_the_index_is_0_for_the_same_shares_and_grows_with_their_difference() -> None:
    same = stability_index([900, 100], [9000, 1000])
    little, more = (stability_index([900, 100], [900 - each, 100 + each]) for each in (50, 200))
    assert same < 0.001 < little < more
    expected = 0.1 * math.log(0.2 / 0.1) - 0.1 * math.log(0.8 / 0.9)
    assert stability_index([9000, 1000], [8000, 2000]) == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", sorted(EDGES))
def test_every_value_has_a_bin(name: str) -> None:
    edges = EDGES[name]
    assert list(edges) == sorted(set(edges))
    assert [bin_of(edges, edge) for edge in edges] == list(range(len(edges)))
    assert bin_of(edges, edges[-1] * 2) == len(edges) - 1
