from hypothesis import given
from hypothesis import strategies as st

from slipway.components.cloud_run.probes import liveness_probe, readiness_probe, startup_probe


def patience(load_seconds: float, fetched: bool = False) -> int:
    probe = startup_probe(load_seconds, 8080, fetched)
    period, threshold = probe.get("period_seconds"), probe.get("failure_threshold")
    assert isinstance(period, int)
    assert isinstance(threshold, int)
    return period * threshold


@given(st.floats(0.001, 240), st.booleans())
def test_a_start_gets_the_time_that_the_model_takes_and_never_more_than_cloud_run_allows(
    load_seconds: float, fetched: bool
) -> None:
    assert load_seconds <= patience(load_seconds, fetched) <= 240


def test_a_quick_model_is_asked_every_second_and_a_slow_one_every_other() -> None:
    periods = [startup_probe(load, 8080, False).get("period_seconds") for load in (0.3, 10, 45, 200)]
    assert periods == [1, 1, 2, 2]


def test_a_model_that_is_fetched_gets_all_the_time_there_is() -> None:
    assert patience(5) == 60
    assert patience(5, fetched=True) == 240


def test_start_and_readiness_wait_for_the_model_but_liveness_only_for_the_process() -> None:
    assert startup_probe(5, 9000, False).get("http_get") == {"path": "/ready", "port": 9000}
    assert readiness_probe(9000).get("http_get") == {"path": "/ready", "port": 9000}
    assert liveness_probe(9000).get("http_get") == {"path": "/alive", "port": 9000}
