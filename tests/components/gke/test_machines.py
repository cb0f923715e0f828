"""What is left of a node for pods, and which machine is taken for a GPU."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.components.gke.machines import (
    GPUS,
    MACHINES,
    allocatable,
    machines_with,
    smallest_for,
    smallest_with,
)


def test_what_is_left_follows_googles_slices_of_memory_and_cpu() -> None:
    """16 GiB: 1 + 0.8 + 0.8 reserved, 0.4 of that again for image streaming, 100 MiB, and GKE's own pods."""
    left = allocatable(MACHINES["g2-standard-4"])
    assert left.memory_gib == pytest.approx(16 - 2.6 * 1.4 - 100 / 1024 - 0.75, abs=0.001)
    assert left.cpu == pytest.approx(4 - 0.06 - 0.01 - 0.01 - 0.4)
    large = allocatable(MACHINES["a2-ultragpu-1g"])
    reserved = 1 + 0.8 + 0.8 + 112 * 0.06 + (170 - 128) * 0.02
    assert large.memory_gib == pytest.approx(170 - reserved * 1.4 - 100 / 1024 - 0.75, abs=0.001)


@pytest.mark.parametrize("name", MACHINES)
def test_a_part_of_every_machine_is_left_and_never_all_of_it(name: str) -> None:
    machine = MACHINES[name]
    left = allocatable(machine)
    assert 0 < left.cpu < machine.cpu
    assert 0 < left.memory_gib < machine.memory_gib


@pytest.mark.parametrize(
    ("gpu", "count", "machine"),
    [
        ("nvidia-l4", 1, "g2-standard-4"),
        ("nvidia-l4", 2, "g2-standard-24"),
        ("nvidia-l4", 8, "g2-standard-96"),
        ("nvidia-tesla-t4", 1, "n1-standard-4"),
        ("nvidia-tesla-a100", 4, "a2-highgpu-4g"),
        ("nvidia-rtx-pro-6000", 1, "g4-standard-48"),
    ],
)
def test_the_smallest_machine_with_these_gpus_is_taken(gpu: str, count: int, machine: str) -> None:
    found = smallest_with(gpu, count)
    assert found is not None
    assert found.name == machine


@given(st.sampled_from(GPUS), st.integers(0, 16))
def test_every_machine_that_is_offered_has_these_gpus(gpu: str, count: int) -> None:
    for machine in machines_with(gpu, count):
        assert machine.gpu == gpu
        assert count in machine.gpu_counts


@given(st.sampled_from(["", *GPUS]), st.sampled_from([1, 2, 4, 8]), st.floats(0.1, 100), st.floats(0.1, 400))
def test_the_machine_for_a_pod_holds_it_and_no_smaller_one_does(
    gpu: str, count: int, cpu: float, memory_gib: float
) -> None:
    def holds(name: str) -> bool:
        left = allocatable(MACHINES[name])
        return left.cpu >= cpu and left.memory_gib >= memory_gib

    found = smallest_for(gpu, count, cpu, memory_gib)
    order = [machine.name for machine in machines_with(gpu, count)]
    if found is None:
        assert not any(map(holds, order))
    else:
        assert next(name for name in order if holds(name)) == found.name
