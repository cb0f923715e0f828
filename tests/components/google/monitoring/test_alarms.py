"""Every alarm of Cloud Monitoring fires and ends on recorded series, and none on a quiet day.

promtool evaluates the conditions, which are PromQL as Prometheus 2.44 has it. A value of a metric comes each
minute; buckets are not where an answer counts as slow, as Google's are not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from slipway.components.google.monitoring.policies import policies_of
from slipway.components.google.monitoring.subject import MonitoredService
from tests.components.google.monitoring.watched import ALL, POD_LABELS, RUN_LABELS
from tests.components.observability.recording import constant, growing, rules_hold

_HOURS = (0, 0, 0, 0.2, 1, 3, 6, 9, 12, 14, 15, 15, 14, 14, 13, 12, 10, 8, 6, 4, 2, 1, 0.5, 0.1)
# Before, during and after an incident, in minutes: the slowest window that ends an alarm is six hours.
_BEFORE, _DURING, _AFTER = 60, 60, 420
_EDGES = ("362", "724", "1448", "+Inf")


def named(metric: str, labels: Mapping[str, str], **more: str) -> str:
    pairs = {**labels, **more}
    matchers = ",".join(f'{name}="{value}"' for name, value in pairs.items())
    return f"{metric}{{{matchers}}}"


def run(metric: str, **labels: str) -> str:
    return named(f"run_googleapis_com:{metric}", RUN_LABELS, **labels)


def pod(metric: str, **labels: str) -> str:
    return named(f"kubernetes_io:{metric}", POD_LABELS, pod_name="api-6d5f9c7b8-x2x9z", **labels)


def over(before: float, during: float, after: float) -> str:
    """Return values of a counter that grows by so much each minute."""
    return growing(0, (_BEFORE, before), (_DURING, during), (_AFTER, after))


def at(before: float, during: float, after: float) -> str:
    return constant((_BEFORE, before), (_DURING, during), (_AFTER, after))


def requests(ok: str, failed: str) -> dict[str, str]:
    return {
        run("request_count", response_code="200", response_code_class="2xx"): ok,
        run("request_count", response_code="503", response_code_class="5xx"): failed,
    }


def distribution(
    metric: str, counts: tuple[str, ...], edges: tuple[str, ...], **labels: str
) -> dict[str, str]:
    """Return the cumulative buckets of a distribution, and its count."""
    buckets = {
        run(f"{metric}_bucket", **labels, le=edge): values for edge, values in zip(edges, counts, strict=True)
    }
    return {**buckets, run(f"{metric}_count", **labels): counts[-1]}


def utilization(metric: str, use: float) -> dict[str, str]:
    """Return a distribution of which all samples of the incident are near `use`, and of the rest near 0.3."""
    edges = (*(f"{edge / 100:g}" for edge in range(10, 101, 5)), "+Inf")
    counts = tuple(
        over(2 if float(edge) >= 0.3 else 0, 2 if float(edge) >= use else 0, 2 if float(edge) >= 0.3 else 0)
        for edge in edges
    )
    return distribution(metric, counts, edges)


QUIET = requests(over(60, 60, 60), over(0, 0, 0))


@dataclass(frozen=True, slots=True)
class Incident:
    """What goes wrong for an hour. Times in minutes from its beginning and its end, at the latest."""

    series: Mapping[str, str]
    fires_within: int
    ends_within: int


SLOW = distribution(
    "request_latencies",
    (over(60, 0, 60), over(60, 0, 60), over(60, 60, 60), over(60, 60, 60)),
    _EDGES,
    response_code_class="2xx",
)
FAILURES = requests(over(60, 30, 60), over(0, 30, 0))
UPTIME = 'monitoring_googleapis_com:uptime_check_check_passed{monitored_resource="uptime_url",check_id="$c"'
RUN_INCIDENTS: Mapping[str, Incident] = {
    "outside-page": Incident(
        {f'{UPTIME},checker_location="{place}"}}': at(1, 0, 1) for place in ("usa", "europe", "asia")}, 10, 4
    ),
    "availability-page": Incident(FAILURES, 10, 31),
    "availability-ticket": Incident(FAILURES, 5, 365),
    "latency-page": Incident(SLOW, 12, 31),
    "latency-ticket": Incident(SLOW, 8, 365),
    "memory-page": Incident(utilization("container_memory_utilizations", 1), 16, 6),
    "memory-ticket": Incident(utilization("container_memory_utilizations", 0.95), 16, 6),
    "capacity-ticket": Incident({run("container_instance_count", state="active"): at(1, 3, 1)}, 32, 6),
}
POD_INCIDENTS: Mapping[str, Incident] = {
    "restarts-ticket": Incident(
        {pod("container_restart_count"): growing(0, (60, 0), (60, 1 / 12), (420, 0))}, 40, 60
    ),
    "memory-page": Incident(
        {pod("container_memory_limit_utilization", memory_type="non-evictable"): at(0.3, 0.97, 0.3)}, 11, 1
    ),
    "memory-ticket": Incident(
        {pod("container_memory_limit_utilization", memory_type="non-evictable"): at(0.3, 0.9, 0.3)}, 11, 1
    ),
    "capacity-ticket": Incident(
        {
            pod("container_uptime"): at(9, 9, 9),
            **{
                named(
                    "kubernetes_io:container_uptime", POD_LABELS, pod_name=f"api-6d5f9c7b8-x2x9{number}"
                ): constant((60, "_"), (60, 60), (420, "_"))
                for number in range(2)
            },
        },
        31,
        6,
    ),
}


def groups_of(watched: MonitoredService) -> list[dict[str, Any]]:
    """Return the policies as rules of Prometheus: a condition, and for how long it must hold."""
    rules = [
        {"alert": policy.key.replace("-", "_"), "expr": policy.query, "for": f"{policy.minutes}m"}
        for policy in policies_of(watched)
        if policy.query
    ]
    return [{"name": "google", "rules": rules}]


def firing(key: str) -> str:
    return f'ALERTS{{alertname="{key.replace("-", "_")}",alertstate="firing"}}'


def test_every_alarm_of_a_platform_has_an_incident() -> None:
    for name, incidents in (("cloud-run", RUN_INCIDENTS), ("gke", POD_INCIDENTS)):
        assert incidents.keys() == {policy.key for policy in policies_of(ALL[name]) if policy.query}


@pytest.mark.parametrize(
    ("name", "key"),
    [*(("cloud-run", key) for key in RUN_INCIDENTS), *(("gke", key) for key in POD_INCIDENTS)],
)
def test_an_alarm_fires_and_ends_within_its_window(name: str, key: str, tmp_path: Path) -> None:
    incident = (RUN_INCIDENTS if name == "cloud-run" else POD_INCIDENTS)[key]
    times = (
        _BEFORE - 1,
        _BEFORE + incident.fires_within,
        _BEFORE + _DURING - 1,
        _BEFORE + _DURING + incident.ends_within,
    )
    expected = (False, True, True, False)
    checks = [(f"{time}m", firing(key), fires) for time, fires in zip(times, expected, strict=True)]
    rules_hold(tmp_path, groups_of(ALL[name]), {**QUIET, **incident.series}, "1m", checks)


def test_no_alarm_fires_on_a_quiet_day(tmp_path: Path) -> None:
    load = [(60, units * 10) for units in _HOURS]
    good = growing(0, *load)
    series = requests(good, growing(0, (700, 0), (1, 1), (300, 0), (1, 1), (438, 0)))
    # One answer in 400 is slow.
    series |= distribution(
        "request_latencies",
        (growing(0, *((60, units * 9.975) for units in _HOURS)), *[good] * 3),
        _EDGES,
        response_code_class="2xx",
    )
    series |= {run("container_instance_count", state="active"): constant((600, 1), (600, 2), (240, 1))}
    checks = [("24h", 'count_over_time(ALERTS{alertstate="firing"}[1d])', False)]
    rules_hold(tmp_path, groups_of(ALL["cloud-run"]), series, "1m", checks)


@pytest.mark.parametrize(
    "series",
    [
        requests(over(0, 0.05, 0), over(0, 0.1, 0)),
        distribution(
            "request_latencies",
            (over(0, 0, 0), over(0, 0, 0), over(0, 0.1, 0), over(0, 0.1, 0)),
            _EDGES,
            response_code_class="2xx",
        ),
    ],
    ids=["failures", "slow answers"],
)
def test_a_few_bad_requests_of_few_call_nobody(series: dict[str, str], tmp_path: Path) -> None:
    checks = [("540m", 'count_over_time(ALERTS{alertstate="firing"}[9h])', False)]
    rules_hold(tmp_path, groups_of(ALL["cloud-run"]), series, "1m", checks)


def test_the_servers_own_metrics_raise_alarms_where_the_platform_has_none(tmp_path: Path) -> None:
    labels = 'namespace="api",job="api",instance="1:9464"'
    series = {
        f"slipway_queue_calls{{{labels}}}": at(0, 95, 0),
        f"slipway_queue_calls_limit{{{labels}}}": at(96, 96, 96),
    }
    checks = [("59m", firing("queue-page"), False), ("75m", firing("queue-page"), True)]
    checks += [("125m", firing("queue-page"), False)]
    rules_hold(tmp_path, groups_of(ALL["cloud-run-full"]), series, "1m", checks)
