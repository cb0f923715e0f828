"""How long each kind of a service's log lines is kept, in days: defaults, and checks by a cloud's values.

The server names a line's kind in its field `kind` (service/logs.py). Pure.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NotRequired, TypedDict

from .fault import Fault

KINDS = ("access", "event", "exception", "payload")
# Personal data least: requests have the network of their client, and samples what somebody wrote.
DEFAULT_DAYS: Mapping[str, int] = {"access": 30, "event": 90, "exception": 90, "payload": 14}


class LogRetention(TypedDict):
    """Days to keep each kind of log line."""

    access: NotRequired[int]
    """Days to keep the line of each request."""
    event: NotRequired[int]
    """Days to keep every other line without a stack."""
    exception: NotRequired[int]
    """Days to keep lines with the stack of an exception."""
    payload: NotRequired[int]
    """Days to keep sampled requests."""


def days_by_kind(given: Mapping[str, float], defaults: Mapping[str, float] = DEFAULT_DAYS) -> dict[str, int]:
    """Return the days of every kind. given: those that were set, and checked."""
    return {kind: int(given.get(kind, defaults[kind])) for kind in KINDS}


def retention_faults(
    given: Mapping[str, float], allowed_days: Collection[int], allowed: str
) -> Iterator[Fault]:
    """Yield which days the cloud does not offer. allowed: a clause that lists what it offers."""
    for kind, days in given.items():
        if days not in allowed_days:
            near = min(allowed_days, key=lambda one: (abs(one - days), one))
            yield Fault(f"log_retention.{kind}", f"{days:g}", allowed, nearest=near)
