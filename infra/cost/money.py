"""An amount of USD that says what is missing from it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Money:
    """usd: the known part. unknown: what is not in it, each in a few words; never counted as zero."""

    usd: float = 0.0
    unknown: tuple[str, ...] = ()

    def __add__(self, other: "Money") -> "Money":
        missing = tuple(dict.fromkeys((*self.unknown, *other.unknown)))
        return Money(self.usd + other.usd, missing)

    def __str__(self) -> str:
        if not self.unknown:
            return dollars(self.usd)
        return f"at least {dollars(self.usd)}" if self.usd else "unknown"

    @classmethod
    def total(cls, parts: Iterable["Money"]) -> Self:
        whole = cls()
        for part in parts:
            added = whole + part
            whole = cls(added.usd, added.unknown)
        return whole


def dollars(usd: float) -> str:
    """Format to the cent; an amount below a cent to two figures, so that it is not shown as nothing."""
    sign, size = ("-" if usd < 0 else ""), abs(usd)
    if 0 < size < 0.005:
        return f"{sign}${size:.2g}" if size >= 0.0001 else f"{sign}below $0.0001"
    return f"{sign}${size:,.2f}"
