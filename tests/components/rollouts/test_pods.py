import pytest

from slipway.components.rollouts.counts import ServerCounts
from slipway.components.rollouts.pods import Counting, verdicts_of
from slipway.components.rollouts.rollback_rules import read_rule
from slipway.components.rollouts.second import second_pods, share_of

FAILURES = read_rule("http_server_request_duration_seconds failures > 1%")
MEMORY = read_rule("slipway_memory_used_bytes > 90%")


def counts(requests: float = 0, failures: float = 0, memory: float = 0.1) -> ServerCounts:
    gauges = {"slipway_memory_used_bytes": memory * 100, "slipway_memory_limit_bytes": 100}
    return ServerCounts(requests, failures, {}, gauges)


def test_the_requests_of_all_pods_are_judged_together() -> None:
    each = [counts(30, 10), counts(40)]
    [verdict] = verdicts_of([FAILURES], each, [])
    assert verdict.reason.startswith("10 of 70 requests failed")
    [verdict] = verdicts_of([FAILURES], each[:1], [])
    assert (verdict.is_bad, verdict.is_open) == (False, True)


def test_one_pod_that_is_full_is_bad_however_many_are_not() -> None:
    [verdict] = verdicts_of([MEMORY], [counts(), counts(memory=0.95), counts()], [])
    assert verdict.is_bad


def test_a_version_without_an_answer_is_undecided() -> None:
    [verdict] = verdicts_of([FAILURES, MEMORY], [], [counts(1000)])
    assert (verdict.is_open, verdict.reason) == (True, "its metrics page does not answer")


def test_what_was_counted_before_and_by_pods_that_are_gone_counts_as_it_was() -> None:
    counting = Counting({"a": counts(100)})
    counting.see({"a": counts(130), "b": counts(20)})
    counting.see({"b": counts(25)})
    assert sum(each.requests for each in counting.each()) == 30 + 25


@pytest.mark.parametrize(
    ("percent", "stable", "pods"),
    [(10, 9, 1), (10, 20, 2), (33, 2, 1), (50, 3, 3), (None, 2, 1), (None, 18, 2), (90, 4, 4)],
)
def test_a_canary_has_the_pods_that_come_nearest_to_its_share(
    percent: float | None, stable: int, pods: int
) -> None:
    assert second_pods("canary", percent, stable) == pods


def test_the_share_is_that_of_pods_behind_one_service() -> None:
    assert share_of(9, 1) == 10
    assert [second_pods(kind, None, 4) for kind in ("blue-green", "rolling", "")] == [4, 0, 0]
