"""`python -m slipway.infra.cost.refresh`: says which committed prices the clouds' lists no longer have.

Exit codes: 0 all that were found are as committed; 1 some differ; 2 a list cannot be read.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator

from slipway.infra.cost.prices import price_table
from slipway.infra.cost.refresh.catalogues import AWS, GOOGLE, AwsPriceList, GoogleCatalogue
from slipway.infra.cost.refresh.comparison import Compared, compared
from slipway.infra.errors import Refused

_KEY = "GOOGLE_API_KEY"


def main() -> int:
    """Compare and print. Returns the exit code."""
    parser = ArgumentParser(
        prog="make prices", description="Compare prices.csv with the clouds' price lists."
    )
    parser.add_argument("--google", default=GOOGLE, help="address of the Cloud Billing Catalog API")
    parser.add_argument("--aws", default=AWS, help="address of AWS's price list bulk files")
    given = parser.parse_args()
    key = os.environ.get(_KEY, "")
    google = GoogleCatalogue(key, given.google).offers if key else None
    rows = price_table().rows
    try:
        found = list(compared(rows, google, AwsPriceList(given.aws).offers))
    except Refused as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    for line in _lines(found, len(rows)):
        print(line)
    if google is None:
        print(f"Google's catalogue was not asked: it needs an API key, in the variable {_KEY}.")
    if not any(each.usd is not None for each in found):
        print("Error: no price was found in any list.", file=sys.stderr)
        return 2
    return int(any(each.differs for each in found))


def _lines(found: list[Compared], rows: int) -> Iterator[str]:
    for each in found:
        if each.differs:
            yield (
                f"changed  {each.price.key} in {each.region}: {each.price.usd} of {each.price.dated}, now "
                f"{each.usd:.10g} for 1 {each.price.unit}. {each.note}."
            )
    for each in found:
        if each.usd is None:
            yield f"missing  {each.price.key} in {each.region}: {each.note}."
    same = sum(each.usd is not None and not each.differs for each in found)
    listed = len({(each.price.key, each.price.regions) for each in found})
    yield f"{same} prices are as committed. {rows - listed} of {rows} rows are in no list that was asked."


if __name__ == "__main__":
    sys.exit(main())
