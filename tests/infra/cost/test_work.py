"""No target computes for nothing: what is billed is at least what the requests need."""

from hypothesis import given
from hypothesis import strategies as st

from slipway.infra.cost.aws import FargateSize
from slipway.infra.cost.aws import priced as fargate_priced
from slipway.infra.cost.charge import Charge
from slipway.infra.cost.cloud_run import RunSize
from slipway.infra.cost.cloud_run import priced as cloud_run_priced
from slipway.infra.cost.usage import Usage
from tests.infra.plain import cost, node_pool

MANY = 10**9
VCPU_SECONDS = ("cloud-run/request-cpu", "cloud-run/instance-cpu")
usages = st.builds(
    Usage, requests=st.floats(1, 1e9), request_seconds=st.floats(1e-4, 100), hours=st.floats(0.5, 24)
)


def expected(charges: tuple[Charge, ...], *keys: str) -> float:
    return sum(charge.expected for charge in charges if charge.key in keys)


def work(usage: Usage) -> float:
    return usage.requests * (usage.request_seconds or 0) * (1 - 1e-9)


@given(usages, st.sampled_from([0.5, 1.0, 2.0, 4.0, 6.0, 8.0]), st.booleans(), st.integers(0, 3))
def test_cloud_run_bills_the_vcpu_seconds_that_the_requests_need(
    usage: Usage, cpu: float, always: bool, least: int
) -> None:
    size = RunSize(cpu, 1, "", zonal=False, always=always, least=least, most=MANY)
    assert expected(cloud_run_priced(size, "us-central1", usage).charges, *VCPU_SECONDS) >= work(usage)


@given(usages, st.integers(0, 3))
def test_cloud_run_bills_the_gpu_seconds_that_the_requests_need(usage: Usage, least: int) -> None:
    size = RunSize(4, 16, "nvidia-l4", zonal=False, always=True, least=least, most=MANY)
    assert expected(cloud_run_priced(size, "us-central1", usage).charges, "cloud-run/gpu/nvidia-l4") >= work(
        usage
    )


@given(usages, st.sampled_from([0.25, 1.0, 4.0]), st.floats(0, 1), st.integers(0, 3))
def test_fargate_bills_the_vcpu_hours_that_the_requests_need(
    usage: Usage, cpu: float, spot: float, least: int
) -> None:
    size = FargateSize(cpu, 2, "x86_64", 20, least, MANY, spot, 1)
    hours = expected(fargate_priced(size, "us-east-1", usage).charges, "fargate/x86_64/cpu")
    assert hours * 3600 >= work(usage)


@given(usages, st.sampled_from([("e2-medium", 1), ("e2-standard-4", 4), ("n1-standard-4", 4)]))
def test_nodes_are_billed_for_the_vcpu_that_they_have_for_good(
    usage: Usage, machine: tuple[str, int]
) -> None:
    name, vcpu = machine
    [pool] = cost(node_pool(name, 1, MANY, gpu=""), usage=usage).resources
    hours = expected(tuple(line.charge for line in pool.lines), f"compute/{name}")
    assert hours * vcpu * 3600 >= work(usage)


def test_a_gpu_that_scales_to_zero_is_not_billed_for_the_whole_month() -> None:
    size = RunSize(4, 16, "nvidia-l4", zonal=False, always=True, least=0, most=1)
    priced = cloud_run_priced(size, "us-central1", Usage(requests=26, request_seconds=1))
    assert expected(priced.charges, "cloud-run/gpu/nvidia-l4") < 26 * 1000
