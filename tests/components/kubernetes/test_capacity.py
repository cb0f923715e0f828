from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components.kubernetes.capacity import has_spare, most_pods, pods_per_node
from slipway.components.kubernetes.rollout import surge_of
from slipway.components.kubernetes.rules import checked_spec, spec_warnings
from slipway.components.kubernetes.spec import KubernetesSpec
from tests.contract.kubernetes_cases import GOOGLE, GPU, PLAIN, POOL


def warnings(args: Mapping[str, Any]) -> list[str]:
    return list(spec_warnings(checked_spec("api", args)))


def spec(**args: Any) -> KubernetesSpec:
    return checked_spec("api", {**PLAIN, **args})


@pytest.mark.parametrize(
    ("args", "each"),
    [
        ({"cpu": 0.1, "node_cpu": 0.3}, 3),
        ({"cpu": 2, "node_cpu": 7.9, "node_memory_gib": 27}, 3),
        ({"cpu": 1, "memory_gib": 10, "node_cpu": 7.9, "node_memory_gib": 27}, 2),
        ({**GPU, **POOL}, 1),
        ({**GPU, **POOL, "node_gpus": 4}, 1),
        ({**GPU, **POOL, "cpu": 1, "memory_gib": 4, "node_gpus": 4}, 4),
        ({}, None),
    ],
)
def test_the_scarcest_of_a_node_decides(args: dict[str, Any], each: int | None) -> None:
    found = spec(max_replicas=2, **args)
    assert pods_per_node(found) == each
    nodes = args.get("max_nodes")
    assert most_pods(found) == (each * nodes if each and nodes else None)


@pytest.mark.parametrize(
    ("args", "spare"),
    [
        ({}, True),
        (GPU, False),
        ({**GPU, "spare_node": True}, True),
        ({"spare_node": False}, False),
        ({**GPU, **POOL, "max_replicas": 4}, False),
        ({**GPU, **POOL, "max_replicas": 3}, True),
        ({**GPU, **POOL, "max_replicas": 3, "spare_node": False}, False),
    ],
)
def test_a_rollout_counts_on_what_is_known_of_the_pool(args: dict[str, Any], spare: bool) -> None:
    found = spec(**args)
    assert has_spare(found) is spare
    assert (surge_of(found) > 0) is spare


@pytest.mark.parametrize(
    ("args", "surge"),
    [
        ({"min_replicas": 3, "max_replicas": 3}, 1),
        ({"max_replicas": 40}, 10),
        ({"cpu": 1, "max_replicas": 40, "node_cpu": 7, "max_nodes": 6}, 2),
        ({**GPU, "max_replicas": 40, "spare_node": True}, 1),
    ],
)
def test_a_quarter_is_replaced_at_once_as_far_as_there_is_room(args: dict[str, Any], surge: int) -> None:
    assert surge_of(spec(**args)) == surge


def test_a_rollout_without_a_spare_and_a_single_pod_are_told() -> None:
    told = warnings({**PLAIN, **GPU, "min_replicas": 1, "max_replicas": 1})
    assert any("no spare GPU: the only pod is away while its successor starts" in line for line in told)
    assert any("`min_replicas` is 1" in line for line in told)
    assert warnings({**PLAIN, **GOOGLE}) == []


def test_gpus_that_the_server_leaves_idle_are_told() -> None:
    idle = "`gpu_count` is 2, and the server computes on one GPU: each leaves 1 idle"
    assert idle in "\n".join(warnings({**PLAIN, **GPU, "gpu_count": 2}))
    assert "idle" not in "\n".join(warnings({**PLAIN, **GPU}))


def test_pods_of_kserve_are_said_to_have_no_network_policy() -> None:
    kserve = {**PLAIN, "serving": "kserve", "min_replicas": 1}
    assert "no NetworkPolicy is made for KServe's pods" in "\n".join(warnings(kserve))
    assert "NetworkPolicy" not in "\n".join(warnings({**kserve, "network_policy": False}))
