"""The objective of a service, and the speed at which its budget of failures may be spent. Pure.

The budget is what may fail in the window: 0.5 % of the requests with an objective of 99.5 %. A burn rate of 1
spends exactly all of it in the window. Percentages are of requests, times in seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ..fault import Fault
from .signal import Severity

# service/metrics/instruments.py, SECONDS: only at these does the server count how many answers were faster.
BUCKET_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
# In a shorter one the slowest rate of BURNS would be far below 1, and alarm at what the objective allows.
WINDOW_DAYS = (28, 30)
_MOST_PERCENT = 99.99
_MINUTES_OF_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows: it alarms while both spend the budget too fast."""

    budget_share: float
    long_minutes: int
    short_minutes: int
    severity: Severity

    def rate(self, window_days: float) -> float:
        """Return the burn rate that spends this share of the budget within the long window."""
        return self.budget_share * window_days * _MINUTES_OF_A_DAY / self.long_minutes


@dataclass(frozen=True, slots=True)
class Objective:
    """What a service promises: requests that do not fail, and good answers that are not slow, in a window."""

    availability_percent: float
    latency_percent: float
    slow_seconds: float
    window_days: float

    @property
    def budgets(self) -> dict[str, float]:
        """Return the share of requests that may be bad, by the key of the signal that counts them."""
        return {
            "availability": _budget(self.availability_percent),
            "latency": _budget(self.latency_percent),
        }


def _budget(percent: float) -> float:
    return round(1 - percent / 100, 10)


def objective_faults(objective: Objective, fastest: float) -> Iterator[Fault]:
    """Yield what no alarm could be made of. fastest: the highest burn rate that raises one."""
    least = 100 * (1 - 1 / fastest)
    percents = {"availability": objective.availability_percent, "latency": objective.latency_percent}
    for key, percent in percents.items():
        argument = f"objective.{key}"
        if percent > _MOST_PERCENT:
            reason = ", which leaves no failure that could be counted" if percent >= 100 else ""
            allowed = f"it must be {_MOST_PERCENT} % or less"
            yield Fault(argument, f"{percent:g}", allowed, reason, nearest=_MOST_PERCENT)
        elif not percent > least:
            nearest = _rounded_up(least)
            allowed = f"it must be {nearest:g} % or more"
            reason = ", of which a total failure would not raise the fastest alarm"
            yield Fault(argument, f"{percent:g}", allowed, reason, nearest=nearest)
    if objective.slow_seconds not in BUCKET_SECONDS:
        allowed = f"the server counts at {', '.join(f'{bound:g}' for bound in BUCKET_SECONDS)} s"
        nearest = min(BUCKET_SECONDS, key=lambda bound: abs(bound - objective.slow_seconds))
        yield Fault("objective.seconds", f"{objective.slow_seconds:g}", allowed, nearest=nearest)
    if objective.window_days not in WINDOW_DAYS:
        allowed = f"allowed are {', '.join(str(days) for days in WINDOW_DAYS)} days"
        nearest = min(WINDOW_DAYS, key=lambda days: abs(days - objective.window_days))
        yield Fault("objective.days", f"{objective.window_days:g}", allowed, nearest=nearest)


def _rounded_up(percent: float) -> float:
    """Return the next whole percentage above."""
    return float(int(percent) + 1)
