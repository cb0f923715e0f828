"""Recommends one way and says what would change that. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from slipway.infra.advise.offer import Estimate, estimate_of
from slipway.infra.advise.options import offers_of
from slipway.infra.advise.question import Question
from slipway.infra.advise.yardsticks import yardsticks_of
from slipway.infra.cost.money import dollars
from slipway.infra.cost.prices import Price, PriceTable
from slipway.infra.cost.stack import PricingNotes
from slipway.infra.errors import Refused

# Of two ways whose cost differs less than this, the one with less to look after.
_ALIKE = 0.10
# Break-evens are looked for from a thousandth to a thousand times the traffic.
_FACTORS = tuple(10 ** (step / 20) for step in range(-60, 61))
_BISECTIONS = 40


@dataclass(frozen=True, slots=True)
class BreakEven:
    """factor: times the traffic that was asked about, from which on (or below which) `cheaper` costs less."""

    cheaper: str
    factor: float
    rps: float


@dataclass(frozen=True, slots=True)
class Advice:
    """estimates: of every way, the cheapest first; those that do not fit after the others."""

    question: Question
    estimates: tuple[Estimate, ...]
    best: Estimate
    why: tuple[str, ...]
    otherwise: tuple[str, ...]
    break_evens: tuple[BreakEven, ...]
    prices: tuple[Price, ...]
    notes: tuple[str, ...]


def advice_of(question: Question, table: PriceTable) -> Advice:
    """Recommend the cheapest option that fits. Raises Refused if none fits, with the reason for each."""
    notes = PricingNotes()
    offers = [*offers_of(question), *yardsticks_of(question)]
    estimates = sorted((estimate_of(one, question, table, notes) for one in offers), key=_order)
    best = _best(estimates)
    evens = tuple(_break_evens(question, best, estimates, table))
    rows = [row for one in estimates for line in one.lines for row in (line.price, line.share) if row]
    return Advice(
        question,
        tuple(estimates),
        best,
        tuple(_why(question, best, estimates)),
        tuple(_otherwise(question, best, estimates, table)),
        evens,
        tuple(dict.fromkeys(rows)),
        (*question.notes, *notes.notes()),
    )


def _order(one: Estimate) -> tuple[bool, bool, float]:
    return not one.fits, not one.known, one.expected.usd


def _candidates(estimates: Sequence[Estimate]) -> list[Estimate]:
    return [one for one in estimates if one.offer.target and one.fits and one.known]


def _best(estimates: Sequence[Estimate]) -> Estimate:
    candidates = _candidates(estimates)
    if not candidates:
        ours = [one for one in estimates if one.offer.target]
        reasons = [f"  {one.offer.name}: {'; '.join(_reasons(one))}" for one in ours]
        raise Refused("No option meets the requirements.\n" + "\n".join(reasons))
    least = min(one.expected.usd for one in candidates)
    alike = [one for one in candidates if one.expected.usd <= least * (1 + _ALIKE)]
    return min(alike, key=lambda one: (one.offer.effort, one.expected.usd))


def _reasons(one: Estimate) -> tuple[str, ...]:
    return one.offer.against or one.expected.unknown


def _why(question: Question, best: Estimate, estimates: Sequence[Estimate]) -> Iterator[str]:
    others = [one for one in _candidates(estimates) if one is not best]
    cheaper = [one for one in others if one.expected.usd < best.expected.usd]
    if cheaper:
        yield (
            f"{cheaper[0].offer.name} would cost {cheaper[0].expected} instead of {best.expected}, less than "
            f"{_ALIKE:.0%} apart; {best.offer.name} is easier to operate."
        )
    elif others:
        yield (
            f"It is the cheapest option that fits: {best.expected} a month; the next, "
            f"{others[0].offer.name}, costs {others[0].expected}."
        )
    else:
        yield f"It is the only option that fits: {best.expected} a month."
    yield f"Idle cost: {best.idle} a month; with every instance busy: {best.maximum}."
    if question.warm:
        yield f"A response within {question.latency_ms:g} ms cannot wait for a start, so one always runs."
    if question.budget_usd is not None and best.expected.usd > question.budget_usd:
        yield f"No option that fits is within the budget of ${question.budget_usd:,.2f}; this is the closest."


def _otherwise(
    question: Question, best: Estimate, estimates: Sequence[Estimate], table: PriceTable
) -> Iterator[str]:
    """Yield what would be cheaper: with interruptions, with a wait for a start, or deployed otherwise."""
    if not question.spot:
        yield from _with(
            replace(question, spot=True), "If interruptions are acceptable (--spot)", best, table
        )
    if question.warm:
        slow = replace(question, latency_ms=None)
        yield from _with(slow, "If the first response may wait for a start (no --latency)", best, table)
    for one in estimates:
        if not one.offer.target and one.fits and one.known and one.expected.usd < best.expected.usd:
            yield (
                f"{one.offer.name} would cost {one.expected}; Slipway does not deploy there "
                f"({one.offer.remark})."
            )


def _with(question: Question, condition: str, best: Estimate, table: PriceTable) -> Iterator[str]:
    estimates = [estimate_of(one, question, table) for one in offers_of(question)]
    other = _best(sorted(estimates, key=_order))
    if other.expected.usd < best.expected.usd - 0.005:
        yield (
            f"{condition}: {other.offer.name} at {other.expected} a month, "
            f"{dollars(best.expected.usd - other.expected.usd)} less."
        )


def _break_evens(
    question: Question, best: Estimate, estimates: Sequence[Estimate], table: PriceTable
) -> Iterator[BreakEven]:
    """Yield, for each other option that fits, the nearest traffic from which it is cheaper."""
    for rival in _candidates(estimates):
        if rival is best:
            continue

        def gap(factor: float, rival: str = rival.offer.name) -> float:
            scaled = question.times(factor)
            return _cost(scaled, rival, table) - _cost(scaled, best.offer.name, table)

        factor = _crossing(gap)
        if factor is not None:
            yield BreakEven(rival.offer.name, factor, question.rps * factor)


def _cost(question: Question, name: str, table: PriceTable) -> float:
    [offer] = [one for one in offers_of(question) if one.name == name]
    return estimate_of(offer, question, table).expected.usd


def _crossing(gap: Callable[[float], float]) -> float | None:
    """Find the factor nearest to 1 at which `gap` turns from positive (dearer) to negative; None: nowhere."""
    middle = len(_FACTORS) // 2
    gaps = [gap(factor) for factor in _FACTORS]
    found: list[float] = []
    for step in (1, -1):
        position = middle
        while 0 <= position + step < len(_FACTORS):
            if gaps[position] > 0 >= gaps[position + step]:
                found.append(_bisected(gap, _FACTORS[position], _FACTORS[position + step]))
                break
            position += step
    return min(found, key=lambda factor: abs(math.log(factor)), default=None)


def _bisected(gap: Callable[[float], float], dearer: float, cheaper: float) -> float:
    for _ in range(_BISECTIONS):
        between = math.sqrt(dearer * cheaper)
        if gap(between) > 0:
            dearer = between
        else:
            cheaper = between
    return cheaper
