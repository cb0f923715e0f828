"""Which service Cloud Monitoring watches, and what of it can be measured. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ...observability.prometheus import RUNBOOKS, Subject
from ...observability.signal import Alarm, SignalRow
from ...observability.watch import Watch
from .row import CloudRow


@dataclass(frozen=True, slots=True)
class MonitoredService:
    """One service.

    rows: what the platform measures. selector: PromQL's matchers of these metrics. lines: filter of its log.
    most: maximum number of instances; is_scaled: whether that is more than the minimum. requests: filter of
    Cloud Monitoring for the resource that its requests are counted of; '' where the platform counts none.
    outside: whether it is called from outside to see if it answers. own: the series of the server itself;
    None where nothing sends them to Google.
    """

    service: str
    rows: Mapping[str, CloudRow]
    selector: str
    lines: str
    watch: Watch
    most: int
    is_scaled: bool
    requests: str = ""
    outside: bool = False
    own: Subject | None = None
    runbooks: str = RUNBOOKS

    def row(self, signal: SignalRow) -> CloudRow | None:
        """Return how the platform measures a signal; None if it does not, or not for this service."""
        apart = {"outside": self.outside, "capacity": self.is_scaled}
        return self.rows.get(signal.key) if apart.get(signal.key, True) else None

    @property
    def values(self) -> dict[str, str]:
        """Return what is filled into the platform's expressions, apart from windows and shares."""
        return {
            "s": self.selector,
            "m": str(self.most),
            "l": f"{self.watch.objective.slow_seconds * 1000:g}",
        }


def tunable(rows: Mapping[str, CloudRow], signals: Collection[SignalRow]) -> tuple[str, ...]:
    """Return the signals whose thresholds a service may set; a line of the log has none."""
    return tuple(
        signal.key
        for signal in signals
        if isinstance(signal.alarm, Alarm) and signal.key in rows and rows[signal.key].series
    )


def matchers(**labels: str) -> str:
    """Return matchers of PromQL for labels with these values."""
    return ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())
