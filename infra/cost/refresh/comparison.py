"""Compares each committed price that a list has with what the list says now."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isclose

from slipway.infra.cost.prices import Price
from slipway.infra.cost.refresh.catalogues import ListPrice
from slipway.infra.cost.refresh.lookups import BY_AWS, BY_GOOGLE, Lookup
from slipway.infra.errors import Refused

Find = Callable[[str, str, str], list[ListPrice]]
# A region that stands for each group of a row.
_REGION_OF = {
    "@cloud-run-tier-1": "us-central1",
    "@cloud-run-tier-2": "europe-west3",
    "@gcp": "us-central1",
    "@aws": "us-east-1",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One price of a row in one region. usd: what the list says, for the row's unit; None: nothing usable.

    note: the list's names and dates, or why there is no price.
    """

    price: Price
    region: str
    usd: float | None
    note: str

    @property
    def differs(self) -> bool:
        return self.usd is not None and (
            self.price.usd is None or not isclose(self.usd, self.price.usd, rel_tol=1e-4)
        )


def compared(rows: Iterable[Price], google: Find | None, aws: Find | None) -> Iterator[Compared]:
    """Yield every row that a given list may have, in each of its regions. None: a list not asked."""
    for row in rows:
        for lookups, find in ((BY_GOOGLE.get(row.key), google), (BY_AWS.get(row.key), aws)):
            if lookups and find:
                for place in row.regions:
                    yield _compared(row, _REGION_OF.get(place, place), lookups, find)


def _compared(row: Price, region: str, lookups: tuple[Lookup, ...], find: Find) -> Compared:
    total, names = 0.0, list[str]()
    for each in lookups:
        try:
            offer = _one(each, find(each.service, each.entry, region))
        except Refused as error:
            return Compared(row, region, None, str(error))
        total += offer.usd * each.factor
        names.append(f"{each.service}: {offer.name}, since {offer.since}")
    return Compared(row, region, total, "; ".join(names))


def _one(lookup: Lookup, offers: list[ListPrice]) -> ListPrice:
    """Return the one price there is. Raises Refused for none, several, or one of another unit."""
    prices = sorted({offer.usd for offer in offers if offer.usd})
    if not prices:
        raise Refused(f"{lookup.service} has no price named {lookup.entry!r}")
    if len(prices) > 1:
        several = ", ".join(f"{usd:g}" for usd in prices)
        raise Refused(f"{lookup.service} has several prices named {lookup.entry!r}: {several}")
    offer = next(each for each in offers if each.usd)
    if offer.unit.lower() != lookup.unit.lower():
        raise Refused(f"{lookup.service} gives {lookup.entry!r} for 1 {offer.unit}, not {lookup.unit}")
    return offer
