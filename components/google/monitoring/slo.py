"""Renders the objectives of a service as Service-Level Objectives of Cloud Monitoring. Pure.

Only of what the platform counts: an objective needs a metric of good and all requests, or of their times.
Source: docs.cloud.google.com/stackdriver/docs/solutions/slo-monitoring/sli-metrics/overview.
"""

# Else the annotations import all of `gcp.monitoring`, for those who only check.
from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...observability.signal import BurnAlarm
from .subject import MonitoredService

if TYPE_CHECKING:
    import pulumi_gcp as gcp


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """One objective. key: of its signal. goal: a share. days: of its window."""

    key: str
    text: str
    goal: float
    days: int
    indicator: gcp.monitoring.SloRequestBasedSliArgsDict


def objectives_of(watched: MonitoredService) -> list[ServiceLevel]:
    """Return the objectives that the platform's metrics of requests can be held to."""
    measured = {signal.key for signal in watched.watch.signals if isinstance(signal.alarm, BurnAlarm)}
    if not watched.requests or not measured & watched.rows.keys():
        return []
    promise, window = watched.watch.objective, int(watched.watch.objective.window_days)
    slow = promise.slow_seconds
    return [
        ServiceLevel(
            "availability",
            f"{promise.availability_percent:g} % of the requests of {window} days do not fail",
            _goal(promise.availability_percent),
            window,
            {
                "good_total_ratio": {
                    "total_service_filter": _filter(watched, "request_count"),
                    "bad_service_filter": _filter(watched, "request_count", response_code="429|5.."),
                }
            },
        ),
        ServiceLevel(
            "latency",
            f"{promise.latency_percent:g} % of the good answers of {window} days take {slow:g} s or less",
            _goal(promise.latency_percent),
            window,
            {
                "distribution_cut": {
                    "distribution_filter": _filter(
                        watched, "request_latencies", response_code_class="[123]xx"
                    ),
                    "range": {"max": slow * 1000},
                }
            },
        ),
    ]


def _goal(percent: float) -> float:
    return round(percent / 100, 10)


def _filter(watched: MonitoredService, metric: str, **labels: str) -> str:
    """Return a filter of Cloud Monitoring for a metric of requests whose labels match regular expressions."""
    parts = [f'metric.type="run.googleapis.com/{metric}"', watched.requests]
    parts += [
        f"metric.labels.{name}=monitoring.regex.full_match({json.dumps(pattern)})"
        for name, pattern in labels.items()
    ]
    return " AND ".join(parts)
