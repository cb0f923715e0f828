"""The CloudWatch alarms of one service, derived from the described signals and its objective. Pure.

`basic` has one alarm for each signal, of few metrics, because CloudWatch bills each metric that an alarm
reads. Of an objective it has the fastest rate at which a budget may be spent, in two of three periods of five
minutes; with canaries, of the worse of two versions. `full` has every severity, and the slower rates too,
each in two windows: a composite alarm is raised while both are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..observability.args import Observability
from ..observability.objective import Burn
from ..observability.prometheus import RUNBOOKS, anchor, span
from ..observability.signal import Alarm, BurnAlarm, Severity, SignalRow
from ..observability.signals import BURNS, LEAST_BAD_REQUESTS
from ..observability.watch import Watch
from .alarm_names import alarm_name, burn_name, share_name
from .cloud_signals import LEAST, SLOW, CloudSignal, Reading, Step, cloud_signals
from .spec import FargateSpec
from .version_signals import of_versions

_MINUTE = 60
_DAY = 24 * 60
# Of the fastest rate: so many of so many periods of this length.
_FAST_SECONDS, _FAST_BAD, _FAST_PERIODS = 300, 2, 3


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm of CloudWatch on one signal.

    role: of its resource. name: its own. steps, readings: what is computed, for this alarm. above: whether
    higher values are bad. periods: how many it looks at; bad: how many of them raise it. notifies: whether
    somebody hears of it, and not only the alarm that reads it.
    """

    role: str
    name: str
    signal: CloudSignal
    readings: tuple[Reading, ...]
    steps: tuple[Step, ...]
    threshold: float
    above: bool
    period_seconds: int
    periods: int
    bad: int
    description: str
    notifies: bool = True


@dataclass(frozen=True, slots=True)
class BudgetAlarm:
    """A composite alarm, raised while the alarms of both of its windows are."""

    role: str
    name: str
    windows: tuple[MetricAlarm, MetricAlarm]
    description: str

    @property
    def rule(self) -> str:
        return " AND ".join(f'ALARM("{window.name}")' for window in self.windows)


def watch_of(spec: FargateSpec) -> Watch:
    return Watch.of(spec.service.task, spec.objective, spec.thresholds, jobs=spec.jobs.jobs)


def rows_of(spec: FargateSpec) -> Iterator[tuple[CloudSignal, SignalRow]]:
    """Yield the signals that CloudWatch shows of a service, with their described rows, in the order of those.

    A row has the words that are right here.
    """
    shown = {signal.key: signal for signal in cloud_signals(spec)}
    for row in watch_of(spec).signals:
        if signal := shown.get(row.key):
            alarm = replace(row.alarm, meaning=signal.meaning) if row.alarm and signal.meaning else row.alarm
            yield signal, replace(row, title=signal.title or row.title, alarm=alarm)


def metric_alarms(spec: FargateSpec) -> Iterator[MetricAlarm]:
    """Yield the alarms that notify by themselves."""
    if spec.observability is Observability.OFF:
        return
    for signal, row in rows_of(spec):
        if isinstance(row.alarm, BurnAlarm):
            yield _fastest(spec, signal, row, row.alarm)
        elif isinstance(row.alarm, Alarm):
            for severity, threshold in _thresholds(spec, signal, row.alarm).items():
                yield _on_threshold(spec, signal, row, row.alarm, severity, threshold)


def budget_alarms(spec: FargateSpec) -> Iterator[BudgetAlarm]:
    """Yield the alarms of the slower rates at which a budget is spent."""
    if spec.observability is not Observability.FULL:
        return
    for signal, row in rows_of(spec):
        if isinstance(row.alarm, BurnAlarm):
            # A longer evaluation is only made once an hour: DOCS AmazonCloudWatch, alarm-evaluation.
            for burn in (burn for burn in BURNS[1:] if burn.long_minutes <= _DAY):
                yield _budget(spec, signal, row, row.alarm, burn)


def alarm_names(spec: FargateSpec) -> dict[str, str]:
    """Return the name of the most urgent alarm of each signal that has one, by the signal's key."""
    found: dict[str, str] = {}
    for alarm in metric_alarms(spec):
        found.setdefault(alarm.signal.key, alarm.name)
    return found


def _thresholds(spec: FargateSpec, signal: CloudSignal, alarm: Alarm) -> dict[Severity, float]:
    """Return the thresholds that alarm, the most urgent first.

    Those that the service sets; beyond them, with `basic` the least urgent one where it sets none.
    """
    given = spec.thresholds.get(signal.key, {})
    every = dict(alarm.thresholds)
    if given and spec.observability is Observability.BASIC:
        return {severity: value for severity, value in every.items() if severity.value in given}
    if not signal.alarms(spec) and not given:
        return {}
    if not every and signal.assumed is not None:
        return {Severity.TICKET: signal.assumed}
    return every if spec.observability is Observability.FULL else dict(list(every.items())[-1:])


