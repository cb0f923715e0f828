"""Decides which arguments of a rollout are refused, in the same words on every target. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from ..fault import Fault
from .kinds import CANARY, KINDS, MOST_BAKE_MINUTES, ROLLING
from .rollback_rules import read_rule


@dataclass(frozen=True, slots=True)
class RolloutArguments:
    """How a new version takes over. None and (): not given."""

    rollout: str
    canary_percent: float | None = None
    bake_minutes: float | None = None
    rollback_on: tuple[str, ...] = ()

    @classmethod
    def of(cls, spec: Any) -> Self:
        """Return those of a spec or of settings, which has fields of these names; '' is not set."""
        return cls(spec.rollout or ROLLING, spec.canary_percent, spec.bake_minutes, tuple(spec.rollback_on))


def rollout_faults(given: RolloutArguments, kinds: Sequence[str] = KINDS) -> Iterator[Fault]:
    """Yield what is wrong with them. kinds: those that the target has."""
    if given.rollout not in kinds:
        yield Fault("rollout", repr(given.rollout), f"allowed are {', '.join(kinds)}")
    yield from _number_faults(given)
    if given.rollout == ROLLING:
        yield from _unwatched_faults(given)
    for text in given.rollback_on:
        try:
            read_rule(text)
        except ValueError as error:
            yield Fault("rollback_on", repr(text), f"allowed are {error}", verb="has")


def _number_faults(given: RolloutArguments) -> Iterator[Fault]:
    percent, minutes = given.canary_percent, given.bake_minutes
    if percent is not None and given.rollout != CANARY:
        allowed = "use `rollout` canary, or leave it out"
        yield Fault("canary_percent", f"{percent:g}", allowed, f"with `rollout` {given.rollout}")
    if percent is not None and not 0 < percent < 100:
        yield Fault("canary_percent", f"{percent:g}", "it must be above 0 and below 100 %")
    if minutes is not None and not 0 < minutes <= MOST_BAKE_MINUTES:
        allowed = f"it must be above 0 and at most {MOST_BAKE_MINUTES} minutes"
        yield Fault("bake_minutes", f"{minutes:g}", allowed, nearest=MOST_BAKE_MINUTES)


def _unwatched_faults(given: RolloutArguments) -> Iterator[Fault]:
    """Yield what a rolling rollout has no use for."""
    allowed = "use `rollout` canary or blue-green, or leave it out"
    shown = {
        "bake_minutes": f"{given.bake_minutes:g}" if given.bake_minutes else "",
        "rollback_on": f"{len(given.rollback_on)} rules" if given.rollback_on else "",
    }
    for name in (name for name, value in shown.items() if value):
        yield Fault(name, shown[name], allowed, "with `rollout` rolling, which watches nothing")
