"""The limits of instances over a month in which schedules change them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

from slipway.components.aws.schedules import times_in
from slipway.infra.resources.reading import Resource, at, number

# Of this year the times of a schedule are taken: it begins on a Friday and has 365 days, as most do.
_YEAR = 2027


@dataclass(frozen=True, slots=True)
class Span:
    """A share of the month with its minimum and maximum of instances."""

    share: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class InstanceMonth:
    """The spans of a month, whose shares add up to 1. unplaced: names of schedules without a place in it."""

    spans: tuple[Span, ...]
    unplaced: tuple[str, ...] = ()

    @property
    def most(self) -> float:
        return max(span.most for span in self.spans)


def limits_of(least: float, most: float, actions: Sequence[Resource]) -> InstanceMonth:
    """Return the limits under scheduled actions, each of which holds until the next one.

    An action without a place in a month, such as one for a single day, is taken to hold for all of it if it
    raises a limit.
    """
    fired: list[tuple[datetime, float, float]] = []
    unplaced: list[tuple[str, float, float]] = []
    for action in actions:
        target = at(action.inputs, "scalableTargetAction")
        low, high = (number(at(target, key), 0) for key in ("minCapacity", "maxCapacity"))
        times = _times(action)
        if times is None:
            unplaced.append((action.name, low, high))
        else:
            fired += [(time, low, high) for time in times]
    spans = _between(sorted(fired)) if fired else [Span(1.0, least, most)]
    low = max((low for _, low, _ in unplaced), default=0.0)
    high = max((high for _, _, high in unplaced), default=0.0)
    whole = tuple(Span(one.share, max(one.least, low), max(one.most, high)) for one in spans)
    return InstanceMonth(whole, tuple(name for name, _, _ in unplaced))


def _times(action: Resource) -> list[datetime] | None:
    schedule, timezone = action.inputs.get("schedule"), action.inputs.get("timezone") or "UTC"
    try:
        return times_in(str(schedule), str(timezone), _YEAR)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _between(fired: list[tuple[datetime, float, float]]) -> list[Span]:
    """Return the spans between the actions; what held at the end of the year holds at its beginning."""
    first, last = fired[0][0], fired[-1][0]
    whole = (first.replace(year=first.year + 1) - first).total_seconds()
    shares: dict[tuple[float, float], float] = {}
    ends = [time for time, _, _ in fired[1:]]
    for (start, low, high), end in zip(fired, [*ends, None], strict=True):
        seconds = (end - start).total_seconds() if end else whole - (last - first).total_seconds()
        shares[low, high] = shares.get((low, high), 0.0) + seconds / whole
    return [Span(share, low, high) for (low, high), share in shares.items()]
