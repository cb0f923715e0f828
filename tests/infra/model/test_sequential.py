"""The interval of a difference holds at all looks together, and finds a difference that is there."""

import numpy as np
import pytest

from slipway.infra.model.quality_comparison import ERROR, compared, comparison_json, comparison_lines
from slipway.infra.model.quality_counts import LabelCounts, VersionCounts
from slipway.infra.model.sequential import Proportion, difference

RUNS, REQUESTS, BETWEEN_LOOKS = 1000, 10_000, 100
# Of 1000 runs with an error of 5 %: two standard deviations above 50.
MOST_ALARMS = 64


def looks(seed: int, rates: tuple[float, float], share: float) -> list[tuple[Proportion, Proportion]]:
    """Return what is counted at each look of one run. share: of the requests that the second version gets."""
    chance = np.random.default_rng(seed)
    second = chance.binomial(BETWEEN_LOOKS, share, REQUESTS // BETWEEN_LOOKS)
    totals = (BETWEEN_LOOKS - second, second)
    counts = [chance.binomial(total, rate) for total, rate in zip(totals, rates, strict=True)]
    columns = [each.cumsum().tolist() for pair in zip(counts, totals, strict=True) for each in pair]
    return [(Proportion(a, b), Proportion(c, d)) for a, b, c, d in zip(*columns, strict=True)]


def first_alarm(run: list[tuple[Proportion, Proportion]], error: float = ERROR) -> int | None:
    """Return after how many requests the interval first leaves 0 outside."""
    for number, (first, second) in enumerate(run, start=1):
        found = difference(first, second, error)
        if found is not None and found.is_shown:
            return number * BETWEEN_LOOKS
    return None


@pytest.mark.parametrize(
    ("rate", "share"), [(0.5, 0.5), (0.1, 0.5), (0.02, 0.5), (0.9, 0.1), (0.5, 0.1), (0.02, 0.1), (0.1, 0.02)]
)
def test_without_a_difference_at_most_64_of_1000_runs_raise_an_alarm_looking_every_100_requests(
    rate: float, share: float
) -> None:
    alarms = sum(first_alarm(looks(seed, (rate, rate), share)) is not None for seed in range(RUNS))
    assert alarms <= MOST_ALARMS


@pytest.mark.parametrize(
    ("rates", "share"), [((0.5, 0.55), 0.5), ((0.9, 0.94), 0.5), ((0.02, 0.04), 0.5), ((0.9, 0.85), 0.1)]
)
def test_a_difference_is_found_in_19_of_20_runs_and_with_its_sign(
    rates: tuple[float, float], share: float
) -> None:
    found = 0
    for seed in range(200):
        run = looks(seed, rates, share)
        last = difference(*run[-1], ERROR)
        assert last is not None
        found += first_alarm(run) is not None and (last.value > 0) == (rates[1] > rates[0])
    assert found >= 190


@pytest.mark.parametrize(("rates", "share"), [((0.1, 0.15), 0.5), ((0.02, 0.05), 0.1)])
def test_the_true_difference_is_inside_at_all_looks_in_19_of_20_runs(
    rates: tuple[float, float], share: float
) -> None:
    true, missed = rates[1] - rates[0], 0
    for seed in range(RUNS):
        intervals = [difference(*pair, ERROR) for pair in looks(seed, rates, share)]
        missed += any(not each.low <= true <= each.high for each in intervals if each is not None)
    assert missed <= MOST_ALARMS


def test_without_a_difference_a_whole_comparison_raises_few_alarms() -> None:
    """Failures, accuracy, and share, precision and recall of both labels; a tenth gets its true label."""
    alarms, runs = 0, 300
    for seed in range(runs):
        chance = np.random.default_rng(seed)
        counted = [np.zeros(7, int), np.zeros(7, int)]
        for _ in range(0, REQUESTS, BETWEEN_LOOKS):
            for each in counted:
                half = BETWEEN_LOOKS // 2
                each[0] += chance.binomial(half, 0.01)
                each[1] += half
                each[2] += chance.binomial(half, 0.1)
                each[3:] += chance.multinomial(half // 10, (0.86, 0.04, 0.03, 0.07))
            if any(row.difference and row.difference.is_shown for row in compared(*map(_version, counted))):
                alarms += 1
                break
    assert alarms <= runs * MOST_ALARMS / RUNS


def _version(counted: "np.ndarray[tuple[int], np.dtype[np.int_]]") -> VersionCounts:
    failed, requests, spam, ham_ham, ham_spam, spam_ham, spam_spam = counted.tolist()
    labels = {
        "ham": LabelCounts(requests - spam, ham_ham + ham_spam, ham_ham + spam_ham, ham_ham),
        "spam": LabelCounts(spam, spam_ham + spam_spam, ham_spam + spam_spam, spam_spam),
    }
    judged = ham_ham + ham_spam + spam_ham + spam_spam
    return VersionCounts("m", requests, failed, judged, ham_ham + spam_spam, labels)


def test_an_interval_for_one_look_alone_would_raise_many_more_alarms() -> None:
    """What the wider interval is for: looking again and again at one of 1.96 standard errors."""
    alarms = 0
    for seed in range(200):
        for first, second in looks(seed, (0.1, 0.1), 0.5):
            pair = [each.count / each.total for each in (first, second)]
            error = (
                sum(p * (1 - p) / each.total for p, each in zip(pair, (first, second), strict=True)) ** 0.5
            )
            if abs(pair[1] - pair[0]) > 1.96 * error:
                alarms += 1
                break
    assert alarms > 200 * 0.2


def test_no_difference_is_said_without_observations_and_none_is_shown_of_one_each() -> None:
    assert difference(Proportion(0, 0), Proportion(1, 2), ERROR) is None
    found = difference(Proportion(0, 1), Proportion(1, 1), ERROR)
    assert found is not None
    assert found.value == 1
    assert not found.is_shown


def counts(name: str, spam: int, right: int, failed: int = 10) -> VersionCounts:
    ham = 10_000 - spam
    labels = {"ham": LabelCounts(ham, 500, 500, right - 400), "spam": LabelCounts(spam, 500, 500, 400)}
    return VersionCounts(name, 10_000, failed, 1000, right, labels)


def test_a_comparison_names_what_differs_and_what_does_not() -> None:
    old, new = counts("m-1", 1000, 850), counts("m-2", 1500, 860)
    report = comparison_json(old, new)
    rates = {(each["name"], each["label"]): each for each in report["rates"]}
    assert report["versions"] == ["m-1", "m-2"]
    assert rates["share", "spam"]["difference"]["is_shown"]
    assert rates["share", "spam"]["difference"]["value"] == pytest.approx(0.05)
    assert rates["share", "spam"]["first"] == {"count": 1000, "total": 10_000, "value": 0.1}
    for name, label in (("failed", None), ("accuracy", None), ("precision", "spam"), ("recall", "ham")):
        assert not rates[name, label]["difference"]["is_shown"]
    said = "\n".join(comparison_lines(old, new))
    assert said.startswith("m-2 compared with m-1")
    assert "share spam             10.00% of 10000 -> 15.00% of 10000  +5.00 points, between +" in said
    assert ": higher" in said
    assert "accuracy               85.00% of 1000 -> 86.00% of 1000" in said


def test_the_intervals_of_a_comparison_share_one_error() -> None:
    """With more rates each interval is wider, whichever rates have counts."""
    one = VersionCounts("a", 10_000, 100)
    alone = comparison_json(one, VersionCounts("b", 10_000, 150))["rates"][0]["difference"]
    both = comparison_json(counts("a", 1, 850, 100), counts("b", 1, 850, 150))["rates"][0]["difference"]
    assert both["value"] == alone["value"]
    assert both["low"] < alone["low"] < alone["high"] < both["high"]
