"""Renders the alarms of a service as alerting policies of Cloud Monitoring. Pure.

Each policy has one condition, because Google bills conditions: all pairs of windows of an objective that
call with the same severity are one query. `select_slo_burn_rate` would take two conditions for each pair, and
cannot leave out the hour in which one of two requests failed. A condition is evaluated every two minutes to
page, and every ten for a ticket: what is evaluated is billed too, and metrics are three minutes late anyway.
Source: docs.cloud.google.com/monitoring/alerts/using-promql; pricing: infra/cost/prices.csv.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ...observability.objective import Burn
from ...observability.prometheus import ALARM_WINDOW, Subject, anchor, span
from ...observability.signal import Alarm, BurnAlarm, Severity, SignalRow
from ...observability.signals import BURNS, LEAST_BAD_REQUESTS
from .row import CloudRow, filled
from .subject import MonitoredService

# cloud.google.com/monitoring/api/ref_v3: severity of an AlertPolicy.
SEVERITIES = {Severity.PAGE: "CRITICAL", Severity.TICKET: "WARNING"}
EVALUATED_SECONDS = {Severity.PAGE: 120, Severity.TICKET: 600}
_ERRORS = "severity>=ERROR"


@dataclass(frozen=True, slots=True)
class Policy:
    """One alerting policy.

    key: unique in the service. query: PromQL that has a result while the alarm should fire, with `$c` for the
    id of the uptime check; '' where lines of the log raise it, which `lines` selects.
    """

    key: str
    alarm: Alarm | BurnAlarm
    severity: Severity
    text: str
    query: str = ""
    minutes: int = 0
    lines: str = ""

    @property
    def evaluated_seconds(self) -> int:
        return EVALUATED_SECONDS[self.severity]


def policies_of(watched: MonitoredService) -> list[Policy]:
    """Return the policies of every alarm that can be measured, in the order of the signals."""
    return [policy for signal in watched.watch.signals for policy in _of_signal(watched, signal)]


def _of_signal(watched: MonitoredService, signal: SignalRow) -> Iterator[Policy]:
    row = watched.row(signal)
    own = watched.own if signal.series else None
    if (row is None and own is None) or (row and row.is_quiet):
        return
    if isinstance(signal.alarm, BurnAlarm):
        for severity in Severity:
            yield _burn_policy(watched, signal, signal.alarm, severity, row)
    elif isinstance(signal.alarm, Alarm):
        if row and not row.series:
            lines = f"{watched.lines} AND {_ERRORS}"
            yield Policy(signal.key, signal.alarm, Severity.TICKET, signal.alarm.meaning, lines=lines)
            return
        for severity, threshold in signal.alarm.thresholds.items():
            yield _threshold_policy(watched, signal, signal.alarm, severity, threshold, row)


def _threshold_policy(
    watched: MonitoredService,
    signal: SignalRow,
    alarm: Alarm,
    severity: Severity,
    threshold: float,
    row: CloudRow | None,
) -> Policy:
    if row:
        expression = filled(row.series[0].expression, {**watched.values, "w": ALARM_WINDOW})
    else:
        assert watched.own  # the caller's condition
        several = signal.series[0].promql(watched.own.selector, ALARM_WINDOW, _slow_seconds(watched))
        expression = f"{'min' if alarm.below else 'max'}({several})"
    side = "below" if alarm.below else "above"
    text = f"{alarm.meaning} {signal.title}: {side} {threshold:g} for {alarm.minutes} min."
    query = f"{expression} {'<' if alarm.below else '>'} {threshold:g}"
    return Policy(f"{signal.key}-{severity.value}", alarm, severity, text, query, alarm.minutes)


def _burn_policy(
    watched: MonitoredService, signal: SignalRow, alarm: BurnAlarm, severity: Severity, row: CloudRow | None
) -> Policy:
    burns = [burn for burn in BURNS if burn.severity is severity]
    budget, days = watched.watch.objective.budgets[signal.key], watched.watch.objective.window_days
    query = " or ".join(f"({_burns(watched, signal, burn, row)})" for burn in burns)
    speeds = ", or ".join(
        f"{burn.rate(days):.3g} times too fast for {span(burn.long_minutes)}, and still so in the last "
        f"{span(burn.short_minutes)}"
        for burn in burns
    )
    text = f"{alarm.meaning} Of {days:g} days at most {budget * 100:g} % may be bad; now it is {speeds}."
    return Policy(f"{signal.key}-{severity.value}", alarm, severity, text, query)


def _burns(watched: MonitoredService, signal: SignalRow, burn: Burn, row: CloudRow | None) -> str:
    objective = watched.watch.objective
    most = f"{objective.budgets[signal.key] * burn.rate(objective.window_days):.6g}"
    if row and row.budget:
        values = {**watched.values, "b": most, "n": str(LEAST_BAD_REQUESTS)}
        long = filled(row.budget.long, {**values, "w": span(burn.long_minutes)})
        short = filled(row.budget.short, {**values, "w": span(burn.short_minutes)})
        return f"{long} and {short}"
    assert watched.own  # the caller's condition
    return " and ".join(_own_conditions(watched, watched.own, signal, burn, most))


def _own_conditions(
    watched: MonitoredService, own: Subject, signal: SignalRow, burn: Burn, most: str
) -> Iterator[str]:
    """Yield the conditions over the server's own metrics, which have recorded series nowhere."""
    share, number = signal.series
    slow_seconds = _slow_seconds(watched)
    for minutes in (burn.long_minutes, burn.short_minutes):
        yield f"{share.promql(own.selector, span(minutes), slow_seconds)} > {most}"
    bad = number.promql(own.selector, span(burn.long_minutes), slow_seconds)
    yield f"({bad}) * {burn.long_minutes * 60} >= {LEAST_BAD_REQUESTS}"


def _slow_seconds(watched: MonitoredService) -> float:
    return watched.watch.objective.slow_seconds


def page_of(watched: MonitoredService, alarm: Alarm | BurnAlarm) -> str:
    """Return the section of the runbooks that an alarm leads to."""
    return f"{watched.runbooks}#{anchor(alarm)}"
