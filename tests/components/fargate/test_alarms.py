"""Every alarm fires and ends within its window over recorded minutes, and none on a quiet day.

What is evaluated are the calls that make the alarms. A minute of a service's day is what its load balancer
and ECS would report of it.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from slipway.components.fargate import Egress
from slipway.components.fargate.alarms import alarm_names
from slipway.components.fargate.cloud_signals import CLOUD_SIGNALS, SERVER
from slipway.components.fargate.collector import server_metrics
from slipway.components.fargate.rules import checked_spec
from slipway.components.observability.args import Observability
from slipway.components.observability.signals import BY_KEY
from tests.contract.cloudwatch_evaluation import Recorded, is_composite_raised, is_raised
from tests.contract.fargate_calls import Made
from tests.contract.fargate_cases import PLAIN, SHARED
from tests.contract.fargate_services import made_of

Minute = Mapping[str, list[float]]
BALANCER, ECS = "AWS/ApplicationELB", "AWS/ECS"
QUICK, SLOW = 0.05, 3.0
_WHERE = {
    "requests": (BALANCER, "RequestCount"),
    "targets": (BALANCER, "HTTPCode_Target_5XX_Count"),
    "balancer": (BALANCER, "HTTPCode_ELB_5XX_Count"),
    "seconds": (BALANCER, "TargetResponseTime"),
    "ready": (BALANCER, "HealthyHostCount"),
    "unready": (BALANCER, "UnHealthyHostCount"),
    "cpu": (ECS, "CPUUtilization"),
    "memory": (ECS, "MemoryUtilization"),
    **{
        name: (SERVER, name)
        for name in (
            "slipway_queue_calls",
            "slipway_queue_calls_limit",
            "slipway_open_connections",
            "slipway_open_connections_limit",
            "slipway_dead_threads",
            "slipway_longest_turn_seconds",
            "slipway_drift",
            "slipway_dropped_log_lines_total",
        )
    },
}
# Of a server that has nothing to do.
_SERVER: Minute = {
    "slipway_queue_calls": [0.0],
    "slipway_queue_calls_limit": [96.0],
    "slipway_open_connections": [3.0],
    "slipway_open_connections_limit": [500.0],
    "slipway_dead_threads": [0.0],
    "slipway_longest_turn_seconds": [0.1],
    "slipway_drift": [0.0],
    "slipway_dropped_log_lines_total": [0.0],
}


def minute(requests: int, **other: list[float]) -> Minute:
    """Return what is reported of a minute with good requests on one task of three. other: what differs."""
    life: Minute = {"cpu": [20.0], "memory": [40.0], **_SERVER}
    traffic: Minute = {"ready": [1.0], "unready": [0.0]}
    if requests:
        traffic = {**traffic, "requests": [1.0] * requests, "seconds": [QUICK] * requests}
    return {**life, **traffic, **other}


def recorded(*minutes: Minute) -> Recorded:
    return {where: [each.get(name, []) for each in minutes] for name, where in _WHERE.items()}


@cache
def made(**args: Any) -> Made:
    return made_of(args)


def full() -> Made:
    return made(observability=Observability.FULL)


def named(calls: Made, name: str) -> dict[str, Any]:
    return next(each for each in calls.all("PutMetricAlarm") if each["AlarmName"] == name)


def raised(calls: Made, name: str, series: Recorded, at: int) -> bool:
    """Return whether the alarm is raised, whichever kind it is."""
    for composite in calls.all("PutCompositeAlarm"):
        if composite["AlarmName"] == name:
            states = {each["AlarmName"]: is_raised(each, series, at) for each in calls.all("PutMetricAlarm")}
            return is_composite_raised(composite["AlarmRule"], states)
    return is_raised(named(calls, name), series, at)


NO_TASK: Minute = {}
FAILING = minute(60, targets=[1.0] * 30)
OUTAGE = minute(0, balancer=[1.0] * 60, ready=[], unready=[1.0])
SLUGGISH = minute(60, seconds=[QUICK] * 30 + [SLOW] * 30)


def server(**values: float) -> Minute:
    return minute(60, **{name: [value] for name, value in values.items()})


# Alarm -> a minute of its incident, and within how many minutes it fires, and ends after the incident.
INCIDENTS: Mapping[str, tuple[Minute, int, int]] = {
    "api-instances-page": (NO_TASK, 7, 5),
    "api-ready-ticket": (minute(60, unready=[1.0]), 15, 1),
    "api-ready-page": (minute(60, unready=[1.0]), 15, 1),
    "api-capacity-ticket": (minute(60, ready=[3.0]), 30, 1),
    "api-availability-page": (FAILING, 10, 10),
    "api-availability-budget-6h": (FAILING, 30, 30),
    "api-availability-budget-1d": (FAILING, 60, 120),
    "api-latency-page": (SLUGGISH, 10, 10),
    "api-latency-budget-6h": (SLUGGISH, 30, 30),
    "api-latency-budget-1d": (SLUGGISH, 60, 120),
    "api-memory-ticket": (minute(60, memory=[90.0]), 10, 1),
    "api-memory-page": (minute(60, memory=[40.0, 97.0]), 10, 1),
    "api-queue-ticket": (server(slipway_queue_calls=80), 10, 1),
    "api-queue-page": (server(slipway_queue_calls=95), 10, 1),
    "api-connections-ticket": (server(slipway_open_connections=420), 10, 1),
    "api-connections-page": (server(slipway_open_connections=490), 10, 1),
    "api-threads-page": (server(slipway_dead_threads=1), 5, 1),
    "api-turn-ticket": (server(slipway_longest_turn_seconds=400), 1, 1),
    "api-drift-ticket": (server(slipway_drift=1), 5, 1),
    "api-log-ticket": (server(slipway_dropped_log_lines_total=4), 1, 1),
}


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_alarm_fires_and_ends_within_its_window(name: str) -> None:
    incident, fires, ends = INCIDENTS[name]
    quiet = [minute(60)] * 60
    series = recorded(*quiet, *[incident] * 60, *quiet, *quiet, *quiet)
    assert not raised(full(), name, series, 60)
    assert raised(full(), name, series, 60 + fires)
    assert raised(full(), name, series, 120)
    assert not raised(full(), name, series, 120 + ends)


def test_every_alarm_has_an_incident() -> None:
    silent = {name for one in full().all("PutCompositeAlarm") for name in _read(one["AlarmRule"])}
    alarms = [*full().all("PutMetricAlarm"), *full().all("PutCompositeAlarm")]
    assert INCIDENTS.keys() == {each["AlarmName"] for each in alarms} - silent


def _read(rule: str) -> list[str]:
    return rule.split('"')[1::2]


def test_a_busy_cpu_alarms_where_no_task_is_added_or_a_threshold_is_set() -> None:
    quiet = [minute(60)] * 60
    series = recorded(*quiet, *[minute(60, cpu=[95.0])] * 60)
    fixed = made(min_replicas=1, max_replicas=1)
    assert raised(fixed, "api-cpu-use-ticket", series, 90)
    assert not raised(fixed, "api-cpu-use-ticket", series, 60)
    growing = {each["AlarmName"] for each in made().all("PutMetricAlarm")}
    assert "api-cpu-use-ticket" not in growing
    assert "api-capacity-ticket" not in {each["AlarmName"] for each in fixed.all("PutMetricAlarm")}


def test_a_total_outage_raises_the_balancers_failures_and_what_is_not_ready() -> None:
    series = recorded(*[minute(60)] * 60, *[OUTAGE] * 30)
    assert raised(full(), "api-availability-page", series, 70)
    assert raised(full(), "api-ready-ticket", series, 80)


@pytest.mark.parametrize("requests", [0, 1], ids=["no request", "one a minute"])
def test_a_service_that_nobody_calls_is_not_alarmed(requests: int) -> None:
    """A balancer without requests may not even report its targets."""
    idle = {
        name: value
        for name, value in minute(requests).items()
        if requests or name not in ("ready", "unready")
    }
    series = recorded(*[idle] * 240)
    assert _raised_at(full(), series, range(1, 241, 7)) == set()


def test_few_failures_of_few_requests_call_nobody() -> None:
    few = [minute(1), minute(1, targets=[1.0])] * 120
    for alarm in ("api-availability-page", "api-availability-share-30m"):
        found = is_raised(named(full(), alarm), recorded(*few), 200)
        assert found is (alarm == "api-availability-share-30m")
    assert not raised(full(), "api-availability-page", recorded(*few), 200)


@pytest.mark.long
def test_no_alarm_fires_on_a_quiet_day() -> None:
    """Two failures in a day, one slow minute, a rollout with a task that is not ready for some minutes."""
    hours = (0, 0, 0, 0.2, 1, 3, 6, 9, 12, 14, 15, 15, 14, 14, 13, 12, 10, 8, 6, 4, 2, 1, 0.5, 0.1)
    day = [minute(round(10 * units)) for units in hours for _ in range(60)]
    day[700] = day[900] = minute(140, targets=[1.0])
    day[800] = minute(140, seconds=[QUICK] * 100 + [SLOW] * 40)
    for at in range(600, 608):
        day[at] = minute(140, ready=[2.0], unready=[1.0], cpu=[20.0, 90.0])
    series = recorded(*day)
    assert _raised_at(full(), series, range(1, 1441, 13)) == set()


def _raised_at(calls: Made, series: Recorded, minutes: range) -> set[tuple[str, int]]:
    return {
        (alarm["AlarmName"], at)
        for alarm in calls.all("PutMetricAlarm")
        for at in minutes
        if is_raised(alarm, series, at)
    }


def test_a_shared_balancer_is_read_for_the_services_own_targets_alone() -> None:
    alarm = named(made_of({**PLAIN, **SHARED}), "api-availability-page")
    read = [query["MetricStat"]["Metric"] for query in alarm["Metrics"] if "MetricStat" in query]
    assert [metric["MetricName"] for metric in read] == ["RequestCount", "HTTPCode_Target_5XX_Count"]
    assert all(
        {each["Name"] for each in metric["Dimensions"]} == {"LoadBalancer", "TargetGroup"} for metric in read
    )


CANARY = {"rollout": "canary", "max_replicas": 3}


def in_groups(first: Minute, second: Minute, **of_balancer: list[float]) -> Recorded:
    """Return an hour in which two target groups report these minutes, and the load balancer of neither."""
    found: dict[Any, Any] = {}
    for name, (namespace, metric) in _WHERE.items():
        for place, group in enumerate((first, second), 1):
            found[namespace, metric, place] = [group.get(name, [])] * 60
        both = [*first.get(name, []), *second.get(name, []), *of_balancer.get(name, [])]
        found[namespace, metric] = [both] * 60
    return found


NOTHING: Minute = {}
GOOD_SHARE = minute(190, targets=[1.0] * 3)


@pytest.mark.parametrize("bad_is", ["first", "second"])
@pytest.mark.parametrize(
    ("alarm", "bad", "of_balancer"),
    [
        ("availability", minute(10, targets=[1.0] * 10), {}),
        ("availability", minute(10), {"balancer": [1.0] * 10}),
        ("latency", minute(10, seconds=[SLOW] * 10), {}),
    ],
    ids=["fails", "does not answer", "is slow"],
)
def test_a_canary_is_judged_by_its_own_requests(
    alarm: str, bad: Minute, of_balancer: dict[str, list[float]], bad_is: str
) -> None:
    """It gets 5 % of the requests: of all requests, that many failures are below the threshold."""
    both = (bad, GOOD_SHARE) if bad_is == "first" else (GOOD_SHARE, bad)
    series = in_groups(*both, **of_balancer)
    assert raised(made(**CANARY), f"api-{alarm}-page", series, 30)
    assert not raised(made(), f"api-{alarm}-page", series, 30)


@pytest.mark.parametrize("canary", [minute(10), minute(1), NOTHING], ids=["10", "1", "0"])
def test_a_good_canary_raises_no_alarm(canary: Minute) -> None:
    """With few requests too, and before it and after it; nor does a good release that fails now and then."""
    for both in ((canary, GOOD_SHARE), (GOOD_SHARE, canary)):
        assert _raised_at(made(**CANARY), in_groups(*both), range(20, 60, 7)) == set()


def test_an_outage_without_a_canary_raises_the_alarms_of_one() -> None:
    for outage in (minute(0, ready=[], unready=[1.0]), minute(60, targets=[1.0] * 30)):
        series = in_groups(NOTHING, outage, balancer=[] if outage.get("requests") else [1.0] * 60)
        assert raised(made(**CANARY), "api-availability-page", series, 30)


@pytest.mark.parametrize("rollout", ["rolling", "canary", "blue-green"])
@pytest.mark.parametrize("serving", [0, 1])
def test_tasks_are_counted_in_whichever_group_they_are(rollout: str, serving: int) -> None:
    calls = made(rollout=rollout, max_replicas=3)
    for alarm, bad in (("ready", minute(60, unready=[1.0])), ("capacity", minute(60, ready=[3.0]))):
        for minutes, wrong in ((bad, True), (minute(60), False)):
            groups = [NOTHING, NOTHING]
            groups[serving] = minutes
            assert raised(calls, f"api-{alarm}-ticket", in_groups(*groups), 60) is wrong


def test_the_tasks_of_two_versions_are_not_taken_for_the_most_that_may_run() -> None:
    two = minute(60, ready=[2.0])
    assert not raised(made(**CANARY), "api-capacity-ticket", in_groups(two, two), 60)


def test_a_dashboard_shows_the_requests_of_both_versions() -> None:
    groups = {"api-8080-", "api-8080b-"}
    for args, apart in ((CANARY, {"HostCount"}), (SHARED, {"RequestCount", "TargetResponseTime"})):
        body = json.loads(made_of({**PLAIN, **args}).one("PutDashboard")["DashboardBody"])
        panels = [widget["properties"]["metrics"] for widget in body["widgets"] if widget["type"] == "metric"]
        read = [line for lines in panels for line in lines if len(line) > 1 and "TargetGroup" in line]
        assert {line[1] for line in read if any(name in line[1] for name in apart)}
        if args is CANARY:
            assert all("HostCount" in line[1] for line in read)
            assert {group for group in groups for line in read if f"/{group}" in line[5]} == groups


def test_a_threshold_of_the_service_replaces_the_one_that_is_described() -> None:
    calls = made_of({"thresholds": {"memory": {"page": 0.9}, "ready": {"ticket": 0.75}}, "min_replicas": 2})
    memory = [each for each in calls.all("PutMetricAlarm") if each["AlarmName"].startswith("api-memory")]
    assert [(each["AlarmName"], each["Threshold"]) for each in memory] == [("api-memory-page", 90)]
    assert named(calls, "api-ready-ticket")["Threshold"] == 0.5  # of two, none may be missing


def test_the_names_of_alarms_by_signal_are_those_of_the_alarms() -> None:
    names = alarm_names(checked_spec("api", {**PLAIN, "observability": Observability.FULL}))  # pyright: ignore[reportArgumentType]
    assert names["availability"] == "api-availability-page"
    assert names["memory"] == "api-memory-page"
    assert set(names.values()) <= {each["AlarmName"] for each in full().all("PutMetricAlarm")}
    assert alarm_names(checked_spec("api", {**PLAIN, "observability": Observability.OFF})) == {}  # pyright: ignore[reportArgumentType]


def test_the_server_has_as_many_metrics_as_are_billed() -> None:
    metrics = server_metrics(checked_spec("api", {**PLAIN, "observability": Observability.FULL}))  # pyright: ignore[reportArgumentType]
    assert len(metrics) == 12  # infra/cost/aws.py
    collector = full().task["containerDefinitions"][-1]
    [setting] = collector["environment"]
    assert (collector["name"], collector["essential"], collector["memory"]) == ("collector", False, 256)
    assert all(f"^{metric}$" in setting["value"] for metric in metrics)
    assert full().server["memory"] == 2048 - 256
    assert full().environment["METRICS_PORT"] == "9464"


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"env": {"METRICS": "off"}}, "env has METRICS, which is 'off', with `observability` full"),
        ({"env": {"METRICS_PORT": "0"}}, "env has METRICS_PORT, which is 0, with `observability` full"),
        ({"egress": Egress.ENDPOINTS}, "egress is endpoints with `observability` full"),
        ({"thresholds": {"cuts": {"page": 1}}}, "thresholds has 'cuts', which has no threshold"),
        ({"thresholds": {"turn": {"ticket": float("inf")}, "memory": {"page": 2}}}, "memory.page is 2"),
        ({"objective": {"availability": 100}}, "objective.availability is 100"),
        ({"alert_email": "nobody"}, "alert_email is 'nobody', which has no @"),
    ],
)
def test_what_could_not_watch_a_service_is_refused(args: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        made_of({"observability": Observability.FULL, **args})


def test_every_row_is_of_a_described_signal() -> None:
    assert {signal.key for signal in CLOUD_SIGNALS} <= BY_KEY.keys()
