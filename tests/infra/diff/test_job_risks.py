"""What a preview says of changes that delete the database of jobs, or open it."""

import pytest

from slipway.infra.diff.compare import difference_of
from slipway.infra.diff.model import StackSource
from slipway.infra.diff.risks import risks_of
from slipway.infra.policy.checks import Context, public
from slipway.infra.resources.google import SQL_INSTANCE
from slipway.infra.resources.openness import by_direct_connections
from slipway.infra.resources.table import ways_in
from tests.infra.plain import plan, resource
from tests.stacks.targets import GIVEN

JOBS = {"target": "cloud-run", "project": "acme-ml", "region": "us-central1", "jobs": "true"}


def said(before: dict[str, str], after: dict[str, str]) -> list[tuple[str, str]]:
    diff = difference_of("dev", StackSource(plan(before)), StackSource(plan(after)))
    return [(risk.level.name.lower(), f"{risk.text} {risk.detail}") for risk in risks_of(diff)]


@pytest.mark.parametrize(
    "change", [{"jobs": "false"}, {"region": "europe-west4"}, {"project": "other-ml"}], ids=str
)
def test_a_change_that_deletes_the_database_says_that_what_it_holds_is_lost(change: dict[str, str]) -> None:
    lost = [(level, text) for level, text in said(JOBS, {**JOBS, **change}) if "jobs-database" in text]
    assert any(level == "high" and "is lost" in text for level, text in lost)


def test_more_workers_lose_nothing() -> None:
    found = said(JOBS, {**JOBS, "minWorkers": "3"})
    assert not any("is lost" in text or "jobs-database" in text for _, text in found)


@pytest.mark.parametrize(
    ("settings", "is_open"),
    [
        ({"ipConfiguration": {"ipv4Enabled": True}}, False),
        ({"ipConfiguration": {"authorizedNetworks": [{"value": "0.0.0.0/0"}]}}, True),
        ({"ipConfiguration": {"ipv4Enabled": False, "authorizedNetworks": [{"value": "0.0.0.0/0"}]}}, False),
        ({"ipConfiguration": {"authorizedNetworks": [{"value": "203.0.113.0/24"}]}}, False),
    ],
)
def test_a_database_that_authorises_the_internet_is_open(settings: dict[str, object], is_open: bool) -> None:
    database = resource(SQL_INSTANCE, {"settings": settings})
    assert bool(list(ways_in(database))) is is_open
    assert bool(list(public(database, Context()))) is is_open


@pytest.mark.parametrize(
    ("settings", "reached"),
    [
        ({"ipConfiguration": {"ipv4Enabled": True}}, True),
        ({"ipConfiguration": {"ipv4Enabled": True}, "connectorEnforcement": "REQUIRED"}, False),
        ({"ipConfiguration": {"ipv4Enabled": False}}, False),
    ],
)
def test_a_public_address_that_takes_more_than_connectors_is_reachable(
    settings: dict[str, object], reached: bool
) -> None:
    assert bool(list(by_direct_connections(resource(SQL_INSTANCE, {"settings": settings})))) is reached


@pytest.mark.parametrize("target", ["cloud-run", "fargate", "gke"])
def test_turning_jobs_off_names_the_database_and_the_workers_and_alarms_no_caller(target: str) -> None:
    on = {**GIVEN[target], "jobs": "true", "deletionProtection": "false"}
    found = said(on, {**on, "jobs": "false"})
    high = [text for level, text in found if level == "high"]
    assert any(text.startswith("deletes the database ") for text in high)
    assert [level for level, text in found if "the workers" in text] == ["medium"]
    everything = " ".join(text for _, text in found)
    for wrong in ("rotates the API key", "calls fail", "nothing limits who calls", "Cluster "):
        assert wrong not in everything
