"""What one stack costs a month: each resource, and the sum. Pure; reads the resources of a Plan."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from slipway.infra.cost.charge import Charge, Free, NotPriced, Priced, Scene
from slipway.infra.cost.kinds import verdict_of
from slipway.infra.cost.money import Money
from slipway.infra.cost.prices import STALE_DAYS, Price, PriceTable, price_table
from slipway.infra.cost.usage import Usage
from slipway.infra.resources.reading import Resource
from slipway.infra.resources.table import is_component


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

    per_million: for each further million requests on fully busy instances; None where that means nothing.
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
        """Return the price rows that were used."""
        rows = [row for line in self.lines for row in (line.price, line.share) if row is not None]
        return tuple(dict.fromkeys(rows))


@dataclass(frozen=True, slots=True)
class StackCost:
    """USD a month. idle: the minimum of instances and no request. expected: at the assumed usage.

    maximum: every instance busy all month. notes: what a reader of the figures must know.
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
    """Price each resource of a stack, and sum up. today: the age of a price is counted from it."""
    table = prices or price_table()
    scene = Scene(resources, usage)
    notes = PricingNotes()
    costs = [_resource_cost(one, scene, table, notes) for one in resources if not is_component(one)]
    rows = tuple(dict.fromkeys(row for cost in costs for row in cost.prices))
    millions = [cost.per_million for cost in costs if cost.per_million is not None]
    return StackCost(
        stack,
        tuple(costs),
        Money.total(cost.idle for cost in costs),
        Money.total(cost.expected for cost in costs),
        Money.total(cost.maximum for cost in costs),
        Money.total(millions) if millions and notes.capacity_known else None,
        tuple(_assumptions(usage)),
        (*notes.notes(), *row_notes(rows, today)),
        rows,
    )


class PricingNotes:
    """What a reader of the figures must know, collected while resources are priced."""

    def __init__(self) -> None:
        self.remarks: list[str] = []
        self.priced_as: dict[tuple[str, str], list[str]] = {}
        self.capacity_known = False

    def notes(self) -> list[str]:
        regions = [
            f"{_place(asked)} price for {', '.join(dict.fromkeys(keys))}; {used}'s is used."
            for (asked, used), keys in self.priced_as.items()
        ]
        return list(dict.fromkeys([*(f"{remark}." for remark in self.remarks), *regions]))


def _place(region: str) -> str:
    return f"No {region}" if region else "A resource has no region, and so no"


def _resource_cost(resource: Resource, scene: Scene, table: PriceTable, notes: PricingNotes) -> ResourceCost:
    verdict = verdict_of(resource, scene)
    named = (resource.urn, resource.type, resource.name)
    if isinstance(verdict, Free):
        return ResourceCost(*named, "free", verdict.reason, Money(), Money(), Money(), None)
    if isinstance(verdict, NotPriced):
        unknown = Money(0.0, (f"{resource.name}: {verdict.reason}",))
        return ResourceCost(*named, "unknown", verdict.reason, unknown, unknown, unknown, None)
    return _priced(resource, verdict, table, notes)


def _priced(resource: Resource, verdict: Priced, table: PriceTable, notes: PricingNotes) -> ResourceCost:
    lines = [line_of(charge, verdict.region, table, notes) for charge in verdict.charges if charge.matters]
    notes.remarks += [f"{resource.name}: {remark}" for remark in verdict.remarks]
    if (rollout := verdict.rollout) is not None:
        more = money_of(
            [line_of(charge, verdict.region, table, notes) for charge in rollout.charges], "maximum"
        )
        notes.remarks.append(f"{resource.name}: {rollout.text}; it adds up to {more} an hour")
    notes.capacity_known |= verdict.serves and verdict.capacity_known
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


def line_of(charge: Charge, region: str, table: PriceTable, notes: PricingNotes) -> Line:
    """Price one charge in the region, and note the region whose price stands in."""
    quote = table.find(charge.key, region)
    share = table.find(charge.share, region) if charge.share else None
    for key, found in ((charge.key, quote), (charge.share, share)):
        if found and found.priced_as:
            notes.priced_as.setdefault((region, found.priced_as), []).append(key)
    price = quote.price if quote else None
    usd = price.usd if price else None
    if usd is not None and share is not None:
        usd = usd * share.price.usd if share.price.usd is not None else None
    return Line(price, charge.key, usd, charge, share.price if share else None)


def money_of(lines: Iterable[Line], scenario: str) -> Money:
    """Sum up one scenario: idle, expected, maximum or per_million. What has no price is named."""
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
        yield "The time of a request is not known: `slipway fit <model> --write`, or usage requestSeconds."
    yield (
        "A month has 730 hours. Taxes, commitments and free tiers are left out. Idle: the minimum of "
        "instances and no request. Maximum: every instance busy all month, with the assumed requests."
    )


def row_notes(rows: Sequence[Price], today: date) -> Iterable[str]:
    """Yield one line on the age and the sources of the prices that were used; none where all are in order."""
    stale = sum(row.is_stale(today) for row in rows)
    secondary = sum(not row.confirmed for row in rows)
    if not stale and not secondary:
        return
    dates = [row.as_of for row in rows if row.as_of]
    oldest = f"; the oldest date is {min(dates).isoformat()}" if dates else ""
    yield (
        f"Of {len(rows)} prices {stale} are older than {STALE_DAYS} days or without a date, {secondary} from "
        f"a secondary source{oldest}. `slipway cost --explain` lists them."
    )
