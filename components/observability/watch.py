"""What is watched of one service: the described signals, with the objective and thresholds it sets. Pure."""

import difflib
import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NotRequired, Self, TypedDict

from ..fault import Fault
from .gpu_signals import GPU_SIGNALS
from .objective import Objective, objective_faults
from .signal import Alarm, Severity, SignalRow, Unit
from .signals import BURNS, BY_KEY, JOB_KEYS, OBJECTIVE, SIGNALS, SLOW_SECONDS, TUNABLE

# More seconds, connections or restarts than any service has: past it an alarm could never be raised.
_MOST = 1e9
GPU_KEYS = frozenset(signal.key for signal in GPU_SIGNALS)
# Without a quote, a `#` or braces: an anchor follows, and Prometheus reads templates in annotations.
_PAGE = re.compile(r"https?://[!$-z|~]+")


class ServiceObjective(TypedDict):
    """What a service promises."""

    availability: NotRequired[float]
    """Share of the requests that do not fail, in percent. Default 99.5."""
    latency: NotRequired[float]
    """Share of the good answers that are not slow, in percent. Default 99."""
    seconds: NotRequired[float]
    """Seconds after which an answer is slow. Default 1; 10 for `summarize` and 30 for `generate`."""
    days: NotRequired[float]
    """Days in which it holds: 28 or 30. Default 30."""


class AlarmThresholds(TypedDict):
    """Where a signal raises an alarm."""

    ticket: NotRequired[float]
    """Value past which somebody looks on the next working day."""
    page: NotRequired[float]
    """Value past which somebody is called."""


@dataclass(frozen=True, slots=True)
class Watch:
    """The signals of one service, in their order, with its own thresholds, and its objective."""

    objective: Objective = OBJECTIVE
    signals: tuple[SignalRow, ...] = SIGNALS

    @classmethod
    def of(
        cls,
        task: str,
        objective: ServiceObjective,
        thresholds: Mapping[str, AlarmThresholds],
        *,
        jobs: bool = False,
    ) -> Self:
        """Fill in the defaults, for arguments without a fault. jobs: whether the service takes any."""
        given = Objective(
            objective.get("availability", OBJECTIVE.availability_percent),
            objective.get("latency", OBJECTIVE.latency_percent),
            objective.get("seconds", SLOW_SECONDS.get(task, OBJECTIVE.slow_seconds)),
            objective.get("days", OBJECTIVE.window_days),
        )
        signals = (signal for signal in SIGNALS if jobs or signal.key not in JOB_KEYS)
        return cls(given, tuple(_with_thresholds(signal, thresholds.get(signal.key)) for signal in signals))

    def without_gpus(self) -> Self:
        """Return it without the signals of GPUs, where none is there or none is measured."""
        return replace(self, signals=tuple(each for each in self.signals if each.key not in GPU_KEYS))


def _with_thresholds(signal: SignalRow, given: AlarmThresholds | None) -> SignalRow:
    if not given or not isinstance(signal.alarm, Alarm):
        return signal
    return replace(signal, alarm=replace(signal.alarm, **given))


def watch_faults(
    task: str,
    objective: ServiceObjective,
    thresholds: Mapping[str, AlarmThresholds],
    tunable: Collection[str] = TUNABLE,
) -> Iterator[Fault]:
    """Yield what is wrong with the arguments `objective` and `thresholds`.

    tunable: the signals that have a threshold where the service runs.
    """
    fastest = max(burn.rate(OBJECTIVE.window_days) for burn in BURNS if burn.severity is Severity.PAGE)
    yield from objective_faults(Watch.of(task, objective, {}).objective, fastest)
    for key, given in thresholds.items():
        if key not in tunable:
            near = difflib.get_close_matches(key, tunable, 1)
            allowed = f"allowed are {', '.join(tunable)}"
            nearest = near[0] if near else None
            yield Fault("thresholds", repr(key), allowed, ", which has no threshold", nearest, verb="has")
        else:
            yield from _threshold_faults(BY_KEY[key], given)


def runbooks_faults(page: str) -> Iterator[Fault]:
    """Yield why the argument `runbooks_url` is no page; nothing where none is given."""
    if page and not _PAGE.fullmatch(page):
        allowed = (
            "it must be the address of a page, without an anchor, such as https://docs.example.com/runbooks"
        )
        yield Fault("runbooks_url", repr(page), allowed)


def _threshold_faults(signal: SignalRow, given: AlarmThresholds) -> Iterator[Fault]:
    where = f"thresholds.{signal.key}"
    most = 1 if signal.unit is Unit.SHARE else _MOST
    out_of_range = [
        (level, value)
        for level, value in (("ticket", given.get("ticket")), ("page", given.get("page")))
        if value is not None and not 0 <= value <= most
    ]
    for level, value in out_of_range:
        allowed = "it must be a share from 0 to 1" if most == 1 else f"it must be 0 to {_MOST:,.0f}"
        nearest = None if math.isnan(value) else 0 if value < 0 else most
        yield Fault(f"{where}.{level}", f"{value:g}", allowed, nearest=nearest)
    alarm = _with_thresholds(signal, given).alarm
    assert isinstance(alarm, Alarm)
    if out_of_range or alarm.ticket is None or alarm.page is None:
        return
    if not (alarm.page < alarm.ticket if alarm.below else alarm.ticket < alarm.page):
        comparison = "below" if alarm.below else "above"
        reason = f"with `page` {alarm.page:g}"
        allowed = f"`page` must be {comparison} `ticket`, which comes first as things get worse"
        yield Fault(f"{where}.ticket", f"{alarm.ticket:g}", allowed, reason)
