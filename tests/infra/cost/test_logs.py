"""What a log costs: written once, whatever the number of its parts, and kept for longer than is included."""

import pytest

from slipway.infra.cost.usage import Usage
from slipway.infra.resources.google import LOG_BUCKET
from tests.infra.plain import cost, only, resource

WRITTEN = Usage(requests=0, egress_gb=0, image_gb=0, log_gb=8)


def test_buckets_share_what_is_written_and_what_stays_longer_costs_more() -> None:
    days = {"access": 30, "event": 90, "exception": 90, "payload": 14}
    buckets = [resource(LOG_BUCKET, {"retentionDays": kept}, kind) for kind, kept in days.items()]
    found = cost(*buckets, usage=WRITTEN)
    # 8 GB at 0.50; two quarters of them stay for two further periods of 30 days at 0.01.
    assert found.expected.usd == pytest.approx(8 * 0.50 + 2 * 2 * 2 * 0.01)
    assert found.idle.usd == 0


def test_a_log_group_costs_what_is_written_and_stored() -> None:
    group = resource("aws:cloudwatch/logGroup:LogGroup", {"region": "us-east-1", "retentionInDays": 365})
    stored_gb = 8 * 12 * 0.15
    assert only(group, usage=WRITTEN).expected.usd == pytest.approx(8 * 0.50 + stored_gb * 0.03, abs=0.001)


def test_a_log_that_is_never_deleted_has_no_known_end_of_its_cost() -> None:
    group = resource("aws:cloudwatch/logGroup:LogGroup", {"region": "us-east-1", "retentionInDays": 0})
    assert "never deleted" in str(only(group, usage=WRITTEN).expected.unknown)
