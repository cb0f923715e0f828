"""Describes once what is watched of a service: the signals, their thresholds and the objective.

Rules, dashboards and runbooks of every target are derived from these rows; a new signal is one more row. The
metrics are those of docs/guides/server.md.
"""

from collections.abc import Mapping

from .expressions import (
    FAILED,
    FULL,
    GOOD,
    GOOD_BUCKETS,
    REQUESTS,
    SERVICE,
    by_instance,
    by_label,
    fullest,
    one,
    quantiles,
    rate,
    ratio,
    share,
    slow,
    total,
)
from .gpu_signals import GPU_SIGNALS
from .job_signals import JOB_SIGNALS
from .model_signals import MODEL_SIGNALS
from .objective import Burn, Objective
from .signal import Alarm, BurnAlarm, DashboardRow, Series, Severity, SignalRow, Unit

# What a service promises unless it says otherwise: 3 h 36 min of a month may fail.
OBJECTIVE = Objective(availability_percent=99.5, latency_percent=99, slow_seconds=1, window_days=30)
# Where answers of a task take longer. Seconds.
SLOW_SECONDS: Mapping[str, float] = {"summarize": 10, "generate": 30}
# Google, The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts": the part of the
# budget that is spent in the long window, while it is still being spent in the short one.
BURNS = (
    Burn(budget_share=0.02, long_minutes=60, short_minutes=5, severity=Severity.PAGE),
    Burn(budget_share=0.05, long_minutes=6 * 60, short_minutes=30, severity=Severity.PAGE),
    Burn(budget_share=0.10, long_minutes=24 * 60, short_minutes=2 * 60, severity=Severity.TICKET),
    Burn(budget_share=0.10, long_minutes=3 * 24 * 60, short_minutes=6 * 60, severity=Severity.TICKET),
)
# Fewer bad requests in the long window call nobody: of few requests, one is a large share.
LEAST_BAD_REQUESTS = 10

_ALWAYS = "The server's page always has it: Prometheus does not reach the page, or reads another service's."
_NO_REQUEST = "No request has come since the server started."
_NO_TEXT = "The model takes no text, or has answered no request yet."
_NO_CLASS = "The model predicts no labels."
_NO_BATCH = "The model computes texts one by one, or none has come."

