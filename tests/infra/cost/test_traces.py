"""Traces cost by what is written, wherever the right to write them is."""

import pytest

from slipway.infra.cost.usage import Usage
from tests.infra.plain import cost, only, resource

BUSY = Usage(requests=10_000_000, egress_gb=0, image_gb=0, log_gb=0)
GRANT = {"role": "roles/telemetry.tracesWriter", "project": "acme-ml"}
POLICY = {"policy": '{"Statement": [{"Action": ["xray:PutTraceSegments"]}]}'}


def test_spans_of_one_request_in_a_hundred_are_billed_on_google() -> None:
    found = only(resource("gcp:projects/iAMMember:IAMMember", GRANT), usage=BUSY)
    # 100,000 traces of 5 spans, at 0.20 a million.
    assert found.expected.usd == pytest.approx(10 * 0.01 * 5 * 0.20)
    assert found.idle.usd == 0


def test_x_ray_bills_traces_not_spans() -> None:
    found = only(resource("aws:iam/rolePolicy:RolePolicy", POLICY), usage=BUSY)
    assert found.expected.usd == pytest.approx(10 * 0.01 * 5.00)


def test_the_share_of_the_servers_environment_counts() -> None:
    settings = resource("kubernetes:core/v1:ConfigMap", {"data": {"TRACE_SHARE": "1"}}, "settings")
    grant = resource("gcp:projects/iAMMember:IAMMember", GRANT)
    assert cost(grant, settings, usage=BUSY).expected.usd == pytest.approx(10 * 5 * 0.20)


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("gcp:projects/iAMMember:IAMMember", {"role": "roles/viewer"}),
        ("aws:iam/rolePolicy:RolePolicy", {"policy": "{}"}),
    ],
)
def test_every_other_right_has_no_charge(type_: str, inputs: dict[str, str]) -> None:
    assert only(resource(type_, inputs), usage=BUSY).kind == "free"
