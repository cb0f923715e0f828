from typing import Any

import pytest

from slipway.components.fargate.rules import checked_spec
from slipway.components.fargate.scaling import capacity_of, requests_per_minute
from tests.contract.fargate_cases import PLAIN


def strategy(**args: Any) -> list[tuple[Any, Any, Any]]:
    made = capacity_of(checked_spec("api", {**PLAIN, **args}))
    return [(item.get("capacity_provider"), item.get("base"), item.get("weight")) for item in made]


def target(**args: Any) -> int | None:
    return requests_per_minute(checked_spec("api", {**PLAIN, **args}))


def test_without_a_spot_share_there_is_no_spot() -> None:
    assert strategy() == [("FARGATE", 1, 100)]


def test_the_base_is_never_on_spot_and_the_rest_is_shared() -> None:
    assert strategy(spot_percent=70, on_demand_base=2) == [("FARGATE", 2, 30), ("FARGATE_SPOT", 0, 70)]
    assert strategy(spot_percent=100) == [("FARGATE", 1, 0), ("FARGATE_SPOT", 0, 100)]
    assert strategy(spot_percent=100, on_demand_base=0) == [("FARGATE_SPOT", 0, 100)]


@pytest.mark.parametrize(
    ("concurrency", "seconds", "per_minute"), [(8, 1, 336), (16, 0.05, 13440), (1, 3600, 1), (1, 60, 1)]
)
def test_tasks_are_added_at_seven_tenths_of_what_they_can_answer(
    concurrency: int, seconds: float, per_minute: int
) -> None:
    assert target(concurrency=concurrency, request_seconds=seconds) == per_minute


@pytest.mark.parametrize(("rate", "per_minute"), [(5, 300), (0.5, 30), (0.02, 1), (12.345, 740)])
def test_a_rate_that_is_given_is_the_target(rate: float, per_minute: int) -> None:
    assert target(requests_per_replica=rate) == per_minute


def test_without_a_measure_no_number_of_requests_is_made_up() -> None:
    assert target() is None
