"""What a change costs: the difference of two estimates of one stack, resource by resource. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from slipway.infra.cost.money import Money, dollars
from slipway.infra.cost.stack import ResourceCost, StackCost


@dataclass(frozen=True, slots=True)
class Change:
    """One amount before and after."""

    before: Money
    after: Money

    @property
    def usd(self) -> float:
        """Return the difference of the known parts in USD."""
        return self.after.usd - self.before.usd

    @property
    def text(self) -> str:
        """Show the difference: `+$3.10`, `-$3.10` or `no change`.

        If an unknown part changed too, it comes first: a known part that falls says nothing of the whole.
        """
        known = (
            "no change"
            if abs(self.usd) < 0.005
            else f"{'+' if self.usd > 0 else '-'}{dollars(abs(self.usd))}"
        )
        if self.before.unknown == self.after.unknown:
            return known
        return "unknown" if known == "no change" else f"unknown, {known} of it known"


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource whose cost differs; a new one cost nothing before, a removed one costs nothing after."""

    urn: str
    type: str
    name: str
    idle: Change
    expected: Change
    maximum: Change


@dataclass(frozen=True, slots=True)
class CostDifference:
    """The costs of one stack before and after. resources: those that differ, the largest change first.

    stays: whether the stack is no longer planned. Nothing destroys it then, so it costs what it did.
    """

    stack: str
    idle: Change
    expected: Change
    maximum: Change
    resources: tuple[ResourceChange, ...]
    stays: bool = False


def difference_of(before: StackCost | None, after: StackCost | None) -> CostDifference:
    """Compare two costs of one stack. None: the stack is not planned on that side.

    One that is planned no more costs as before until it is destroyed.
    """
    either = after or before
    if either is None:
        raise ValueError("A difference needs one stack at least.")
    if before is not None and after is None:
        return CostDifference(before.stack, *_changes(before, before), resources=(), stays=True)
    old, new = _by_urn(before), _by_urn(after)
    changes = [_change(urn, old.get(urn), new.get(urn)) for urn in sorted({*old, *new})]
    differing = [one for one in changes if any(_differs(c) for c in (one.idle, one.expected, one.maximum))]
    return CostDifference(
        either.stack,
        *_changes(before, after),
        resources=tuple(sorted(differing, key=lambda one: -abs(one.maximum.usd))),
    )


def _changes(
    before: StackCost | ResourceCost | None, after: StackCost | ResourceCost | None
) -> tuple[Change, Change, Change]:
    return (
        Change(before.idle if before else Money(), after.idle if after else Money()),
        Change(before.expected if before else Money(), after.expected if after else Money()),
        Change(before.maximum if before else Money(), after.maximum if after else Money()),
    )


def _by_urn(cost: StackCost | None) -> Mapping[str, ResourceCost]:
    return {one.urn: one for one in cost.resources} if cost else {}


def _change(urn: str, before: ResourceCost | None, after: ResourceCost | None) -> ResourceChange:
    either = after or before
    assert either is not None  # the URN is of one of them
    return ResourceChange(urn, either.type, either.name, *_changes(before, after))


def _differs(change: Change) -> bool:
    return change.text != "no change"
