"""Renders the rules of Prometheus that watch one service: recorded shares, and alerts. Pure.

The groups are those of a rule file, and of the objects PrometheusRule of the Prometheus Operator and Rules of
Google's Managed Prometheus: prometheus.io/docs/prometheus/latest/configuration/recording_rules.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .objective import Burn
from .signal import Alarm, BurnAlarm, Severity, SignalRow
from .signals import BURNS, LEAST_BAD_REQUESTS
from .watch import Watch

INTERVAL = "30s"
# Of rates in alarms that no burn rate raises: a scrape every 30 s may fail twice.
ALARM_WINDOW = "5m"
_MINUTES = {"d": 24 * 60, "h": 60, "m": 1}
# github.com/prometheus-operator/prometheus-operator, Documentation/api-reference/api.md
OPERATOR_API = "monitoring.coreos.com/v1"
RUNBOOKS = "docs/guides/runbooks.md"
"""Where the runbooks are in Slipway's repository, and in its site under another ending."""


@dataclass(frozen=True, slots=True)
class Subject:
    """The service that is watched.

    name: which is Prometheus' `job`. namespace: of Kubernetes; '' elsewhere. runbooks: page of the runbooks.
    """

    name: str
    namespace: str = ""
    runbooks: str = RUNBOOKS

    @property
    def selector(self) -> str:
        """Return the matchers of its series."""
        where = f'namespace="{self.namespace}",' if self.namespace else ""
        return f'{where}job="{self.name}"'


def rule_groups(subject: Subject, watch: Watch) -> list[dict[str, Any]]:
    """Return the groups of rules of a service; a group's name is unique in a namespace."""
    recorded = [rule for signal in watch.signals for rule in _recorded(subject, watch, signal)]
    alerts = [rule for signal in watch.signals for rule in _alerts(subject, watch, signal)]
    return [
        {"name": f"slipway-{subject.name}-shares", "interval": INTERVAL, "rules": recorded},
        {"name": f"slipway-{subject.name}-alarms", "interval": INTERVAL, "rules": alerts},
    ]


def _recorded(subject: Subject, watch: Watch, signal: SignalRow) -> Iterator[dict[str, Any]]:
    """Yield the share of bad requests in each window of a burn rate, and their number in the long ones."""
    if not isinstance(signal.alarm, BurnAlarm):
        return
    share, number = signal.series
    slow_seconds = watch.objective.slow_seconds
    for minutes in sorted({size for burn in BURNS for size in (burn.short_minutes, burn.long_minutes)}):
        expression = share.promql(subject.selector, span(minutes), slow_seconds)
        yield {"record": share_name(signal, minutes), "expr": expression}
    for minutes in sorted({burn.long_minutes for burn in BURNS}):
        expression = number.promql(subject.selector, span(minutes), slow_seconds)
        yield {"record": number_name(signal, minutes), "expr": f"({expression}) * {minutes * 60}"}


def share_name(signal: SignalRow, minutes: int) -> str:
    """Return the name of the recorded share of bad requests in a window."""
    return f"slipway:{signal.key}:bad_share{span(minutes)}"


def number_name(signal: SignalRow, minutes: int) -> str:
    """Return the name of the recorded number of bad requests in a window."""
    return f"slipway:{signal.key}:bad_requests{span(minutes)}"


def _alerts(subject: Subject, watch: Watch, signal: SignalRow) -> Iterator[dict[str, Any]]:
    if not signal.series:
        return
    if isinstance(signal.alarm, BurnAlarm):
        for burn in BURNS:
            yield _burn_alert(subject, watch, signal, signal.alarm, burn)
    elif signal.alarm:
        for severity, threshold in signal.alarm.thresholds.items():
            yield _threshold_alert(subject, watch, signal, signal.alarm, severity, threshold)


def _burn_alert(
    subject: Subject, watch: Watch, signal: SignalRow, alarm: BurnAlarm, burn: Burn
) -> dict[str, Any]:
    budget, rate = watch.objective.budgets[signal.key], burn.rate(watch.objective.window_days)
    most, selector = f"{budget * rate:.6g}", f"{{{subject.selector}}}"
    conditions = (
        f"{share_name(signal, burn.long_minutes)}{selector} > {most}",
        f"{share_name(signal, burn.short_minutes)}{selector} > {most}",
        f"{number_name(signal, burn.long_minutes)}{selector} >= {LEAST_BAD_REQUESTS}",
    )
    share = "{{ $value | humanizePercentage }}"
    text = (
        f"{alarm.meaning} {share} in the last {span(burn.long_minutes)}, at most {budget * 100:g} % of "
        f"{watch.objective.window_days:g} days: {rate:.3g} times too fast, and still so in the last "
        f"{span(burn.short_minutes)}."
    )
    return {
        "alert": alarm.name,
        "expr": " and ".join(conditions),
        "labels": {**_labels(subject, signal, burn.severity), "window": span(burn.long_minutes)},
        "annotations": _annotations(subject, alarm, text),
    }


def _threshold_alert(
    subject: Subject, watch: Watch, signal: SignalRow, alarm: Alarm, severity: Severity, threshold: float
) -> dict[str, Any]:
    expression = signal.series[0].promql(subject.selector, ALARM_WINDOW, watch.objective.slow_seconds)
    comparison = "<" if alarm.below else ">"
    where = "{{ with $labels.instance }} of {{ . }}{{ end }}"
    text = (
        f"{alarm.meaning} {signal.title}{where}: {{{{ $value | humanize }}}}, "
        f"{'below' if alarm.below else 'above'} {threshold:g} for {alarm.minutes} min."
    )
    return {
        "alert": alarm.name,
        "expr": f"({expression}) {comparison} {threshold:g}",
        "for": f"{alarm.minutes}m",
        "labels": _labels(subject, signal, severity),
        "annotations": _annotations(subject, alarm, text),
    }


def _labels(subject: Subject, signal: SignalRow, severity: Severity) -> dict[str, str]:
    return {"severity": severity.value, "service": subject.name, "signal": signal.key}


def _annotations(subject: Subject, alarm: Alarm | BurnAlarm, text: str) -> Mapping[str, str]:
    return {
        "summary": f"{subject.name}: {alarm.meaning}",
        "description": text,
        "runbook_url": f"{subject.runbooks}#{anchor(alarm)}",
    }


def anchor(alarm: Alarm | BurnAlarm) -> str:
    """Return the anchor of an alarm's section on the page of the runbooks."""
    return alarm.name.lower()


def span(minutes: int) -> str:
    """Return a duration as Prometheus writes it, in the largest unit that is whole: 6h."""
    unit = next(unit for unit, size in _MINUTES.items() if minutes % size == 0)
    return f"{minutes // _MINUTES[unit]}{unit}"
