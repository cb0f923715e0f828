"""Reads the clouds' price lists: Google's Cloud Billing Catalog API, and the bulk files of AWS's Price List.

cloud.google.com/billing/docs/reference/rest/v1/services.skus,
docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-the-aws-price-list-bulk-api.html.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slipway.infra.errors import Refused

GOOGLE = "https://cloudbilling.googleapis.com"
AWS = "https://pricing.us-east-1.amazonaws.com"
_TIMEOUT_SECONDS = 60
_PAGE = 5000


@dataclass(frozen=True, slots=True)
class ListPrice:
    """One price of a list. usd: for one `unit` of the list; of a tiered one that of the first paid tier.

    since: the day from which it holds, as the list has it. name: what the list calls it.
    """

    usd: float
    unit: str
    since: str
    name: str


@dataclass
class GoogleCatalogue:
    """The SKUs of Google's services. key: an API key; the list is public and needs no other right."""

    key: str
    address: str = GOOGLE
    _skus: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict[str, list[Mapping[str, Any]]])

    def offers(self, service: str, description: str, region: str) -> list[ListPrice]:
        """Return what one service sells under this description, on demand, in a region."""
        found: list[ListPrice] = []
        for sku in self._of(service):
            is_named = str(sku["description"]).lower().startswith(description.lower())
            regions = sku.get("serviceRegions", [])
            if is_named and (region in regions or "global" in regions) and _on_demand(sku):
                found += _google_offer(sku)
        return found

    def _of(self, service: str) -> list[Mapping[str, Any]]:
        if service not in self._skus:
            name = self._services.get(service)
            if name is None:
                raise Refused(f"Google's catalogue has no service {service!r}.")
            self._skus[service] = list(self._pages(f"/v1/{name}/skus", "skus"))
        return self._skus[service]

    @cached_property
    def _services(self) -> Mapping[str, str]:
        return {each["displayName"]: each["name"] for each in self._pages("/v1/services", "services")}

    def _pages(self, path: str, part: str) -> Iterator[Mapping[str, Any]]:
        token = ""
        while True:
            query = urllib.parse.urlencode({"key": self.key, "pageSize": _PAGE, "pageToken": token})
            page = _fetched(f"{self.address}{path}?{query}", f"{self.address}{path}")
            yield from page.get(part, [])
            token = page.get("nextPageToken", "")
            if not token:
                return


@dataclass
class AwsPriceList:
    """The bulk files of AWS, one for each service and region; they are public."""

    address: str = AWS
    _files: dict[tuple[str, str], Mapping[str, Any]] = field(
        default_factory=dict[tuple[str, str], Mapping[str, Any]]
    )

    def offers(self, service: str, usage: str, region: str) -> list[ListPrice]:
        """Return the on-demand prices of a usage type in a region. usage: without the region's prefix."""
        file = self._of(service, region)
        found: list[ListPrice] = []
        for sku, product in file["products"].items():
            attributes = product["attributes"]
            in_region = attributes.get("regionCode", region) == region
            if in_region and _without_prefix(attributes.get("usagetype", "")) == usage:
                terms = file["terms"].get("OnDemand", {}).get(sku, {})
                found += [offer for term in terms.values() if (offer := _aws_offer(term, file))]
        return found

    def _of(self, service: str, region: str) -> Mapping[str, Any]:
        if (service, region) not in self._files:
            address = f"{self.address}/offers/v1.0/aws/{service}/current/{region}/index.json"
            self._files[service, region] = _fetched(address, address)
        return self._files[service, region]


def _on_demand(sku: Mapping[str, Any]) -> bool:
    return sku.get("category", {}).get("usageType", "OnDemand") == "OnDemand"


def _google_offer(sku: Mapping[str, Any]) -> Iterator[ListPrice]:
    """Yield the price that holds now: the last one, and of its tiers the first that is not free."""
    for info in sku.get("pricingInfo", [])[-1:]:
        expression = info["pricingExpression"]
        rates = [_usd(rate["unitPrice"]) for rate in expression["tieredRates"]]
        paid = next((usd for usd in rates if usd), 0.0)
        since = str(info.get("effectiveTime", ""))[:10]
        yield ListPrice(paid, expression["usageUnit"], since, f"{sku['description']} ({sku['skuId']})")


def _usd(price: Mapping[str, Any]) -> float:
    if price.get("currencyCode", "USD") != "USD":
        raise Refused(f"Google's catalogue gives prices in {price['currencyCode']}; they are read in USD.")
    return int(price.get("units", 0)) + price.get("nanos", 0) / 1e9


def _aws_offer(term: Mapping[str, Any], file: Mapping[str, Any]) -> ListPrice | None:
    rows = sorted(term["priceDimensions"].values(), key=lambda row: float(row.get("beginRange", 0)))
    for row in rows:
        usd = float(row["pricePerUnit"].get("USD", 0))
        if usd:
            return ListPrice(
                usd, row["unit"], file["publicationDate"][:10], f"{row['description']} ({term['sku']})"
            )
    return None


def _without_prefix(usage: str) -> str:
    """Cut the region's code off: `EUW1-Fargate-GB-Hours`. us-east-1 has none, or USE1."""
    head, dash, rest = usage.partition("-")
    is_region = dash and 3 <= len(head) <= 5 and head[:-1].isupper() and head[-1].isdigit()
    return rest if is_region else usage


def _fetched(address: str, shown: str) -> dict[str, Any]:
    """Fetch JSON. shown: the address without the key. Raises Refused."""
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 https, or a test's
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Refused(f"{shown} answers {error.code}: {_reason(error)}") from None
    except (OSError, ValueError) as error:
        raise Refused(f"{shown} cannot be read: {error}") from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError, OSError):
        return error.reason
