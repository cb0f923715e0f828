"""Every alarm fires and ends within its window on series of a real server, and none on a quiet day.

promtool evaluates the rules; what a server counts in a short load is repeated for hours and days.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from slipway.components.observability.prometheus import RUNBOOKS, Subject, rule_groups
from slipway.components.observability.signal import Alarm
from slipway.components.observability.signals import BURNS, SIGNALS
from slipway.components.observability.watch import Watch
from tests.components.observability.recording import (
    TARGET,
    Load,
    Recording,
    constant,
    growing,
    rules_hold,
)
from tests.service.running_server import running_server

SUBJECT = Subject(TARGET["job"], TARGET["namespace"])
LABELS = ",".join(f'{name}="{value}"' for name, value in TARGET.items())
WORKER = 'namespace="ml",job="api-worker",instance="10.0.0.8:9464"'
# A unit of the load in each minute is a request every six seconds.
_HOURS = (0, 0, 0, 0.2, 1, 3, 6, 9, 12, 14, 15, 15, 14, 14, 13, 12, 10, 8, 6, 4, 2, 1, 0.5, 0.1)
QUIET_DAY = [Load(60, units) for units in _HOURS]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Generator[Recording]:
    with running_server(tmp_path_factory.mktemp("server") / "log") as server:
        yield Recording.of(server)


def failed(status: str, cause: str) -> str:
    labels = f'http_request_method="POST",http_response_status_code="{status}",http_route="/predict"'
    return f'http_server_request_duration_seconds_count{{error_type="{cause}",{labels},{LABELS}}}'


def good(bucket: str = "") -> str:
    labels = 'error_type="",http_request_method="POST",http_response_status_code="200",http_route="/predict"'
    name = f"http_server_request_duration_seconds_{'bucket' if bucket else 'count'}"
    return f"{name}{{{labels}{f',le={chr(34)}{bucket}{chr(34)}' if bucket else ''},{LABELS}}}"


def firing(alarm: str, severity: str, window: str = "") -> str:
    more = f',window="{window}"' if window else ""
    return f'ALERTS{{alertname="{alarm}",alertstate="firing",severity="{severity}"{more}}}'


def minutes(number: float) -> str:
    return f"{number:g}m"


@pytest.mark.long
def test_no_alarm_fires_on_a_quiet_day(recording: Recording, tmp_path: Path) -> None:
    series = recording.series(QUIET_DAY)
    # Two failures in a day of some 75,000 requests, and a minute of a rollout.
    series[failed("503", "not-ready")] = growing(0, (700, 0), (1, 1), (300, 0), (1, 1), (438, 0))
    series[f'slipway_state{{state="ready",{LABELS}}}'] = constant((600, 1), (2, 0), (838, 1))
    expressions = [("24h", 'count_over_time(ALERTS{alertstate="firing"}[1d])', False)]
    expressions += [("24h", "slipway:availability:bad_share1d > 0", True)]
    rules_hold(tmp_path, rule_groups(SUBJECT, Watch()), series, "1m", expressions)


@dataclass(frozen=True, slots=True)
class Incident:
    """What goes wrong for an hour, after a quiet one, and when it is noticed and over at the latest.

    series: those that differ. Times in minutes from the beginning and from the end of the incident.
    """

    series: Mapping[str, str]
    fires_within: float
    ends_within: float


def share_of(metric: str, share: float, limit: float) -> Mapping[str, str]:
    return {f"{metric}{{{LABELS}}}": constant((60, 0), (60, share * limit), (120, 0))}


def ended_jobs(failed: float) -> Mapping[str, str]:
    """Return the jobs that a worker ends, ten a minute, of which a share fails during the incident."""
    name = "slipway_jobs_ended_total"
    return {
        f'{name}{{outcome="succeeded",{WORKER}}}': growing(0, (60, 10), (60, 10 * (1 - failed)), (120, 10)),
        f'{name}{{outcome="failed",{WORKER}}}': growing(0, (60, 0), (60, 10 * failed), (120, 0)),
    }


HOUR = (60, 0.0)
INCIDENTS: Mapping[tuple[str, str], Incident] = {
    ("SlipwayDown", "page"): Incident({f"up{{{LABELS}}}": constant((60, 1), (60, 0), (120, 1))}, 6, 1),
    ("SlipwayNotReady", "ticket"): Incident(
        {
            f'slipway_state{{state="ready",{LABELS}}}': constant((60, 1), (60, 1), (120, 1)),
            'slipway_state{state="ready",namespace="ml",job="api",instance="2"}': constant(
                (60, 1), (60, 0), (120, 1)
            ),
        },
        16,
        1,
    ),
    ("SlipwayNotReady", "page"): Incident(
        {f'slipway_state{{state="ready",{LABELS}}}': constant((60, 1), (60, 0), (120, 1))}, 16, 1
    ),
    ("SlipwayRestarts", "ticket"): Incident(
        {f"process_start_time_seconds{{{LABELS}}}": f"{constant(HOUR)} 0+60x59 {constant((120, 3540.0))}"},
        5,
        60,
    ),
    ("SlipwayLogLost", "ticket"): Incident(
        {f"slipway_dropped_log_lines_total{{{LABELS}}}": growing(0, (60, 0), (60, 4), (120, 0))}, 3, 6
    ),
    ("SlipwayQueueFilling", "ticket"): Incident(share_of("slipway_queue_calls", 0.8, 96), 11, 1),
    ("SlipwayQueueFilling", "page"): Incident(share_of("slipway_queue_tokens", 0.96, 2**20), 11, 1),
    ("SlipwayMemoryFilling", "ticket"): Incident(
        {
            **share_of("slipway_memory_used_bytes", 0.9, 1e9),
            f"slipway_memory_limit_bytes{{{LABELS}}}": constant((240, 1e9)),
        },
        11,
        1,
    ),
    ("SlipwayMemoryFilling", "page"): Incident(
        {
            **share_of("slipway_memory_used_bytes", 0.96, 1e9),
            f"slipway_memory_limit_bytes{{{LABELS}}}": constant((240, 1e9)),
        },
        11,
        1,
    ),
    ("SlipwayConnectionsFilling", "ticket"): Incident(
        {
            **share_of("slipway_open_connections", 0.9, 1000),
            f"slipway_open_connections_limit{{{LABELS}}}": constant((240, 1000)),
        },
        6,
        1,
    ),
    ("SlipwayConnectionsFilling", "page"): Incident(
        {
            **share_of("slipway_open_connections", 0.99, 1000),
            f"slipway_open_connections_limit{{{LABELS}}}": constant((240, 1000)),
        },
        6,
        1,
    ),
    ("SlipwayGpuMemoryFilling", "ticket"): Incident(
        {
            f'up{{pod="api-1",{LABELS}}}': constant((240, 1)),
            'DCGM_FI_DEV_FB_USED{namespace="ml",pod="api-1"}': constant((60, 10), (60, 78), (120, 10)),
            'DCGM_FI_DEV_FB_FREE{namespace="ml",pod="api-1"}': constant((60, 70), (60, 2), (120, 70)),
        },
        11,
        1,
    ),
    ("SlipwayThreadsDead", "page"): Incident(share_of("slipway_dead_threads", 1, 1), 6, 1),
    ("SlipwayTurnStuck", "ticket"): Incident(share_of("slipway_longest_turn_seconds", 1, 301), 2, 1),
    ("SlipwayJobsWaiting", "ticket"): Incident(
        {f"slipway_jobs_oldest_seconds{{{LABELS}}}": constant((60, 5), (60, 2000), (120, 5))}, 11, 1
    ),
    ("SlipwayJobsWaiting", "page"): Incident(
        {f"slipway_jobs_oldest_seconds{{{WORKER}}}": constant((60, 5), (60, 15_000), (120, 5))}, 11, 1
    ),
    ("SlipwayJobsSetAside", "ticket"): Incident(
        {f'slipway_jobs{{state="set_aside",{LABELS}}}': constant((60, 0), (60, 1), (120, 0))}, 2, 1
    ),
    ("SlipwayJobsFailing", "ticket"): Incident(ended_jobs(failed=0.2), 19, 6),
    ("SlipwayJobsFailing", "page"): Incident(ended_jobs(failed=0.8), 19, 6),
    ("SlipwayWebhooksFailing", "ticket"): Incident(
        {
            f'slipway_webhooks_total{{outcome="delivered",{WORKER}}}': growing(0, (60, 6), (60, 3), (120, 6)),
            f'slipway_webhooks_total{{outcome="failed",{WORKER}}}': growing(0, (60, 0), (60, 3), (120, 0)),
        },
        33,
        6,
    ),
    ("SlipwayDrift", "ticket"): Incident(
        {f'slipway_drift{{model_version="m",signal="class",{LABELS}}}': constant((60, 0), (60, 1), (120, 0))},
        6,
        1,
    ),
}


def test_every_alarm_with_a_threshold_has_an_incident() -> None:
    described = {
        (signal.alarm.name, severity.value)
        for signal in SIGNALS
        if isinstance(signal.alarm, Alarm) and signal.series
        for severity in signal.alarm.thresholds
    }
    assert INCIDENTS.keys() == described


@pytest.mark.parametrize("alarm", INCIDENTS, ids=lambda alarm: "-".join(alarm))
def test_an_alarm_fires_and_ends_within_its_window(
    recording: Recording, tmp_path: Path, alarm: tuple[str, str]
) -> None:
    incident = INCIDENTS[alarm]
    series = {**recording.series([Load(240, 1)]), **incident.series}
    expression = firing(*alarm)
    expressions = [
        ("59m", expression, False),
        (minutes(60 + incident.fires_within), expression, True),
        ("119m", expression, True),
        (minutes(120 + incident.ends_within), expression, False),
    ]
    rules_hold(tmp_path, rule_groups(SUBJECT, Watch()), series, "1m", expressions)


@dataclass(frozen=True, slots=True)
class Burning:
    """A share of bad requests that spends the budget fast enough for one pair of windows, and no faster.

    step: of the series, in minutes. Times in minutes.
    """

    share: float
    lasts: int
    fires_within: float
    ends_within: float
    step: int


# By the long window. All fail; 5 %; 2 %; 0.6 %. The budget is 0.5 % of the requests.
BURNING = {
    "1h": Burning(1, 60, 10, 6, 1),
    "6h": Burning(0.05, 6 * 60, 4 * 60, 31, 1),
    "1d": Burning(0.02, 24 * 60, 19 * 60, 121, 5),
    "3d": Burning(0.006, 3 * 24 * 60, 62 * 60, 361, 15),
}


@pytest.mark.long
@pytest.mark.parametrize("window", BURNING)
@pytest.mark.parametrize("key", ["availability", "latency"])
def test_a_budget_that_is_spent_too_fast_alarms_and_ends_within_its_windows(
    recording: Recording, tmp_path: Path, key: str, window: str
) -> None:
    burning = BURNING[window]
    steps = [burning.lasts // burning.step] * 3
    [alarm] = [signal.alarm.name for signal in SIGNALS if signal.key == key and signal.alarm]
    [severity] = [burn.severity.value for burn in BURNS if burn.long_minutes == burning.lasts]
    # A good answer a second, of which some become failures, or slow.
    each, share = 60.0 * burning.step, burning.share * (2 if key == "latency" else 1)
    bad = each * min(share, 1)
    fine = growing(0, (steps[0], each), (steps[1], each - bad), (steps[2], each))
    series = {f"up{{{LABELS}}}": constant((sum(steps), 1))}
    if key == "availability":
        series |= {
            good(): fine,
            failed("503", "internal"): growing(0, (steps[0], 0), (steps[1], bad), (steps[2], 0)),
        }
    else:
        series |= {good("1.0"): fine, good(): growing(0, *((step, each) for step in steps))}
    start, end = burning.lasts, 2 * burning.lasts
    expression = firing(alarm, severity, window)
    expressions = [
        (minutes(start), expression, False),
        (minutes(start + burning.fires_within), expression, True),
        (minutes(end - burning.step), expression, True),
        (minutes(end + burning.ends_within), expression, False),
    ]
    rules_hold(tmp_path, rule_groups(SUBJECT, Watch()), series, minutes(burning.step), expressions)


def test_a_few_failures_of_few_requests_call_nobody(tmp_path: Path) -> None:
    series = {
        good(): growing(0, (240, 0.05)),
        failed("500", "internal"): growing(0, (120, 0), (9, 1), (111, 0)),
    }
    expressions = [("4h", 'count_over_time(ALERTS{alertstate="firing",alertname!="SlipwayDown"}[4h])', False)]
    expressions += [("130m", "slipway:availability:bad_share1h > 0.5", True)]
    rules_hold(tmp_path, rule_groups(SUBJECT, Watch()), series, "1m", expressions)


def test_a_service_that_is_gone_altogether_is_down(tmp_path: Path) -> None:
    series = {f"up{{{LABELS}}}": constant((60, 1), (120, "_"))}
    expression = firing("SlipwayDown", "page")
    expressions = [("60m", expression, False), ("71m", expression, True)]
    rules_hold(tmp_path, rule_groups(SUBJECT, Watch()), series, "1m", expressions)


def test_a_worker_is_no_instance_of_its_service(recording: Recording, tmp_path: Path) -> None:
    series = {**recording.series([Load(60, 1)]), f"up{{{LABELS}}}": constant((60, 0))}
    series |= {
        f"up{{{WORKER}}}": constant((60, 1)),
        f'slipway_state{{state="ready",{WORKER}}}': constant((60, 1)),
    }
    rules_hold(
        tmp_path, rule_groups(SUBJECT, Watch()), series, "1m", [("30m", firing("SlipwayDown", "page"), True)]
    )


def test_another_service_of_the_namespace_raises_no_alarm_of_this_one(
    recording: Recording, tmp_path: Path
) -> None:
    other = {**TARGET, "job": "other", "instance": "10.0.0.8:9464"}
    named = ",".join(f'{name}="{value}"' for name, value in other.items())
    series = {**recording.series([Load(60, 1)]), f"up{{{named}}}": constant((60, 0))}
    groups = [*rule_groups(SUBJECT, Watch()), *rule_groups(Subject("other", "ml"), Watch())]
    down = 'ALERTS{alertname="SlipwayDown",alertstate="firing"'
    expressions = [("30m", f'{down},service="other"}}', True), ("30m", f'{down},service="api"}}', False)]
    rules_hold(tmp_path, groups, series, "1m", expressions)
    assert len({group["name"] for group in groups}) == len(groups)


def test_an_alert_says_what_is_wrong_since_when_and_what_to_read(tmp_path: Path) -> None:
    memory = {f"slipway_memory_used_bytes{{{LABELS}}}": constant((60, 97))}
    series = {**memory, f"slipway_memory_limit_bytes{{{LABELS}}}": constant((60, 100))}
    expected = {
        "exp_labels": {**TARGET, "severity": "page", "service": "api", "signal": "memory"},
        "exp_annotations": {
            "summary": "api: Memory is close to its limit.",
            "description": "Memory is close to its limit. Memory, share of its limit of 10.0.0.7:9464: 970m, "
            "above 0.95 for 10 min.",
            "runbook_url": f"{RUNBOOKS}#slipwaymemoryfilling",
        },
    }
    alert = {"eval_time": "30m", "alertname": "SlipwayMemoryFilling", "exp_alerts": [expected]}
    watch = Watch.of("classify", {}, {"memory": {"ticket": 0.98, "page": 0.95}})
    rules_hold(tmp_path, rule_groups(SUBJECT, watch), series, "1m", alerts=[alert])


def test_promtool_accepts_the_rules_of_every_objective(tmp_path: Path) -> None:
    watch = Watch.of("generate", {"availability": 99.99, "days": 28}, {"queue": {"page": 1}})
    rules_hold(tmp_path, rule_groups(Subject("api"), watch), {}, "1m")
    assert "> 0.001344 " in yaml.safe_dump(rule_groups(Subject("api"), watch), width=10**9)
