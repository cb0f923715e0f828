import math

import pytest

from slipway.components.rollouts.counts import DURATION, ServerCounts
from slipway.components.rollouts.rollback_rules import DEFAULT_RULES, read_rule


def counts(requests: float, failures: float = 0, fast: float = 0, slow: float = 0) -> ServerCounts:
    """Return counts with answers of 1 to 2.5 ms (fast) and of 0.5 to 1 s (slow)."""
    total = fast + slow
    bounds = {0.001: 0, 0.0025: fast, 0.5: fast, 1.0: total, math.inf: total}
    return ServerCounts(
        requests, failures, {DURATION: {bound: float(count) for bound, count in bounds.items()}}
    )


@pytest.mark.parametrize("text", DEFAULT_RULES)
def test_the_default_rules_are_rules(text: str) -> None:
    assert read_rule(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latency > 3x",
        f"{DURATION} > 1",
        f"{DURATION} p99 > 1%",
        f"{DURATION} p0 > 1",
        f"{DURATION} failures > 0.01",
        "slipway_memory_used_bytes > 3x",
        "slipway_drift > 10%",
        "slipway_memory_used_bytes failures > 1%",
        f"{DURATION} p99 >= 3x",
    ],
)
def test_a_rule_that_says_nothing_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"failures > 1%"):
        read_rule(text)


@pytest.mark.parametrize(
    ("requests", "failures", "is_bad"),
    [(1000, 0, False), (1000, 10, False), (1000, 19, False), (1000, 20, True), (50, 1, False), (50, 4, True)],
)
def test_failures_count_beyond_chance_alone(requests: int, failures: int, is_bad: bool) -> None:
    verdict = read_rule(f"{DURATION} failures > 1%").judge(counts(requests, failures), ServerCounts())
    assert (verdict.is_bad, verdict.is_open) == (is_bad, False)


def test_too_few_requests_leave_it_open_and_say_how_many_are_needed() -> None:
    verdict = read_rule(f"{DURATION} failures > 1%").judge(counts(49, 0), ServerCounts())
    assert (verdict.is_bad, verdict.is_open) == (False, True)
    assert "answered 49 requests" in verdict.reason
    assert "needs 50" in verdict.reason
    of_quantile = read_rule(f"{DURATION} p99 > 3x").judge(counts(199, fast=199), counts(500, fast=500))
    assert of_quantile.is_open
    of_old = read_rule(f"{DURATION} p99 > 3x").judge(counts(500, fast=500), counts(100, fast=100))
    assert "the old version answered 100" in of_old.reason


def test_a_version_is_slow_if_more_than_a_quantile_of_its_answers_exceed_the_limit() -> None:
    rule, old = read_rule(f"{DURATION} p99 > 3x"), counts(1000, fast=1000)
    assert rule.judge(counts(1000, fast=1000), old).reason == ""
    assert not rule.judge(counts(1000, fast=985, slow=15), old).is_bad  # within chance of 1 %
    slow = rule.judge(counts(1000, fast=900, slow=100), old)
    assert slow.is_bad
    assert "100 of 1000 answers took longer than 7.5 ms" in slow.reason


def test_a_gauge_is_held_against_its_own_limit() -> None:
    rule = read_rule("slipway_memory_used_bytes > 90%")
    limit = {"slipway_memory_limit_bytes": 1000.0}
    assert not rule.judge(
        ServerCounts(gauges={**limit, "slipway_memory_used_bytes": 900.0}), ServerCounts()
    ).is_bad
    assert rule.judge(
        ServerCounts(gauges={**limit, "slipway_memory_used_bytes": 901.0}), ServerCounts()
    ).is_bad
    assert not rule.judge(ServerCounts(), ServerCounts()).is_bad


def test_what_was_counted_before_does_not_count() -> None:
    window = counts(150, 5, fast=140).since(counts(100, 5, fast=100))
    assert (window.requests, window.failures) == (50, 0)
    assert window.buckets[DURATION][math.inf] == 40
