import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.components.sizes import CLOUD_RUN_MIB, FARGATE_MIB, quantity
from slipway.infra.targets.registry import smallest_sizes


def by_target(need_mib: float, cpu: float) -> dict[str, tuple[float, str]]:
    return {size.target: (size.cpu, size.memory) for size in smallest_sizes(need_mib, cpu)}


def test_a_small_model_gets_the_least_that_each_target_sells() -> None:
    assert by_target(81, 1) == {
        "local": (1, "128Mi"),
        "cloud-run": (1, "512Mi"),
        "fargate": (1, "2Gi"),
        "gke": (1, "128Mi"),
        "kubernetes": (1, "128Mi"),
    }


def test_more_memory_takes_more_cpu_where_the_target_couples_them() -> None:
    sizes = by_target(9000, 1)
    assert sizes["cloud-run"] == (4, "9024Mi")
    assert sizes["fargate"] == (2, "9Gi")
    assert sizes["local"] == (1, "9024Mi")


def test_a_target_that_has_nothing_large_enough_is_left_out() -> None:
    assert set(by_target(200 * 1024, 1)) == {"local", "gke", "kubernetes"}
    assert "cloud-run" not in by_target(100, 16)


@given(st.floats(1, 32 * 1024), st.sampled_from([0.25, 0.5, 1, 2, 4, 6, 8]))
def test_every_size_is_valid_and_none_is_below_the_need(need_mib: float, cpu: float) -> None:
    for size in smallest_sizes(need_mib, cpu):
        assert size.memory_mib >= need_mib
        assert size.cpu >= cpu
        if size.target == "cloud-run":
            low, high = CLOUD_RUN_MIB[int(size.cpu)]
            assert low <= size.memory_mib <= high
        if size.target == "fargate":
            assert size.memory_mib in FARGATE_MIB[size.cpu]


@pytest.mark.parametrize(("mib", "text"), [(512, "512Mi"), (1024, "1Gi"), (1536, "1536Mi"), (30720, "30Gi")])
def test_a_size_is_written_as_a_setting(mib: int, text: str) -> None:
    assert quantity(mib) == text