def _on_threshold(
    spec: FargateSpec,
    signal: CloudSignal,
    row: SignalRow,
    alarm: Alarm,
    severity: Severity,
    threshold: float,
) -> MetricAlarm:
    side, value = ("below" if alarm.below else "above"), f"{threshold:g} for {alarm.minutes} min"
    return MetricAlarm(
        f"{signal.key}-{severity.value}-alarm",
        alarm_name(spec.name, signal.key, severity),
        signal,
        *_filled(spec, signal, LEAST_BAD_REQUESTS),
        round(signal.scaled(threshold, spec), 6),
        alarm.below is signal.inverted,
        _MINUTE,
        alarm.minutes,
        alarm.minutes,
        _described(spec, alarm, f"{row.title}: {side} {value} ({severity.value})."),
    )


def _fastest(spec: FargateSpec, signal: CloudSignal, row: SignalRow, alarm: BurnAlarm) -> MetricAlarm:
    burn = BURNS[0]
    most = _most(spec, signal, burn)
    minutes = _FAST_SECONDS // _MINUTE
    text = (
        f"{row.title}: above {most * 100:g} % in {_FAST_BAD} of {_FAST_PERIODS} periods of {minutes} min "
        f"({burn.severity.value})."
    )
    return MetricAlarm(
        f"{signal.key}-{burn.severity.value}-alarm",
        alarm_name(spec.name, signal.key, burn.severity),
        signal,
        *_filled(spec, of_versions(spec, signal), LEAST_BAD_REQUESTS // _FAST_BAD),
        most,
        True,
        _FAST_SECONDS,
        _FAST_PERIODS,
        _FAST_BAD,
        _described(spec, alarm, text),
    )


def _budget(
    spec: FargateSpec, signal: CloudSignal, row: SignalRow, alarm: BurnAlarm, burn: Burn
) -> BudgetAlarm:
    window, most = span(burn.long_minutes), _most(spec, signal, burn)
    both = (burn.long_minutes, burn.short_minutes)
    text = (
        f"{row.title}: above {most * 100:g} % in the last {window} and still in the last "
        f"{span(burn.short_minutes)} ({burn.severity.value})."
    )
    long, short = (_window(spec, signal, row, burn, minutes, most) for minutes in both)
    return BudgetAlarm(
        f"{signal.key}-budget-{window}-alarm",
        burn_name(spec.name, signal.key, window),
        (long, short),
        _described(spec, alarm, text),
    )


def _window(
    spec: FargateSpec, signal: CloudSignal, row: SignalRow, burn: Burn, minutes: int, most: float
) -> MetricAlarm:
    """Return the alarm of one window. In the short one, as few failures count as in its part of the other."""
    least = max(LEAST_BAD_REQUESTS * minutes // burn.long_minutes, 1)
    window = span(minutes)
    return MetricAlarm(
        f"{signal.key}-share-{window}-alarm",
        share_name(spec.name, signal.key, window),
        signal,
        *_filled(spec, signal, least),
        most,
        True,
        minutes * _MINUTE,
        1,
        1,
        f"{row.title}: above {most * 100:g} % in {window}. Notifies nobody: another alarm reads it.",
        notifies=False,
    )


def _most(spec: FargateSpec, signal: CloudSignal, burn: Burn) -> float:
    objective = watch_of(spec).objective
    return round(objective.budgets[signal.key] * burn.rate(objective.window_days), 6)


def _filled(
    spec: FargateSpec, signal: CloudSignal, least: int
) -> tuple[tuple[Reading, ...], tuple[Step, ...]]:
    """Fill in where an answer is slow, and how many bad requests count."""
    slow = f"{watch_of(spec).objective.slow_seconds:g}"
    readings = tuple(replace(each, statistic=each.statistic.replace(SLOW, slow)) for each in signal.readings)
    return readings, tuple(Step(each.id, each.expression.replace(LEAST, str(least))) for each in signal.steps)


def drawn(spec: FargateSpec, signal: CloudSignal) -> tuple[tuple[Reading, ...], tuple[Step, ...]]:
    """Return what a dashboard draws of a signal: as alarms compute it, but also of few bad requests."""
    return _filled(spec, signal, 0)


def _described(spec: FargateSpec, alarm: Alarm | BurnAlarm, text: str) -> str:
    """Return what an e-mail says of the alarm. CloudWatch takes 1024 characters."""
    page = f"{spec.runbooks_url or RUNBOOKS}#{anchor(alarm)}"
    return f"{spec.name}: {alarm.meaning} {text} What to do: {page}"
