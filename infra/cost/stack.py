"""What one stack costs a month: each resource, and the sum. Pure; reads the resources of a Plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from slipway.infra.cost.charge import Charge, Free, NotPriced, Priced, Scene
from slipway.infra.cost.kinds import is_component, verdict_of
from slipway.infra.cost.money import Money
from slipway.infra.cost.prices import STALE_DAYS, Price, PriceTable, price_table
from slipway.infra.cost.usage import Usage
from slipway.infra.plan.reading import Resource


@dataclass(frozen=True, slots=True)
class Line:
    """One charge at its price. usd: of one unit, a share included; None: not known."""

    price: Price | None
    key: str
    usd: float | None
    charge: Charge
    share: Price | None


@dataclass(frozen=True, slots=True)
class ResourceCost:
    """USD a month. kind: priced, free, unknown. note: how it is priced, why it is free, or why unknown.

    per_million: for a million requests more on fully busy instances; None where that means nothing.
    """

    urn: str
    type: str
    name: str
    kind: str
    note: str
    idle: Money
    expected: Money
    maximum: Money
    per_million: Money | None
    lines: tuple[Line, ...] = ()

    @property
    def prices(self) -> tuple[Price, ...]:
        """The rows used."""
        rows = [row for line in self.lines for row in (line.price, line.share) if row is not None]
        return tuple(dict.fromkeys(rows))


@dataclass(frozen=True, slots=True)
class StackCost:
    """USD a month. idle: the minimum of instances and no request. expected: at the assumed usage.

    maximum: every instance busy all month. notes: what a reader of the figures must be told.
    """

    stack: str
    resources: tuple[ResourceCost, ...]
    idle: Money
    expected: Money
    maximum: Money
    per_million: Money | None
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]
    prices: tuple[Price, ...]


def cost_of(
    stack: str,
    resources: Sequence[Resource],
    usage: Usage,
    today: date,
    prices: PriceTable | None = None,
) -> StackCost:
    """today: against which the age of a price is told."""
    table = prices or price_table()
    scene = Scene(resources, usage)
    told = Told()
    costs = [_resource_cost(one, scene, table, told) for one in resources if not is_component(one)]
    rows = tuple(dict.fromkeys(row for cost in costs for row in cost.prices))
    millions = [cost.per_million for cost in costs if cost.per_million is not None]
    return StackCost(
        stack,
        tuple(costs),
        Money.total(cost.idle for cost in costs),
        Money.total(cost.expected for cost in costs),
        Money.total(cost.maximum for cost in costs),
        Money.total(millions) if millions and told.capacity_known else None,
        tuple(_assumptions(usage)),
        (*told.notes(), *row_notes(rows, today)),
        rows,
    )


class Told:
    """What pricing the resources brought up, for the notes."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.priced_as: dict[tuple[str, str], list[str]] = {}
        self.capacity_known = False

    def notes(self) -> list[str]:
        regions = [
            f"{_place(asked)} priced as {used} where no row is nearer ({', '.join(dict.fromkeys(keys))})."
            for (asked, used), keys in self.priced_as.items()
        ]
        return list(dict.fromkeys([*(f"{remark}." for remark in self.remarks), *regions]))


def _place(region: str) -> str:
    return f"{region} is" if region else "a resource without a region is"


def _resource_cost(resource: Resource, scene: Scene, table: PriceTable, told: Told) -> ResourceCost:
    verdict = verdict_of(resource, scene)
    named = (resource.urn, resource.type, resource.name)
    if isinstance(verdict, Free):
        return ResourceCost(*named, "free", verdict.reason, Money(), Money(), Money(), None)
    if isinstance(verdict, NotPriced):
        unknown = Money(0.0, (f"{resource.name}: {verdict.reason}",))
        return ResourceCost(*named, "unknown", verdict.reason, unknown, unknown, unknown, None)
    return _priced(resource, verdict, table, told)


def _priced(resource: Resource, verdict: Priced, table: PriceTable, told: Told) -> ResourceCost:
    lines = [line_of(charge, verdict.region, table, told) for charge in verdict.charges if charge.matters]
    told.remarks += [f"{resource.name}: {remark}" for remark in verdict.remarks]
    told.capacity_known |= verdict.serves and verdict.capacity_known
    missing = Money(0.0, tuple(f"{resource.name}: {what}" for what in verdict.unknown))
    has_million = any(line.charge.per_million for line in lines)
    return ResourceCost(
        resource.urn,
        resource.type,
        resource.name,
        "priced" if not lines or any(line.usd is not None for line in lines) else "unknown",
        verdict.note,
        money_of(lines, "idle"),
        money_of(lines, "expected") + missing,
        money_of(lines, "maximum"),
        money_of(lines, "per_million") if has_million else None,
        tuple(lines),
    )


def line_of(charge: Charge, region: str, table: PriceTable, told: Told) -> Line:
    """One charge at the price of the region; what stands in for it is told."""
    quote = table.find(charge.key, region)
    share = table.find(charge.share, region) if charge.share else None
    for key, found in ((charge.key, quote), (charge.share, share)):
        if found and found.priced_as:
            told.priced_as.setdefault((region, found.priced_as), []).append(key)
    price = quote.price if quote else None
    usd = price.usd if price else None
    if usd is not None and share is not None:
        usd = usd * share.price.usd if share.price.usd is not None else None
    return Line(price, charge.key, usd, charge, share.price if share else None)


def money_of(lines: Iterable[Line], scenario: str) -> Money:
    """The sum in one scenario: idle, expected, maximum or per_million. What has no price is named."""
    return Money.total(_amount(line, getattr(line.charge, scenario)) for line in lines)


def _amount(line: Line, quantity: float) -> Money:
    if line.usd is not None:
        return Money(quantity * line.usd)
    if not quantity:
        return Money()
    why = line.price.note if line.price else "it is not in the price table"
    return Money(0.0, (f"{line.key}: {why}",))


def _assumptions(usage: Usage) -> Iterable[str]:
    hours = "all day" if usage.hours == 24 else f"in {usage.hours:g} hours a day"
    yield f"Assumed: {usage.requests:,.0f} requests a month, {hours}; {usage.egress_gb:g} GB to the internet."
    if usage.request_seconds:
        how = "measured by `slipway fit`" if usage.measured else "as given"
        yield f"A request takes {usage.request_seconds * 1000:.3g} ms of one vCPU or of the GPU ({how})."
    else:
        yield "What a request takes is not known: `slipway fit <model> --write`, or usage requestSeconds."
    yield (
        "A month has 730 hours. Taxes, discounts and free tiers are left out. Idle: the minimum of "
        "instances and no request. Maximum: every instance busy all month, with the assumed requests."
    )


def row_notes(rows: Sequence[Price], today: date) -> Iterable[str]:
    """What must be said of the prices that were used."""
    stale = sorted(f"{row.key} ({row.dated})" for row in rows if row.is_stale(today))
    if stale:
        yield f"Prices older than {STALE_DAYS} days, or without a date: {', '.join(dict.fromkeys(stale))}."
    secondary = sorted(row.key for row in rows if not row.confirmed)
    if secondary:
        yield f"Prices from a secondary source, not confirmed: {', '.join(dict.fromkeys(secondary))}."
