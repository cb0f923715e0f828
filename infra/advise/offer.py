"""One option to run the service: its charges, what rules it out, its settings. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from slipway.infra.advise.question import Question
from slipway.infra.cost.charge import Charge
from slipway.infra.cost.money import Money
from slipway.infra.cost.prices import PriceTable
from slipway.infra.cost.stack import Line, PricingNotes, line_of, money_of

# Rows of free quantities, by the row whose quantity they lessen.
_FREE = {
    "cloud-run/request-cpu": "cloud-run/free/request-cpu",
    "cloud-run/request-memory": "cloud-run/free/request-memory",
    "cloud-run/requests": "cloud-run/free/requests",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """target: what Slipway deploys it as; '': only compared with. effort: 1 the least to look after.

    against: why it does not fit, each in a sentence. settings: of the stack that does it.
    """

    name: str
    target: str
    effort: int
    region: str
    charges: tuple[Charge, ...] = ()
    against: tuple[str, ...] = ()
    remark: str = ""
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Estimate:
    """An offer at its prices, USD a month."""

    offer: Offer
    idle: Money
    expected: Money
    maximum: Money
    lines: tuple[Line, ...]

    @property
    def fits(self) -> bool:
        return not self.offer.against

    @property
    def known(self) -> bool:
        return not self.expected.unknown


def estimate_of(
    offer: Offer, question: Question, table: PriceTable, notes: PricingNotes | None = None
) -> Estimate:
    used = notes or PricingNotes()
    charges = offer.charges
    if question.free_tier:
        charges = tuple(_less_free(charge, offer.region, table) for charge in charges)
    lines = tuple(line_of(one, offer.region, table, used) for one in charges if one.matters)
    missing = () if offer.charges else ("; ".join(offer.against) or offer.remark,)
    idle, expected, maximum = (money_of(lines, name) for name in ("idle", "expected", "maximum"))
    unknown = Money(0.0, missing)
    return Estimate(offer, idle + unknown, expected + unknown, maximum + unknown, lines)


def _less_free(charge: Charge, region: str, table: PriceTable) -> Charge:
    """Deduct the monthly free tier, as if this service were the account's only one."""
    quote = table.find(_FREE.get(charge.key, ""), region)
    if quote is None or quote.price.usd is None:
        return charge
    free = quote.price.usd  # of a row of this kind the figure is a quantity
    return replace(charge, expected=max(0.0, charge.expected - free), maximum=max(0.0, charge.maximum - free))
