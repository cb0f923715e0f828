"""Every query of an alarm or a chart reads metrics that Google has, as their kinds and units allow."""

import re

import pytest

from slipway.components.google.monitoring.dashboard import dashboard_of, drawn
from slipway.components.google.monitoring.policies import policies_of
from slipway.components.google.monitoring.row import filled
from slipway.components.google.monitoring.slo import objectives_of
from slipway.components.google.monitoring.subject import MonitoredService
from slipway.components.observability.signal import Alarm, BurnAlarm, Severity, SignalRow, Unit
from slipway.components.observability.signals import SIGNALS
from slipway.components.observability.watch import Watch
from tests.components.google.monitoring.catalogue import catalogue, faults, promql_name, readings
from tests.components.google.monitoring.watched import ALL, on_cloud_run

QUERIES = {
    f"{name}-{policy.key}": policy.query
    for name, watched in ALL.items()
    for policy in policies_of(watched)
    if policy.query
}
CHARTS = {
    f"{name}-{signal.key}-{position}": query
    for name, watched in ALL.items()
    for signal, _, queries in drawn(watched)
    for position, (query, _) in enumerate(queries)
}


@pytest.mark.parametrize("name", [*QUERIES, *CHARTS])
def test_a_query_reads_metrics_that_google_has_by_their_kind_and_labels(name: str) -> None:
    query = QUERIES.get(name) or CHARTS[name]
    assert list(faults(query)) == []
    assert set(re.findall(r"\$[a-z]", query)) <= {"$c"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sum(increase(run_googleapis_com:requests{}[5m]))", "is no metric"),
        ('rate(run_googleapis_com:request_count{code="5"}[5m])', "has no label"),
        ("run_googleapis_com:request_count{}", "is DELTA, and read by nothing"),
        ("increase(run_googleapis_com:container_instance_count{}[5m])", "is GAUGE, and read by increase"),
        ("rate(run_googleapis_com:request_latencies{}[5m])", "is a DISTRIBUTION"),
        ("rate(run_googleapis_com:request_count{}[5m])", "names no kind of resource"),
    ],
)
def test_a_query_that_google_would_refuse_is_found(query: str, said: str) -> None:
    assert any(said in fault for fault in faults(query))


def compared(signal: SignalRow, watched: MonitoredService) -> set[str]:
    """Return the units of the metrics that a threshold is compared with."""
    row = watched.row(signal)
    assert row
    return {
        catalogue_of(reading.name) for reading in readings(filled(row.series[0].expression, watched.values))
    }


def catalogue_of(name: str) -> str:
    return (
        catalogue()[re.sub(r"_(bucket|count|sum)$", "", name)].unit
        if name not in catalogue()
        else catalogue()[name].unit
    )


# What an expression makes of its metric: a share of instances is a count over the maximum.
MADE = {"capacity": Unit.SHARE, "outside": Unit.SHARE, "restarts": Unit.COUNT}
UNITS = {"10^2.%": Unit.SHARE, "ms": Unit.SECONDS, "1": Unit.SHARE}


@pytest.mark.parametrize("name", ["cloud-run", "gke"])
def test_a_threshold_is_in_the_unit_of_what_it_is_compared_with(name: str) -> None:
    watched = ALL[name]
    seen = 0
    for signal in watched.watch.signals:
        row = watched.row(signal)
        if not (row and row.series and isinstance(signal.alarm, Alarm)) or row.is_quiet:
            continue
        units = {MADE.get(signal.key) or UNITS[unit] for unit in compared(signal, watched)}
        assert units == {signal.unit}, signal.key
        if signal.unit is Unit.SHARE:
            assert all(0 <= value <= 1 for value in signal.alarm.thresholds.values())
        seen += 1
    assert seen >= 3


def test_an_answer_is_slow_after_the_milliseconds_that_googles_latencies_are_in() -> None:
    watch = Watch.of("classify", {"seconds": 0.25}, {})
    query = next(p.query for p in policies_of(on_cloud_run(watch)) if p.key == "latency-page")
    assert catalogue()[promql_name("run.googleapis.com/request_latencies")].unit == "ms"
    assert re.findall(r"> (\d+)", query) == ["250"] * 4


def test_each_alarm_has_a_policy_for_each_of_its_severities_and_no_other() -> None:
    watched = ALL["cloud-run-full"]
    expected: set[str] = set()
    for signal in watched.watch.signals:
        row = watched.row(signal)
        if (row is None and not signal.series) or (row and row.is_quiet):
            continue
        if isinstance(signal.alarm, BurnAlarm):
            expected |= {f"{signal.key}-{severity.value}" for severity in Severity}
        elif isinstance(signal.alarm, Alarm):
            keys = [f"{signal.key}-{severity.value}" for severity in signal.alarm.thresholds]
            expected |= set(keys if row is None or row.series else [signal.key])
    found = [policy.key for policy in policies_of(watched)]
    assert set(found) == expected
    assert len(found) == len(expected) >= 15


def test_a_service_that_may_scale_to_zero_is_not_called_down() -> None:
    assert "SlipwayDown" not in {policy.alarm.name for policy in policies_of(ALL["cloud-run-full"])}
    assert "SlipwayDown" in {policy.alarm.name for policy in policies_of(ALL["gke-full"])}


def test_a_threshold_that_is_set_makes_an_alarm_that_has_none_by_default() -> None:
    watch = Watch.of("classify", {}, {"cpu-use": {"ticket": 0.9}})
    [policy] = [p for p in policies_of(on_cloud_run(watch)) if p.key == "cpu-use-ticket"]
    assert policy.query.endswith("> 0.9")
    assert "cpu-use" not in {p.key.rpartition("-")[0] for p in policies_of(on_cloud_run())}


def test_every_row_of_a_platform_is_of_a_signal() -> None:
    keys = {signal.key for signal in SIGNALS}
    assert all(watched.rows.keys() <= keys for watched in ALL.values())


def test_objectives_are_held_to_the_same_requests_as_the_alarms() -> None:
    availability, latency = objectives_of(on_cloud_run(Watch.of("generate", {"availability": 99.9}, {})))
    assert (availability.goal, availability.days) == (0.999, 30)
    assert 'metric.labels.response_code=monitoring.regex.full_match("429|5..")' in str(availability.indicator)
    assert latency.indicator["distribution_cut"]["range"] == {"max": 30000}  # pyright: ignore[reportTypedDictNotRequiredAccess, reportIndexIssue, reportOptionalSubscript]
    assert objectives_of(ALL["gke-full"]) == []


@pytest.mark.parametrize("name", ALL)
def test_a_dashboard_has_no_overlap_a_chart_for_each_signal_and_says_why_one_is_empty(name: str) -> None:
    watched = ALL[name]
    tiles = dashboard_of(watched)["mosaicLayout"]["tiles"]
    taken: set[tuple[int, int]] = set()
    for tile in tiles:
        cells = {
            (tile["xPos"] + x, tile["yPos"] + y) for x in range(tile["width"]) for y in range(tile["height"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 12
        taken |= cells
    charts = [tile["widget"]["title"] for tile in tiles if "xyChart" in tile["widget"]]
    text = tiles[-1]["widget"]["text"]["content"]
    assert len(charts) >= 3
    assert all(f"- **{title}**: " in text for title in charts)
    for policy in policies_of(watched):
        if watched.own is None:
            assert f"{watched.runbooks}#{policy.alarm.name.lower()}" in text
