"""Two mistakes of other estimators: an accelerator counted twice, a forwarding rule at the wrong price."""

import pytest

from tests.infra.plain import cost, node_pool, only, resource


def test_an_l4_that_is_declared_with_its_machine_is_not_counted_again() -> None:
    declared, undeclared = only(node_pool(gpu="nvidia-l4")), only(node_pool(gpu=""))
    assert declared.idle.usd == pytest.approx(undeclared.idle.usd)
    assert [line.key for line in declared.lines] == ["compute/g2-standard-4", "compute/disk/pd-balanced"]


def test_a_t4_that_is_attached_to_an_n1_is_counted() -> None:
    with_gpu = only(node_pool("n1-standard-4", gpu="nvidia-tesla-t4"))
    without = only(node_pool("n1-standard-4", gpu=""))
    assert with_gpu.idle.usd - without.idle.usd == pytest.approx(0.35 * 730)


def load_balancers(count: int) -> list[float]:
    inputs = {"spec": {"type": "LoadBalancer"}}
    rules = [resource("kubernetes:core/v1:Service", inputs, f"rule-{number}") for number in range(count)]
    return [round(one.idle.usd / 730, 6) for one in cost(*rules).resources]


def test_each_of_the_first_five_forwarding_rules_has_the_higher_price() -> None:
    assert load_balancers(6) == [0.025] * 5 + [0.01]


def test_a_service_inside_the_cluster_has_no_forwarding_rule() -> None:
    found = only(resource("kubernetes:core/v1:Service", {"spec": {"type": "ClusterIP"}}))
    assert (found.kind, found.idle.usd) == ("free", 0)
