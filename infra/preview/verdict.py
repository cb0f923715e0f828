"""One word for a stack, and one for a preview: what a reviewer decides from. Pure.

SAFE: nothing that callers, operators or the bill notice. LOOK: something that they may. DANGEROUS: the
service or its data is lost or stops, what was closed opens, or it cannot be deployed.
"""

from dataclasses import dataclass
from enum import IntEnum

from slipway.infra.cost.money import Money

_SHOWN = 3


class Grade(IntEnum):
    """How much a change asks of its reviewer."""

    SAFE = 0
    LOOK = 1
    DANGEROUS = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class StackVerdict:
    """The verdict on one stack. reasons: in words, the gravest first. maximum: USD a month."""

    stack: str
    grade: Grade
    reasons: tuple[str, ...]
    maximum: Money | None

    @property
    def why(self) -> str:
        """Return the first reasons, and how many more there are."""
        more = len(self.reasons) - _SHOWN
        shown = "; ".join(reason.rstrip(".") for reason in self.reasons[:_SHOWN])
        return shown + (f"; and {more} more" if more > 0 else "")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The verdicts of a preview, one for each stack."""

    stacks: tuple[StackVerdict, ...]

    @property
    def grade(self) -> Grade:
        return max((each.grade for each in self.stacks), default=Grade.SAFE)

    @property
    def dearest(self) -> StackVerdict | None:
        """Return the stack whose maximum is the largest, one that is not known before all others."""
        known = [each for each in self.stacks if each.maximum]
        return max(known, key=lambda each: _weight(each.maximum), default=None)


def _weight(money: Money | None) -> tuple[bool, float]:
    return bool(money and money.unknown), money.usd if money else 0.0
