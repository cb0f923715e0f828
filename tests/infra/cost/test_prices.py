import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from slipway.infra.cost.prices import STALE_DAYS, Price, PriceTable, price_table
from slipway.infra.cost.stack import cost_of
from slipway.infra.cost.usage import Usage
from tests.infra.plain import TODAY, cloud_run, cost, node_pool, only, resource

HEADER = "key,regions,usd,unit,date,confirmed,source,note\n"


def row(as_of: date | None, confirmed: bool = True) -> PriceTable:
    prices = [
        Price(key, ("us-central1",), 0.1, "hour", as_of, confirmed, "a source", "")
        for key in ("cloud-run/instance-cpu", "cloud-run/instance-memory", "gcp/egress")
    ]
    return PriceTable(prices)


def notes(table: PriceTable) -> str:
    service = cloud_run(least=1, always=True)
    return " ".join(cost_of("dev", [service], Usage(requests=0), TODAY, table).notes)


@pytest.mark.parametrize(("days", "told"), [(0, False), (STALE_DAYS, False), (STALE_DAYS + 1, True)])
def test_a_price_older_than_180_days_is_told(days: int, told: bool) -> None:
    assert ("3 are older than 180 days" in notes(row(TODAY - timedelta(days=days)))) is told


def test_a_price_without_a_date_is_told() -> None:
    assert "3 are older than 180 days or without a date" in notes(row(None))


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_price_from_a_secondary_source_is_told(confirmed: bool) -> None:
    assert ("3 from a secondary source" in notes(row(TODAY, confirmed))) is not confirmed


def test_only_the_rows_that_were_used_are_told_of() -> None:
    keys = {price.key for price in cost(cloud_run(least=1, always=True)).prices}
    assert keys == {"cloud-run/instance-cpu", "cloud-run/instance-memory"}


def test_a_region_without_a_row_is_priced_as_another_and_that_is_told() -> None:
    found = cost(resource("aws:secretsmanager/secret:Secret", {"region": "ap-south-2"}))
    assert found.idle.usd == pytest.approx(0.40)
    assert any("No ap-south-2 price for" in note for note in found.notes)


def test_a_gpu_without_a_price_is_unknown_and_never_zero() -> None:
    service = only(cloud_run("20", "80Gi", least=1, gpu="nvidia-rtx-pro-6000"))
    assert any("nvidia-rtx-pro-6000: no price of it was found" in what for what in service.idle.unknown)
    assert str(service.idle).startswith("at least $")


def test_a_machine_that_no_row_names_is_unknown() -> None:
    pool = only(node_pool("n4-standard-80", gpu=""))
    assert any("compute/n4-standard-80: it is not in the price table" in what for what in pool.idle.unknown)


def test_every_row_has_a_source_or_says_why_it_has_no_price() -> None:
    for price in price_table().rows:
        assert price.source if price.usd is not None else price.note, price


def test_a_key_stands_once_for_a_region() -> None:
    places = [(price.key, region) for price in price_table().rows for region in price.regions]
    assert len(places) == len(set(places))


def test_spot_costs_less_than_on_demand_in_every_pair() -> None:
    table = {price.key: price.usd for price in price_table().rows if price.usd is not None}
    pairs = [(key, f"{key}/spot") for key in table if f"{key}/spot" in table]
    assert pairs
    assert all(table[spot] < table[key] for key, spot in pairs)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a,us,x,hour,2026-01-01,yes,s,n", "line 2: ValueError"),
        ("a,us,1,hour,yesterday,yes,s,n", "line 2: ValueError"),
        ("a,us,1,hour,2026-01-01,perhaps,s,n", "line 2: KeyError"),
        ("a,us,,hour,,no,,", "line 2: needs a key, a region, and a price or a note why not"),
        ("a,us,-1,hour,,no,s,", "line 2: a price is 0 or more"),
        ("a,us,1,hour,,no,,", "line 2: a price is 0 or more and has a source"),
    ],
)
def test_a_wrong_row_is_named_by_its_line(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(HEADER + line + "\n")
    with pytest.raises(ValueError, match=re.escape(f"prices.csv, {message}")):
        price_table(path)
