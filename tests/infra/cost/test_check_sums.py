"""Known sums of list prices: 730 h a month, no free tier, no egress."""

import pytest

from slipway.infra.cost.stack import ResourceCost
from slipway.infra.cost.usage import Usage
from tests.infra.plain import NOBODY, cloud_run, cluster, cost, fargate, node_pool, only, resource


def lines_of(found: ResourceCost, *keys: str) -> float:
    """USD at the minimum of the charges with these keys."""
    lines = [line for line in found.lines if line.key in keys]
    assert len(lines) == len(keys)
    return sum((line.usd or 0) * line.charge.idle for line in lines)


def test_cloud_run_always_busy_with_instance_based_billing() -> None:
    assert only(cloud_run(least=1, always=True)).maximum.usd == pytest.approx(115.63, abs=0.005)


def test_cloud_run_idle_minimum_instance_with_request_based_billing() -> None:
    assert only(cloud_run(least=1)).idle.usd == pytest.approx(39.42, abs=0.005)


@pytest.mark.parametrize(("zonal", "usd"), [(False, 763.96), (True, 1037.80)])
def test_cloud_run_with_an_l4_without_and_with_zonal_redundancy(zonal: bool, usd: float) -> None:
    service = cloud_run("4", "16Gi", least=1, gpu="nvidia-l4", zonal=zonal)
    assert only(service).idle.usd == pytest.approx(usd, abs=0.005)


def test_one_fargate_task() -> None:
    assert cost(*fargate()).idle.usd == pytest.approx(36.04, abs=0.005)


def test_one_fargate_task_and_a_load_balancer_without_load() -> None:
    balancer = resource("aws:lb/loadBalancer:LoadBalancer", {"region": "us-east-1", "internal": True})
    assert cost(*fargate(), balancer).idle.usd == pytest.approx(52.47, abs=0.01)


def test_a_gke_cluster_with_one_g2_standard_4() -> None:
    found = cost(cluster(), node_pool())
    fee = lines_of(found.resources[0], "gke/cluster")
    assert fee + lines_of(found.resources[1], "compute/g2-standard-4") == pytest.approx(588.99, abs=0.005)


def test_a_gke_cluster_with_one_n1_standard_4_and_a_t4() -> None:
    pool = only(node_pool("n1-standard-4", gpu="nvidia-tesla-t4"))
    machine = lines_of(pool, "compute/n1-standard-4", "compute/gpu/nvidia-tesla-t4")
    assert machine + 73.00 == pytest.approx(467.20, abs=0.005)


def test_a_tier_2_region_has_the_prices_of_its_tier() -> None:
    """Compare with infracost's golden file: 2 vCPU and 1 GiB, instance-based, in a Tier 2 region."""
    service = cloud_run("2", "1Gi", least=1, always=True, region="us-west2")
    assert only(service).idle.usd == pytest.approx(113.53 + 6.31, abs=0.01)


def test_fargate_on_spot_is_billed_at_its_share_above_the_base() -> None:
    """Three tasks, one never on Spot, the others at 30 %."""
    assert cost(*fargate(least=3, most=3, spot=100)).idle.usd == pytest.approx(36.04 * 1.6, abs=0.05)


def test_a_disk_above_the_20_gib_that_are_included_is_billed() -> None:
    more = cost(*fargate(disk=50)).idle.usd - cost(*fargate()).idle.usd
    assert more == pytest.approx(30 * 730 * 0.000111)


def test_a_million_requests_cost_the_busy_time_of_one_instance_and_their_fee() -> None:
    """Of 10 ms of one vCPU: 10,000 s of 1 vCPU and 1 GiB, and 0.40."""
    found = cost(cloud_run("1", "1Gi"), usage=Usage(request_seconds=0.01))
    assert found.per_million is not None
    assert found.per_million.usd == pytest.approx(10_000 * (0.000024 + 0.0000025) + 0.40)


def test_seldom_requests_are_billed_by_the_hundred_milliseconds_each() -> None:
    """A thousand a month hardly ever overlap."""
    found = only(cloud_run("1", "1Gi"), usage=Usage(requests=1000, request_seconds=0.01, egress_gb=0))
    assert found.expected.usd == pytest.approx(1000 * 0.1 * (0.000024 + 0.0000025) + 0.0004, rel=1e-3)


def test_nobody_calling_a_service_that_scales_to_zero_costs_nothing() -> None:
    assert only(cloud_run(), usage=NOBODY).idle.usd == 0
