"""The CloudWatch alarms that take a rollout back: those of signals, and existing ones. Pure.

A signal can take it back if its alarm tells a bad version from a good one. One that counts tasks does not:
new ones count as not ready while they load, and two versions need more of them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from .alarms import MetricAlarm, metric_alarms
from .cloud_signals import MissingData
from .spec import FargateSpec

# In front of the name of an alarm that somebody else has made.
EXISTING = "alarm:"
DEFAULT_SIGNALS = ("availability", "latency")


@dataclass(frozen=True, slots=True)
class RollbackAlarms:
    """signals: key -> its alarm, which is made with the service. existing: names of others."""

    signals: dict[str, MetricAlarm]
    existing: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        return [*(alarm.name for alarm in self.signals.values()), *self.existing]

    @property
    def least_minutes(self) -> int:
        """Return how long the slowest of the signals' alarms takes to see that something is wrong."""
        return max((minutes_of(alarm) for alarm in self.signals.values()), default=0)


def minutes_of(alarm: MetricAlarm) -> int:
    """Return how long something must be wrong until the alarm is raised."""
    return math.ceil(alarm.bad * alarm.period_seconds / 60)


def usable_signals(spec: FargateSpec) -> dict[str, MetricAlarm]:
    """Return key -> the most urgent alarm of each signal that can take a rollout back."""
    found: dict[str, MetricAlarm] = {}
    for alarm in metric_alarms(spec):
        if alarm.signal.judges and alarm.signal.missing is MissingData.GOOD:
            found.setdefault(alarm.signal.key, alarm)
    return found


def rollback_alarms(spec: FargateSpec) -> RollbackAlarms:
    """Return the alarms of a checked spec; without any that are given, those of the users' signals."""
    usable = usable_signals(spec)
    given = spec.rollback_on or tuple(key for key in DEFAULT_SIGNALS if key in usable)
    signals = {key: usable[key] for key in given if key in usable}
    return RollbackAlarms(signals, tuple(_existing(given)))


def _existing(given: tuple[str, ...]) -> Iterator[str]:
    return (each.removeprefix(EXISTING) for each in given if each.startswith(EXISTING))
