"""The comparison of committed prices with the clouds' lists, served here in the formats of their APIs."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.checkout import ROOT

SERVICES = {"Cloud Run": "152E-C115-5142", "Compute Engine": "6F81-5844-456A"}
OFFERS = {"AmazonECS", "AWSELB", "AmazonECR", "AmazonVPC", "AWSSecretsManager", "AmazonCloudWatch"}


def sku(
    description: str, unit: str, *nanos: int, regions: tuple[str, ...] = ("us-central1",)
) -> dict[str, Any]:
    """Return a SKU as `services.skus.list` has it. nanos: of each tier, in billionths of a dollar."""
    rates = [
        {
            "startUsageAmount": place * 100,
            "unitPrice": {"currencyCode": "USD", "units": str(price // 10**9), "nanos": price % 10**9},
        }
        for place, price in enumerate(nanos)
    ]
    return {
        "name": "services/152E-C115-5142/skus/0000-0000-0000",
        "skuId": "0000-0000-0000",
        "description": description,
        "category": {"resourceFamily": "Compute", "resourceGroup": "CPU", "usageType": "OnDemand"},
        "serviceRegions": ["us-central1"],
        "pricingInfo": [
            {
                "effectiveTime": "2026-11-01T07:00:00Z",
                "pricingExpression": {"usageUnit": unit, "baseUnit": "s", "tieredRates": rates},
            }
        ],
        "serviceProviderName": "Google",
    }


def product(usage: str, unit: str, *usd: str, region: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a product and its on-demand terms as a bulk file has them. usd: of each tier."""
    name = f"SKU{abs(hash(usage)) % 10**10}"
    dimensions: dict[str, Any] = {
        f"{name}.JRTCKXETXF.{place}": {
            "rateCode": f"{name}.JRTCKXETXF.{place}",
            "description": f"USD {price} per {usage}",
            "beginRange": str(place),
            "endRange": "Inf",
            "unit": unit,
            "pricePerUnit": {"USD": price},
            "appliesTo": [],
        }
        for place, price in enumerate(usd)
    }
    term: dict[str, Any] = {"offerTermCode": "JRTCKXETXF", "sku": name, "priceDimensions": dimensions}
    attributes = {"servicecode": "x", "regionCode": region, "usagetype": usage, "operation": ""}
    return {"sku": name, "attributes": attributes}, {f"{name}.JRTCKXETXF": term}


class Lists(BaseHTTPRequestHandler):
    """Serves both lists: Google's in pages of one SKU."""

    skus: ClassVar[list[dict[str, Any]]] = []
    products: ClassVar[dict[tuple[str, str], list[tuple[dict[str, Any], dict[str, Any]]]]] = {}

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        parts = url.path.strip("/").split("/")
        if parts[0] == "v1":
            self.google(parts, query)
        elif parts[3] in OFFERS and parts[-1] == "index.json":
            found = self.products.get((parts[3], parts[5]), [])
            self.answer(
                200,
                {
                    "formatVersion": "v1.0",
                    "offerCode": parts[3],
                    "publicationDate": "2026-11-20T00:00:00Z",
                    "products": {one["sku"]: one for one, _ in found},
                    "terms": {"OnDemand": {one["sku"]: terms for one, terms in found}, "Reserved": {}},
                },
            )
        else:
            self.answer(403, {"Error": "no such offer"})

    def google(self, parts: list[str], query: dict[str, str]) -> None:
        if query.get("key") != "good":
            return self.answer(400, {"error": {"code": 400, "message": "API key not valid."}})
        if parts[-1] == "services":
            named = [{"name": f"services/{id_}", "displayName": name} for name, id_ in SERVICES.items()]
            return self.answer(200, {"services": named, "nextPageToken": ""})
        page = int(query.get("pageToken") or 0)
        of_service = self.skus if parts[2] == SERVICES["Cloud Run"] else []
        token = str(page + 1) if page + 1 < len(of_service) else ""
        return self.answer(200, {"skus": of_service[page : page + 1], "nextPageToken": token})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(
        Lists,
        "skus",
        [
            sku("Services CPU (Request-based billing) in us-central1", "s", 0, 25_000),
            sku("Services Memory (Request-based billing)", "GiBy.s", 0, 2_500),
            sku("Requests", "count", 0, 400),
            sku("Services CPU (Instance-based billing)", "h", 18_000),  # another unit
            sku("Services Memory (Instance-based billing)", "GiBy.s", 2_000),
            sku("Services Memory (Instance-based billing)", "GiBy.s", 3_000),  # a second one
        ],
    )
    products = {
        ("AmazonECS", "us-east-1"): [
            product("USE1-Fargate-vCPU-Hours:perCPU", "hours", "0.0404800000", region="us-east-1"),
            product("USE1-Fargate-GB-Hours", "hours", "0.0050000000", region="us-east-1"),
        ],
        ("AWSELB", "eu-west-1"): [product("EUW1-LoadBalancerUsage", "Hrs", "0.0252", region="eu-west-1")],
    }
    monkeypatch.setattr(Lists, "products", products)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def refresh(address: str, key: str = "good") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "slipway.infra.cost.refresh", "--google", address, "--aws", address]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GOOGLE_API_KEY": key}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_changed_prices_are_named_with_their_sources_and_the_rest_is_counted(lists: str) -> None:
    done = refresh(lists)
    assert done.returncode == 1, done.stderr
    changed = [line for line in done.stdout.splitlines() if line.startswith("changed")]
    assert [line.split(":")[0] for line in changed] == [
        "changed  cloud-run/request-cpu in us-central1",
        "changed  fargate/x86_64/memory in us-east-1",
    ]
    assert "2.4e-05 of 2026-07-26, now 2.5e-05 for 1 vCPU-second" in changed[0]
    assert "Cloud Run: Services CPU (Request-based billing) in us-central1" in changed[0]
    assert "since 2026-11-20" in changed[1]
    same = done.stdout.splitlines()[-1]
    assert same.startswith("4 prices are as committed.")


def test_what_is_not_found_or_not_clear_is_no_price(lists: str) -> None:
    lines = refresh(lists).stdout.splitlines()
    [unit] = [line for line in lines if line.startswith("missing  cloud-run/instance-cpu in us-central1")]
    assert "for 1 h, not s" in unit
    [several] = [
        line for line in lines if line.startswith("missing  cloud-run/instance-memory in us-central1")
    ]
    assert "several prices" in several
    assert "missing  alb/lcu in us-east-1: AWSELB has no price named 'LCUUsage'." in lines


def test_without_a_key_google_is_not_asked_and_that_is_said(lists: str) -> None:
    done = refresh(lists, key="")
    assert done.returncode == 1
    assert "Google's catalogue was not asked" in done.stdout
    assert "cloud-run" not in done.stdout


def test_a_refused_key_is_said_and_is_in_no_message(lists: str) -> None:
    done = refresh(lists, key="bad-key")
    assert "API key not valid." in done.stdout
    assert "bad-key" not in done.stdout + done.stderr


def test_lists_that_cannot_be_read_are_an_error() -> None:
    done = refresh("http://127.0.0.1:1")
    assert done.returncode == 2
    assert "no price was found in any list" in done.stderr
