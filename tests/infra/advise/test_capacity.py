"""What fits on a node of GKE, as the target itself takes it to be."""

import pytest

from slipway.components.gke.machines import MACHINES, allocatable
from slipway.infra.advise.options import NODE_GIB, NODE_MACHINE
from slipway.infra.cost.gcp import cpu_for_pods


@pytest.mark.parametrize("machine", ["e2-standard-2", "e2-standard-4", "e2-standard-8", "g2-standard-16"])
def test_pods_have_the_cpu_that_the_gke_target_gives_them(machine: str) -> None:
    found = MACHINES[machine]
    assert cpu_for_pods(found.cpu) == pytest.approx(allocatable(found).cpu)


def test_a_node_has_the_memory_that_the_gke_target_gives_it() -> None:
    assert allocatable(MACHINES[NODE_MACHINE]).memory_gib == NODE_GIB
