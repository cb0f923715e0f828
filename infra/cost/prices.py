"""The list prices that costs are computed with: one dated table, a source in every row. Pure; USD.

`prices.csv` is the table. A row without a price says that none was found, and why: what it would price is
unknown, never free. A row without a date is treated as old.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("prices.csv")
STALE_DAYS = 180

# cloud.google.com/run/docs/locations, read 2026-11-21.
_TIER_1 = (
    "us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 asia-east1 asia-northeast1 asia-northeast2 "
    "europe-north1 europe-southwest1 europe-west1 europe-west4 europe-west8 europe-west9 me-west1"
)
_TIER_2 = (
    "africa-south1 asia-east2 asia-northeast3 asia-southeast1 asia-southeast2 asia-south1 asia-south2 "
    "australia-southeast1 australia-southeast2 europe-central2 europe-west10 europe-west12 europe-west2 "
    "europe-west3 europe-west6 me-central1 me-central2 northamerica-northeast1 northamerica-northeast2 "
    "southamerica-east1 southamerica-west1 us-west2 us-west3 us-west4"
)
_GROUPS: Mapping[str, frozenset[str]] = {
    "@cloud-run-tier-1": frozenset(_TIER_1.split()),
    "@cloud-run-tier-2": frozenset(_TIER_2.split()),
}
_EVERYWHERE = ("@gcp", "@aws")  # the same in all regions of that cloud
# The prices of these are used for a region without a row, and the report says so.
REFERENCE_REGIONS = ("us-central1", "us-east-1")


@dataclass(frozen=True, slots=True)
class Price:
    """One row. usd: for one `unit`; None: not known, and `note` says why. as_of: None: not known.

    confirmed: read in the cloud's own catalogue, pages or a calculator fed by them; else a secondary source.
    """

    key: str
    regions: tuple[str, ...]
    usd: float | None
    unit: str
    as_of: date | None
    confirmed: bool
    source: str
    note: str

    def covers(self, region: str) -> bool:
        return any(
            place in _EVERYWHERE or place == region or region in _GROUPS.get(place, ())
            for place in self.regions
        )

    def is_stale(self, today: date) -> bool:
        return self.as_of is None or (today - self.as_of).days > STALE_DAYS

    @property
    def dated(self) -> str:
        return self.as_of.isoformat() if self.as_of else "no date"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price for a region. priced_as: the region whose row stands in, where this one has none; or ''."""

    price: Price
    priced_as: str = ""


class PriceTable:
    """Every row, by key and region."""

    def __init__(self, rows: Iterable[Price]) -> None:
        self.rows = tuple(rows)
        self._by_key: dict[str, list[Price]] = {}
        for row in self.rows:
            self._by_key.setdefault(row.key, []).append(row)

    def find(self, key: str, region: str) -> Quote | None:
        """Return the region's row, else that of the cloud's reference region; None for an unknown key."""
        rows = self._by_key.get(key, [])
        for row in rows:
            if row.covers(region):
                return Quote(row)
        for reference in REFERENCE_REGIONS:
            for row in rows:
                if row.covers(reference):
                    return Quote(row, reference)
        return None


@cache
def price_table(path: Path = _TABLE) -> PriceTable:
    """Read the table. Raises ValueError naming the line that is wrong."""
    with path.open(encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        return PriceTable([_price(path, number, line) for number, line in enumerate(lines, start=2)])


def _price(path: Path, number: int, line: Mapping[str, str]) -> Price:
    try:
        price = Price(
            key=line["key"],
            regions=tuple(line["regions"].split()),
            usd=float(line["usd"]) if line["usd"] else None,
            unit=line["unit"],
            as_of=date.fromisoformat(line["date"]) if line["date"] else None,
            confirmed={"yes": True, "no": False}[line["confirmed"]],
            source=line["source"],
            note=line["note"],
        )
    except (KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"{path.name}, line {number}: {type(error).__name__} {error}.") from None
    if not price.key or not price.regions or (price.usd is None and not price.note):
        raise ValueError(f"{path.name}, line {number}: needs a key, a region, and a price or a note why not.")
    if price.usd is not None and (price.usd < 0 or not price.source):
        raise ValueError(f"{path.name}, line {number}: a price is 0 or more and has a source.")
    return price
