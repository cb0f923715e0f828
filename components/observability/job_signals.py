"""Describes what is watched of jobs and of the workers that run them.

The server and the workers each have a page of metrics. A worker's `job` in Prometheus is the service's with
`-worker` after it: `$j` selects both, and `$k` the workers alone.
"""

from .expressions import one, rate
from .signal import Alarm, DashboardRow, Series, SignalRow, Unit

_ENDED = "slipway_jobs_ended_total{$j}"
_FAILED = 'slipway_jobs_ended_total{$j,outcome=~"failed|set_aside"}'
_WEBHOOKS = "slipway_webhooks_total{$j}"
_UNDELIVERED = 'slipway_webhooks_total{$j,outcome!="delivered"}'
_BY = "namespace"
_NO_JOBS = "The service takes no jobs."
_NO_JOB = "No job has ended since the workers started."


def _largest(expression: str, more: str = "") -> str:
    """Return the largest of what the server and the workers read, each of them, from one database."""
    return f"max by ({_BY}{more}) ({expression})"


def _total(expression: str, more: str = "") -> str:
    return f"sum by ({_BY}{more}) ({expression})"


def _share(part: str, whole: str) -> str:
    """Return how much of the whole a part is; 0 where the whole has no such part."""
    every = _total(rate(whole))
    return f"({_total(rate(part))} or 0 * {every}) / {every}"


def _quantile(quantile: float) -> Series:
    counts = _total(rate("slipway_job_seconds_bucket{$j}"), ", le")
    return Series(f"histogram_quantile({quantile:g}, {counts})", f"p{quantile * 100:g}")


JOB_SIGNALS: tuple[SignalRow, ...] = (
    SignalRow(
        "jobs",
        "Jobs in the database",
        DashboardRow.JOBS,
        Unit.COUNT,
        one(_largest("slipway_jobs{$j}", ", state"), "{{state}}"),
        _NO_JOBS,
    ),
    SignalRow(
        "jobs-oldest",
        "Age of the job that has waited longest",
        DashboardRow.JOBS,
        Unit.SECONDS,
        one(_largest("slipway_jobs_oldest_seconds{$j}"), "oldest"),
        _NO_JOBS,
        Alarm("SlipwayJobsWaiting", "Jobs wait for a worker.", minutes=10, ticket=1800, page=14_400),
    ),
    SignalRow(
        "jobs-set-aside",
        "Jobs that were set aside",
        DashboardRow.JOBS,
        Unit.COUNT,
        one(_largest('slipway_jobs{$j,state="set_aside"}'), "set aside"),
        _NO_JOBS,
        Alarm("SlipwayJobsSetAside", "A job ended its worker again and again.", minutes=1, ticket=0),
    ),
    SignalRow(
        "jobs-failed",
        "Share of the jobs that failed",
        DashboardRow.JOBS,
        Unit.SHARE,
        one(_share(_FAILED, _ENDED), "failed"),
        _NO_JOB,
        Alarm("SlipwayJobsFailing", "Jobs fail.", minutes=15, ticket=0.1, page=0.5),
    ),
    SignalRow(
        "jobs-ended",
        "Jobs that were accepted and that ended",
        DashboardRow.JOBS,
        Unit.PER_SECOND,
        (
            Series(_total(rate("slipway_jobs_accepted_total{$j}")), "accepted"),
            Series(_total(rate(_ENDED), ", outcome"), "{{outcome}}"),
        ),
        _NO_JOBS,
    ),
    SignalRow(
        "job-seconds",
        "Seconds of a job",
        DashboardRow.JOBS,
        Unit.SECONDS,
        (_quantile(0.5), _quantile(0.95), _quantile(0.99)),
        _NO_JOB,
    ),
    SignalRow(
        "workers",
        "Workers that answer Prometheus",
        DashboardRow.JOBS,
        Unit.COUNT,
        one(_total("up{$k}"), "workers"),
        "Prometheus reads no worker: none runs, or its page is not scraped.",
    ),
    SignalRow(
        "webhooks",
        "Share of the webhooks that were not delivered",
        DashboardRow.JOBS,
        Unit.SHARE,
        one(_share(_UNDELIVERED, _WEBHOOKS), "not delivered"),
        "No webhook was sent since the workers started.",
        Alarm("SlipwayWebhooksFailing", "Webhooks are not delivered.", minutes=30, ticket=0.2),
    ),
)
