"""The alarms of jobs fire and end on the metrics that Cloud Logging makes of the line of each minute."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from slipway.components.google.monitoring.policies import policies_of
from tests.components.google.monitoring.test_alarms import firing, groups_of, named
from tests.components.google.monitoring.watched import ALL
from tests.components.observability.recording import growing, rules_hold

WATCHED = ALL["cloud-run-jobs"]
_BEFORE, _DURING, _AFTER = 60, 60, 60
_LABELS = {"monitored_resource": "cloud_run_worker_pool", "worker_pool_name": "api-workers"}


def minutes(field: str, before: float, during: float, after: float, workers: int = 2) -> dict[str, str]:
    """Return the metric of a field that so many workers write each minute."""
    metric = f"logging_googleapis_com:user_api_jobs_{field}"
    steps = ((_BEFORE, workers * before), (_DURING, workers * during), (_AFTER, workers * after))
    counts = growing(0, (_BEFORE + _DURING + _AFTER, workers))
    return {
        named(f"{metric}_sum", _LABELS): growing(0, *steps),
        named(f"{metric}_count", _LABELS): counts,
    }


INCIDENTS: Mapping[str, dict[str, str]] = {
    "jobs-oldest-page": minutes("oldest_seconds", 5, 20_000, 5),
    "jobs-oldest-ticket": minutes("oldest_seconds", 5, 2000, 5),
    "jobs-set-aside-ticket": minutes("set_aside", 0, 1, 0),
}


def test_every_alarm_of_jobs_has_an_incident() -> None:
    assert INCIDENTS.keys() == {policy.key for policy in policies_of(WATCHED)}


@pytest.mark.parametrize("key", INCIDENTS)
def test_an_alarm_of_jobs_fires_and_ends(key: str, tmp_path: Path) -> None:
    times = (_BEFORE - 1, _BEFORE + 18, _BEFORE + _DURING - 1, _BEFORE + _DURING + 8)
    expected = (False, True, True, False)
    checks = [(f"{time}m", firing(key), fires) for time, fires in zip(times, expected, strict=True)]
    rules_hold(tmp_path, groups_of(WATCHED), INCIDENTS[key], "1m", checks)


def test_no_alarm_of_jobs_fires_while_workers_keep_up(tmp_path: Path) -> None:
    series = {**minutes("oldest_seconds", 1, 600, 3), **minutes("set_aside", 0, 0, 0)}
    checks = [("179m", 'count_over_time(ALERTS{alertstate="firing"}[3h])', False)]
    rules_hold(tmp_path, groups_of(WATCHED), series, "1m", checks)