SIGNALS: tuple[SignalRow, ...] = (
    SignalRow(
        "requests",
        "Requests by route",
        DashboardRow.TRAFFIC,
        Unit.PER_SECOND,
        by_label("http_route", REQUESTS),
        _NO_REQUEST,
    ),
    SignalRow(
        "instances",
        "Instances that answer Prometheus",
        DashboardRow.TRAFFIC,
        Unit.COUNT,
        one(f"{total('up{$s}')} or 0 * absent(up{{$s}})", "instances"),
        "Prometheus has never heard of the service.",
        Alarm("SlipwayDown", "No instance answers Prometheus.", minutes=5, page=1, below=True),
    ),
    SignalRow(
        "ready",
        "Share of the instances that are ready",
        DashboardRow.TRAFFIC,
        Unit.SHARE,
        one(f'avg by ({SERVICE}) (slipway_state{{$s,state="ready"}})', "ready"),
        _ALWAYS,
        Alarm(
            "SlipwayNotReady",
            "Instances run, and are not ready to answer requests.",
            minutes=15,
            ticket=1,
            page=0.5,
            below=True,
        ),
    ),
    SignalRow(
        "outside",
        "Share of the checks from outside that succeed",
        DashboardRow.TRAFFIC,
        Unit.SHARE,
        (),
        "A cloud checks only a service that is public and always has an instance.",
        Alarm(
            "SlipwayUnreachable", "The service does not answer from outside.", minutes=5, page=0.5, below=True
        ),
    ),
    SignalRow(
        "deployments",
        "Deployments that failed",
        DashboardRow.TRAFFIC,
        Unit.COUNT,
        (),
        "A cloud tells of them as events, which are in no series.",
        Alarm("SlipwayDeploymentFailed", "A deployment has failed.", minutes=0),
    ),
    SignalRow(
        "restarts",
        "Restarts within an hour",
        DashboardRow.TRAFFIC,
        Unit.COUNT,
        by_instance("changes(process_start_time_seconds{$s}[1h])"),
        _ALWAYS,
        Alarm("SlipwayRestarts", "An instance restarts again and again.", minutes=1, ticket=2),
    ),
    SignalRow(
        "availability",
        "Share of the requests that failed",
        DashboardRow.ERRORS,
        Unit.SHARE,
        (
            Series(share(rate(FAILED, FULL), rate(REQUESTS, FULL)), "failed"),
            Series(total(rate(FAILED, FULL)), "failures per second"),
        ),
        _NO_REQUEST,
        BurnAlarm("SlipwayAvailabilityBudget", "Requests fail faster than the objective allows."),
    ),
    SignalRow(
        "causes",
        "Refused and failed requests by cause",
        DashboardRow.ERRORS,
        Unit.PER_SECOND,
        by_label("error_type", REQUESTS.replace("}", ',error_type!=""}'), "slipway_early_refusals_total{$s}"),
        "No request was refused, and none failed.",
    ),
    SignalRow(
        "errors",
        "Errors in the log",
        DashboardRow.ERRORS,
        Unit.COUNT,
        (),
        "The log has no error.",
        Alarm("SlipwayErrorsLogged", "The server has logged an error.", minutes=5, ticket=0),
    ),
    SignalRow(
        "cuts",
        "Connections that were cut",
        DashboardRow.ERRORS,
        Unit.PER_SECOND,
        by_label("reason", "slipway_cut_connections_total{$s}"),
        "No connection was cut.",
    ),
    SignalRow(
        "log",
        "Log lines that could not be written",
        DashboardRow.ERRORS,
        Unit.COUNT,
        by_instance("increase(slipway_dropped_log_lines_total{$s}[$w])"),
        _ALWAYS,
        Alarm("SlipwayLogLost", "Log lines are lost.", minutes=1, ticket=0),
    ),
    SignalRow(
        "latency",
        "Share of the good answers that were slow",
        DashboardRow.LATENCY,
        Unit.SHARE,
        (Series(f"({slow()}) / {total(rate(GOOD))}", "slow"), Series(slow(), "slow answers per second")),
        _NO_REQUEST,
        BurnAlarm("SlipwayLatencyBudget", "Answers are slow more often than the objective allows."),
    ),
    SignalRow(
        "seconds",
        "Seconds of a good answer",
        DashboardRow.LATENCY,
        Unit.SECONDS,
        quantiles(GOOD_BUCKETS, 0.5, 0.95, 0.99),
        _NO_REQUEST,
    ),
    SignalRow(
        "phases",
        "Seconds in each phase",
        DashboardRow.LATENCY,
        Unit.SECONDS,
        quantiles("slipway_phase_duration_seconds_bucket{$s}", 0.99, label="phase"),
        _NO_REQUEST,
    ),
    SignalRow(
        "first-token",
        "Seconds to the first token",
        DashboardRow.LATENCY,
        Unit.SECONDS,
        quantiles("slipway_time_to_first_token_seconds_bucket{$s}", 0.5, 0.99),
        "The model generates no text, or has answered no request yet.",
    ),
    SignalRow(
        "queue",
        "Queue, share of its limit",
        DashboardRow.SATURATION,
        Unit.SHARE,
        one(fullest("slipway_queue_calls", "slipway_queue_tokens"), "{{instance}}"),
        _ALWAYS,
        Alarm("SlipwayQueueFilling", "The queue is nearly full.", minutes=10, ticket=0.7, page=0.95),
    ),
    SignalRow(
        "active",
        "Requests under way",
        DashboardRow.SATURATION,
        Unit.COUNT,
        by_instance("http_server_active_requests{$s}"),
        _ALWAYS,
    ),
    SignalRow(
        "wait",
        "Age of the oldest call in the queue",
        DashboardRow.SATURATION,
        Unit.SECONDS,
        by_instance("slipway_queue_oldest_seconds{$s}"),
        _ALWAYS,
    ),
    SignalRow(
        "memory",
        "Memory, share of its limit",
        DashboardRow.SATURATION,
        Unit.SHARE,
        by_instance("slipway_memory_used_bytes{$s} / slipway_memory_limit_bytes{$s}"),
        _ALWAYS,
        Alarm("SlipwayMemoryFilling", "Memory is close to its limit.", minutes=10, ticket=0.85, page=0.95),
    ),
    SignalRow(
        "held",
        "Memory of requests and answers, share of its limit",
        DashboardRow.SATURATION,
        Unit.SHARE,
        one(fullest("slipway_held_bytes"), "{{instance}}"),
        _ALWAYS,
    ),
    SignalRow(
        "cpu",
        "CPU",
        DashboardRow.SATURATION,
        Unit.CORES,
        by_instance(rate("process_cpu_seconds_total{$s}")),
        _ALWAYS,
    ),
    SignalRow(
        "cpu-use",
        "CPU, share of its limit",
        DashboardRow.SATURATION,
        Unit.SHARE,
        (),
        "No instance runs.",
        Alarm("SlipwayCpuFull", "The CPU is busy nearly all the time.", minutes=30),
    ),
    SignalRow(
        "capacity",
        "Instances, share of the maximum",
        DashboardRow.SATURATION,
        Unit.SHARE,
        (),
        "No instance runs.",
        Alarm(
            "SlipwayAtMaximum",
            "As many instances run as are allowed: more load waits.",
            minutes=30,
            ticket=0.95,
        ),
    ),
    SignalRow(
        "connections",
        "Connections, share of the places",
        DashboardRow.SATURATION,
        Unit.SHARE,
        one(fullest("slipway_open_connections"), "{{instance}}"),
        _ALWAYS,
        Alarm(
            "SlipwayConnectionsFilling",
            "Nearly all places for connections are taken.",
            minutes=5,
            ticket=0.8,
            page=0.95,
        ),
    ),
    SignalRow(
        "threads",
        "Inference threads that have ended",
        DashboardRow.SATURATION,
        Unit.COUNT,
        by_instance("slipway_dead_threads{$s}"),
        _ALWAYS,
        Alarm("SlipwayThreadsDead", "Inference threads have ended and stay so.", minutes=5, page=0),
    ),
    SignalRow(
        "turn",
        "Longest turn of an inference thread",
        DashboardRow.SATURATION,
        Unit.SECONDS,
        by_instance("slipway_longest_turn_seconds{$s}"),
        _ALWAYS,
        Alarm("SlipwayTurnStuck", "A computation does not come to an end.", minutes=1, ticket=300),
    ),
    *GPU_SIGNALS,
    SignalRow(
        "batch-size",
        "Texts computed together",
        DashboardRow.BATCHES,
        Unit.COUNT,
        (
            *one(ratio("slipway_batch_size_sum", "slipway_batch_size_count"), "mean"),
            *quantiles("slipway_batch_size_bucket{$s}", 0.95),
        ),
        _NO_BATCH,
    ),
    SignalRow(
        "padding",
        "Padding, compared with the tokens of batches",
        DashboardRow.BATCHES,
        Unit.SHARE,
        one(ratio("slipway_batch_padding_tokens_total", "slipway_batch_tokens_total"), "padding"),
        _NO_BATCH,
    ),
    SignalRow(
        "tokens",
        "Tokens",
        DashboardRow.BATCHES,
        Unit.PER_SECOND,
        by_label("direction", "slipway_tokens_total{$s}"),
        _NO_TEXT,
    ),
    *JOB_SIGNALS,
    *MODEL_SIGNALS,
)
JOB_KEYS = frozenset(signal.key for signal in JOB_SIGNALS)
BY_KEY: Mapping[str, SignalRow] = {signal.key: signal for signal in SIGNALS}
_TUNABLE = tuple(signal.key for signal in SIGNALS if isinstance(signal.alarm, Alarm) and signal.series)
# The signals whose thresholds a service may set where Prometheus reads the server's metrics; and those that
# it may set in addition where it takes jobs.
TUNABLE = tuple(key for key in _TUNABLE if key not in JOB_KEYS)
TUNABLE_OF_JOBS = tuple(key for key in _TUNABLE if key in JOB_KEYS)
