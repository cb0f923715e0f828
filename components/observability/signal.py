"""The parts of a signal: what is read of a server, how it is shown, and when it raises an alarm. Pure.

An expression is PromQL with the placeholders of expressions.py. Shares are from 0 to 1, times in seconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

# Requests that an orchestrator and the live view send: service/metrics/live.py, UNCOUNTED_ROUTES.
PROBES = ("/alive", "/ready", "/health", "/live")
_PLACEHOLDER = re.compile(r"\$([swpljk])\b")
_JOB = re.compile(r'job="([^"]*)"')
# Of the workers of a service, whose own it has in front.
WORKER_SUFFIX = "-worker"


class DashboardRow(Enum):
    """The rows of a dashboard, in their order."""

    TRAFFIC = "Traffic"
    ERRORS = "Errors"
    LATENCY = "Latency"
    SATURATION = "Saturation"
    BATCHES = "Batches"
    JOBS = "Jobs and workers"
    QUALITY = "Model quality and drift"
    VERSIONS = "Versions side by side"


class Unit(Enum):
    """What a signal's numbers count."""

    PER_SECOND = "per second"
    SHARE = "share"
    SECONDS = "seconds"
    BYTES = "bytes"
    COUNT = "count"
    CORES = "vCPU"


class Severity(Enum):
    """What an alarm asks for."""

    PAGE = "page"
    """Somebody looks now: users are affected, or will be within the hour."""
    TICKET = "ticket"
    """Somebody looks on the next working day."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a panel. legend: its name, with labels as `{{label}}`."""

    expression: str
    legend: str

    def promql(self, selector: str, window: str, slow_seconds: float) -> str:
        """Return the expression for one service. selector: matchers, such as `job="api"`."""
        values = {"s": selector, "w": window, "p": "|".join(PROBES), "l": _bound(slow_seconds)}
        values["j"] = _JOB.sub(rf'job=~"\1({WORKER_SUFFIX})?"', selector)
        values["k"] = _JOB.sub(rf'job="\1{WORKER_SUFFIX}"', selector)
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.expression)


@dataclass(frozen=True, slots=True)
class Alarm:
    """When a signal's first series raises an alarm: while it is past a threshold for some minutes.

    ticket, page: thresholds; None without one. below: whether values under them are bad, and not those above.
    minutes: how long. meaning: a sentence for the person who is called.
    """

    name: str
    meaning: str
    minutes: int
    ticket: float | None = None
    page: float | None = None
    below: bool = False

    @property
    def thresholds(self) -> Mapping[Severity, float]:
        """Return the thresholds that are set, the most urgent first."""
        both = {Severity.PAGE: self.page, Severity.TICKET: self.ticket}
        return {severity: value for severity, value in both.items() if value is not None}


@dataclass(frozen=True, slots=True)
class BurnAlarm:
    """An alarm of an objective, which the speed at which its budget is spent raises: see `BURNS`.

    The signal's first series is the share of bad requests, its second one their number per second.
    """

    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One thing that is watched: a panel of the dashboard and, with an alarm, rules and a runbook.

    key: its name, also in the argument `thresholds`. series: what is drawn; none where only a cloud's own
    metrics show it. absent: why there may be no data.
    """

    key: str
    title: str
    row: DashboardRow
    unit: Unit
    series: tuple[Series, ...]
    absent: str
    alarm: Alarm | BurnAlarm | None = None


def _bound(seconds: float) -> str:
    """Return a pattern of a bucket's label: the text format writes 1.0, and some stores keep 1."""
    return f"{seconds:g}(\\\\.0)?"
