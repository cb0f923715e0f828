import pytest

from bench.goals import Goal, goals
from bench.results import Results
from tests.bench.made_results import results


def found() -> dict[str, Goal]:
    return {goal.name: goal for goal in goals(results())}


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("short texts, 64 connections / raw limit", 0.95, "met"),
        ("mixed lengths, 64 connections / best default batching peer", 9.5, "met"),
        ("short texts, 64 connections, the best setting of each / best tuned peer", 0.95 / 0.6, "met"),
        ("p50 at one connection / call in-process", 1.25, "met"),
        ("p99 / p50 at 64 connections, short texts", 1.3, "met"),
        ("5 times the limit: accepted / raw limit", 0.92, "met"),
        ("5 times the limit: p99 of the accepted / at full load", 2.5, "**missed**"),
        ("under attack: killed", 0, "met"),
        ("under attack: most memory / recommended limit", 0.97, "**missed**"),
        ("under attack: p99 of /alive, ms", 100, "met"),
        ("memory (PSS) under load, MB", 150, "met"),
    ],
)
def test_a_goal_is_met_or_missed_by_its_number(name: str, value: float, verdict: str):
    assert found()[name].value == pytest.approx(value)
    assert found()[name].verdict == verdict


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert found()["5 times the limit: seconds until latency is back"].verdict == "not measured"
    assert {goal.verdict for goal in goals(Results())} == {"not measured"}


def test_on_a_busy_machine_memory_is_judged_but_no_time_and_no_rate():
    busy = results()
    busy.blocks["peer"].cpus_share = [0.4, 0.5]
    verdicts = {goal.name: goal.verdict for goal in goals(busy)}
    assert verdicts["short texts, 64 connections / raw limit"] == "not judged"
    assert verdicts["p50 at one connection / call in-process"] == "not judged"
    assert verdicts["memory (PSS) under load, MB"] == "met"
    assert verdicts["5 times the limit: accepted / raw limit"] == "met"  # was measured at another time
