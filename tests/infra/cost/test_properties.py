"""What must hold for any service: more of anything never costs less, and nothing is below zero."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slipway.infra.cost.aws import FargateSize
from slipway.infra.cost.aws import priced as fargate_priced
from slipway.infra.cost.charge import Priced
from slipway.infra.cost.cloud_run import RunSize
from slipway.infra.cost.cloud_run import priced as cloud_run_priced
from slipway.infra.cost.prices import price_table
from slipway.infra.cost.stack import PricingNotes, line_of, money_of
from slipway.infra.cost.usage import Usage
from tests.infra.plain import cost, node_pool

SCENARIOS = ("idle", "expected", "maximum")
instances = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda two: (min(two), max(*two, 1)))
usages = st.builds(
    Usage,
    requests=st.floats(0, 1e9),
    request_seconds=st.floats(1e-4, 10),
    hours=st.floats(0.5, 24),
    egress_gb=st.floats(0, 1000),
)


def run_size(limits: tuple[int, int], cpu: float, memory_gib: float, always: bool) -> RunSize:
    return RunSize(cpu, memory_gib, "", False, always, *limits)


def task_size(
    limits: tuple[int, int], cpu: float, memory_gib: float, arm: bool, disk: float, spot: float, public: bool
) -> FargateSize:
    architecture = "arm64" if arm else "x86_64"
    return FargateSize(cpu, memory_gib, architecture, disk, *limits, spot, 1, public)


runs = st.builds(
    run_size,
    instances,
    st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0]),
    st.floats(0.5, 32),
    st.booleans(),
)
tasks = st.builds(
    task_size,
    instances,
    st.sampled_from([0.25, 1.0, 4.0]),
    st.floats(0.5, 30),
    st.booleans(),
    st.floats(20, 200),
    st.floats(0, 1),
    st.booleans(),
)


def usd(priced: Priced) -> dict[str, float]:
    lines = [line_of(charge, priced.region, price_table(), PricingNotes()) for charge in priced.charges]
    return {name: money_of(lines, name).usd for name in SCENARIOS}


def run(size: RunSize, usage: Usage) -> dict[str, float]:
    return usd(cloud_run_priced(size, "us-central1", usage))


def task(size: FargateSize, usage: Usage) -> dict[str, float]:
    return usd(fargate_priced(size, "us-east-1", usage))


def no_less(more: dict[str, float], less: dict[str, float]) -> bool:
    return all(more[name] >= less[name] - 1e-6 - 1e-9 * less[name] for name in SCENARIOS)


@given(runs, usages, st.integers(1, 5))
def test_more_instances_of_cloud_run_never_cost_less(size: RunSize, usage: Usage, more: int) -> None:
    first = run(size, usage)
    assert no_less(run(replace(size, most=size.most + more), usage), first)
    assert no_less(run(replace(size, least=size.least + more, most=size.most + more), usage), first)


@given(runs, usages)
def test_more_cpu_never_costs_less_at_the_minimum_and_maximum(size: RunSize, usage: Usage) -> None:
    """At the assumed use it may: a larger instance answers sooner."""
    first, larger = run(size, usage), run(replace(size, cpu=size.cpu * 2), usage)
    assert larger["idle"] >= first["idle"] - 1e-9
    assert larger["maximum"] >= first["maximum"] - 1e-9


@given(runs, usages)
def test_more_memory_never_costs_less(size: RunSize, usage: Usage) -> None:
    assert no_less(run(replace(size, memory_gib=size.memory_gib + 1), usage), run(size, usage))


@given(runs, usages, st.floats(1, 10))
def test_more_requests_never_cost_less(size: RunSize, usage: Usage, times: float) -> None:
    more = replace(usage, requests=usage.requests * times)
    assert no_less(run(size, more), run(size, usage))


@given(runs, usages)
def test_what_is_expected_lies_between_nothing_and_the_maximum(size: RunSize, usage: Usage) -> None:
    found = run(size, usage)
    assert 0 <= found["expected"] <= found["maximum"] * (1 + 1e-9) + 1e-6
    assert found["idle"] >= 0


@given(tasks, usages, st.integers(1, 5))
def test_more_instances_of_fargate_never_cost_less(size: FargateSize, usage: Usage, more: int) -> None:
    first = task(size, usage)
    assert no_less(task(replace(size, most=size.most + more), usage), first)
    assert no_less(task(replace(size, least=size.least + more, most=size.most + more), usage), first)


@given(tasks, usages, st.floats(0, 1))
def test_more_of_fargate_on_spot_never_costs_more(size: FargateSize, usage: Usage, share: float) -> None:
    more = replace(size, spot_share=max(share, size.spot_share))
    assert no_less(task(size, usage), task(more, usage))


@given(instances, st.integers(1, 5), st.sampled_from(["g2-standard-4", "e2-standard-4", "n1-standard-4"]))
def test_more_nodes_never_cost_less(limits: tuple[int, int], more: int, machine: str) -> None:
    def found(least: int, most: int) -> dict[str, float]:
        one: Any = cost(node_pool(machine, least, most, gpu=""))
        return {name: getattr(one, name).usd for name in SCENARIOS}

    least, most = limits
    assert no_less(found(least, most + more), found(least, most))
    assert no_less(found(least + more, most + more), found(least, most))
