"""Checks the arguments by which a cloud's monitoring watches a service. Pure."""

from collections.abc import Collection, Iterator

from ..fault import Fault
from .args import Observability, Watched
from .email import email_faults
from .signals import TUNABLE
from .watch import runbooks_faults, watch_faults

_OF_ALARMS = ("alert_email", "objective", "thresholds", "runbooks_url")


def watched_faults(task: str, spec: Watched, tunable: Collection[str] = TUNABLE) -> Iterator[Fault]:
    """Yield what is wrong with the arguments. tunable: the signals with a threshold on this target."""
    if spec.observability is Observability.OFF:
        for key in _OF_ALARMS:
            if getattr(spec, key):
                allowed = "set it to basic or full, or leave this out"
                yield Fault(key, "given", allowed, "with `observability` off, so nothing raises an alarm")
    yield from email_faults(spec.alert_email)
    yield from watch_faults(task, spec.objective, spec.thresholds, tunable)
    yield from runbooks_faults(spec.runbooks_url)
