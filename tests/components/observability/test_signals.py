"""The described signals read metrics that the server has, and no threshold or objective is impossible."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from slipway.components.fault import Fault
from slipway.components.observability.objective import BUCKET_SECONDS
from slipway.components.observability.signal import PROBES, Alarm, BurnAlarm
from slipway.components.observability.signals import BURNS, BY_KEY, OBJECTIVE, SIGNALS, TUNABLE
from slipway.components.observability.watch import AlarmThresholds, ServiceObjective, Watch, watch_faults
from slipway.components.tasks import TASKS
from slipway.service.metrics.durations import SECONDS
from slipway.service.metrics.live import FULL, UNCOUNTED_ROUTES

ROOT = Path(__file__).resolve().parents[3]
# prometheus_client has them of each process, and Prometheus of each of its targets.
OF_OTHERS = {"process_cpu_seconds_total", "process_start_time_seconds", "up"}


def faults(
    objective: ServiceObjective | None = None, thresholds: Mapping[str, AlarmThresholds] | None = None
) -> list[str]:
    return [str(fault) for fault in watch_faults("classify", objective or {}, thresholds or {})]


def test_every_signal_reads_metrics_that_the_server_has() -> None:
    folders = (ROOT / "service/metrics", ROOT / "service/jobs")
    sources = "".join(path.read_text() for folder in folders for path in folder.glob("*.py"))
    for signal in SIGNALS:
        for series in signal.series:
            names = set(re.findall(r"([a-z][a-z_]+)\{", series.promql("$", "5m", 1))) - OF_OTHERS
            assert names or signal.key in ("cpu", "instances", "restarts", "gpu", "gpu-memory", "workers")
            for name in names:
                base = re.sub(r"_(bucket|count|sum|total|info)$", "", name)
                assert f'"{base}"' in sources or f'"{name}"' in sources, f"{signal.key}: {name}"


def test_probes_and_buckets_are_the_servers() -> None:
    assert set(PROBES) == UNCOUNTED_ROUTES
    assert BUCKET_SECONDS == SECONDS
    assert all(cause in BY_KEY["availability"].series[0].expression for cause in FULL)


def test_keys_titles_and_alarms_are_unique_and_every_signal_says_why_it_may_have_no_data() -> None:
    assert len(BY_KEY) == len(SIGNALS) == len({signal.title for signal in SIGNALS})
    alarms = [signal.alarm.name for signal in SIGNALS if signal.alarm]
    assert len(set(alarms)) == len(alarms) > 8
    assert all(signal.absent.endswith(".") for signal in SIGNALS)


def test_burn_rates_are_those_of_the_site_reliability_workbook() -> None:
    assert [round(burn.rate(30), 6) for burn in BURNS] == [14.4, 6, 3, 1]
    assert all(burn.long_minutes == 12 * burn.short_minutes for burn in BURNS)


def test_the_described_defaults_have_no_fault_for_any_task() -> None:
    assert [list(watch_faults(task, {}, {})) for task in TASKS] == [[] for _ in TASKS]
    assert Watch.of("generate", {}, {}).objective.slow_seconds > OBJECTIVE.slow_seconds
    assert all(isinstance(signal.alarm, Alarm | BurnAlarm | None) for signal in SIGNALS)


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        ({"availability": 100}, "is 100, which leaves no failure that could be counted; it must be"),
        ({"availability": 99.999}, "it must be 99.99 % or less; nearest: 99.99"),
        ({"latency": 93}, "of which a total failure would not raise the fastest alarm"),
        ({"latency": float("nan")}, "it must be 94 % or more"),
        ({"seconds": 0.3}, "objective.seconds is 0.3; the server counts at 0.001, .*nearest: 0.25"),
        ({"days": 7}, "objective.days is 7; allowed are 28, 30 days; nearest: 28"),
    ],
)
def test_an_objective_that_no_alarm_can_hold_is_refused(objective: ServiceObjective, message: str) -> None:
    [found] = faults(objective)
    assert re.search(message, found), found


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"memory": {"ticket": 0.97}}, "memory.ticket is 0.97 with `page` 0.95; `page` must be above"),
        (
            {"queue": {"ticket": 0.5, "page": 0.5}},
            "queue.ticket is 0.5 with `page` 0.5; `page` must be above",
        ),
        ({"ready": {"page": 1, "ticket": 0.5}}, "ready.ticket is 0.5 with `page` 1; `page` must be below"),
        ({"memory": {"page": 95}}, "memory.page is 95; it must be a share from 0 to 1; nearest: 1"),
        ({"turn": {"ticket": -1}}, "turn.ticket is -1; it must be 0 to 1,000,000,000; nearest: 0"),
        ({"memori": {"page": 0.9}}, "thresholds has 'memori', which has no threshold; .*nearest: memory"),
        ({"availability": {"page": 0.9}}, "has 'availability', which has no threshold"),
    ],
)
def test_thresholds_out_of_order_or_range_are_refused(
    thresholds: Mapping[str, AlarmThresholds], message: str
) -> None:
    [found] = faults(thresholds=thresholds)
    assert re.search(message, found), found


def test_a_given_threshold_and_objective_replace_the_described_ones() -> None:
    watch = Watch.of("classify", {"availability": 99.9}, {"memory": {"page": 0.9}})
    [memory] = [signal.alarm for signal in watch.signals if signal.key == "memory"]
    assert isinstance(memory, Alarm)
    assert (memory.ticket, memory.page) == (0.85, 0.9)
    assert watch.objective.budgets["availability"] == 0.001
    assert "memory" in TUNABLE
    assert not list(watch_faults("classify", {"availability": 99.9}, {"memory": {"page": 0.9}}))
    assert all(isinstance(fault, Fault) for fault in watch_faults("classify", {"days": 1}, {}))
