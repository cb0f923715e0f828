"""The real scheduler and controllers on nodes without machines: where pods land, what a rollout keeps."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.cluster.api import Api
from tests.cluster.nodes import Kubelet, make_node
from tests.contract.kubernetes_cases import GPU
from tests.contract.kubernetes_objects import objects_of, one

pytestmark = pytest.mark.cluster

GPU_TAINT = [{"key": "nvidia.com/gpu", "value": "present", "effect": "NoSchedule"}]
POD_SIZE = {"cpu": 1, "memory_gib": 2}


@pytest.fixture(scope="module", autouse=True)
def nodes(cluster: Api) -> None:
    """Two zones; two nodes with a GPU each, tainted as GKE does, and two without."""
    for zone in "ab":
        labels = {"topology.kubernetes.io/zone": zone}
        make_node(cluster, f"cpu-{zone}", {"cpu": "8", "memory": "30Gi"}, {**labels, "pool": "cpu"})
        room = {"cpu": "8", "memory": "30Gi", "nvidia.com/gpu": "1"}
        accelerator = {"cloud.google.com/gke-accelerator": "nvidia-l4", "pool": "gpu"}
        make_node(cluster, f"gpu-{zone}", room, {**labels, **accelerator}, GPU_TAINT)


@pytest.fixture
def release(cluster: Api) -> Iterator[list[dict[str, Any]]]:
    """Objects put into it are gone at the end, their pods too, so that the next test has all the room."""
    objects: list[dict[str, Any]] = []
    yield objects
    for namespace in {found["metadata"]["namespace"] for found in objects if found["kind"] == "Deployment"}:
        for found in objects:
            if found["kind"] in ("HorizontalPodAutoscaler", "Deployment"):
                cluster.delete(found)
        kubelet = Kubelet(cluster, namespace)
        kubelet.wait_until(lambda namespace=namespace: not cluster.all_of("Pod", namespace=namespace))


def applied(
    cluster: Api, release: list[dict[str, Any]], args: Mapping[str, Any], namespace: str
) -> list[Any]:
    objects = objects_of({**args, "namespace": namespace})
    for found in objects:
        cluster.apply(found)
        release.append(found)
    return objects


def running_on(cluster: Api, namespace: str) -> set[str]:
    return {pod["spec"].get("nodeName", "") for pod in cluster.all_of("Pod", namespace=namespace)}


def settled(cluster: Api, deployment: Mapping[str, Any], pods: int) -> bool:
    """Every wanted pod is of the newest revision, and ready; nothing else is left."""
    found = cluster.get(deployment) or {}
    status, spec = found.get("status", {}), found.get("spec", {})
    namespace = deployment["metadata"]["namespace"]
    return (
        status.get("observedGeneration") == found["metadata"]["generation"]
        and spec.get("replicas") == pods
        and status.get("updatedReplicas") == status.get("readyReplicas") == status.get("replicas") == pods
        and len(cluster.all_of("Pod", namespace=namespace)) == pods
    )


def test_pods_with_a_gpu_land_on_gpu_nodes_alone_one_in_each_zone(
    cluster: Api, release: list[dict[str, Any]]
) -> None:
    objects = applied(cluster, release, {**GPU, "min_replicas": 2, "max_replicas": 2}, "with-gpu")
    kubelet = Kubelet(cluster, "with-gpu")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 2))
    assert running_on(cluster, "with-gpu") == {"gpu-a", "gpu-b"}


def test_pods_without_a_gpu_stay_off_gpu_nodes_and_spread(
    cluster: Api, release: list[dict[str, Any]]
) -> None:
    objects = applied(cluster, release, {**POD_SIZE, "min_replicas": 4, "max_replicas": 4}, "without-gpu")
    kubelet = Kubelet(cluster, "without-gpu")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 4))
    nodes = sorted(pod["spec"]["nodeName"] for pod in cluster.all_of("Pod", namespace="without-gpu"))
    assert nodes == ["cpu-a", "cpu-a", "cpu-b", "cpu-b"]


def test_the_autoscaler_brings_the_deployment_to_its_least(
    cluster: Api, release: list[dict[str, Any]]
) -> None:
    objects = applied(cluster, release, {**POD_SIZE, "min_replicas": 3, "max_replicas": 6}, "scaled")
    kubelet = Kubelet(cluster, "scaled")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 3))


def test_no_pod_goes_where_a_fixed_number_becomes_a_changing_one(
    cluster: Api, release: list[dict[str, Any]]
) -> None:
    objects = applied(cluster, release, {**POD_SIZE, "min_replicas": 3, "max_replicas": 3}, "unfixed")
    kubelet = Kubelet(cluster, "unfixed")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 3))
    kubelet.seen.clear()
    changed = applied(cluster, release, {**POD_SIZE, "min_replicas": 4, "max_replicas": 6}, "unfixed")
    kubelet.wait_until(lambda: settled(cluster, one(changed, "Deployment"), 4))
    assert min(look.ready for look in kubelet.seen) == 3


def test_a_rollout_with_room_never_has_fewer_ready_pods(cluster: Api, release: list[dict[str, Any]]) -> None:
    args = {**POD_SIZE, "min_replicas": 4, "max_replicas": 4}
    objects = applied(cluster, release, args, "surge")
    kubelet = Kubelet(cluster, "surge")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 4))
    kubelet.seen.clear()
    changed = applied(cluster, release, {**args, "env": {"LOG_LEVEL": "debug"}}, "surge")
    kubelet.wait_until(lambda: settled(cluster, one(changed, "Deployment"), 4))
    assert min(look.ready for look in kubelet.seen) == 4
    assert max(look.ready for look in kubelet.seen) <= 5


def test_a_rollout_without_a_spare_gpu_goes_on_and_misses_one_pod_at_most(
    cluster: Api, release: list[dict[str, Any]]
) -> None:
    args = {**GPU, "min_replicas": 2, "max_replicas": 2, "node_gpus": 1, "max_nodes": 2}
    objects = applied(cluster, release, args, "in-place")
    kubelet = Kubelet(cluster, "in-place")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 2))
    kubelet.seen.clear()
    changed = applied(cluster, release, {**args, "env": {"LOG_LEVEL": "debug"}}, "in-place")
    kubelet.wait_until(lambda: settled(cluster, one(changed, "Deployment"), 2))
    assert min(look.ready for look in kubelet.seen) == 1
    assert max(look.there for look in kubelet.seen) == 2


def test_a_rollout_whose_pods_do_not_start_leaves_the_old_ones(
    cluster: Api, release: list[dict[str, Any]]
) -> None:
    args = {**POD_SIZE, "min_replicas": 2, "max_replicas": 2}
    objects = applied(cluster, release, args, "broken")
    kubelet = Kubelet(cluster, "broken")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 2))
    changed = applied(cluster, release, {**args, "env": {"LOG_LEVEL": "debug"}}, "broken")
    deployment = one(changed, "Deployment")
    name = one(changed, "ConfigMap")["metadata"]["name"]
    kubelet.starts = lambda pod: pod["spec"]["containers"][0]["envFrom"][0]["configMapRef"]["name"] != name
    kubelet.seen.clear()
    kubelet.wait_until(lambda: (cluster.get(deployment) or {})["status"].get("updatedReplicas") == 1)
    for _ in range(5):
        kubelet.step()
    assert min(look.ready for look in kubelet.seen) == 2
    kubelet.starts = lambda _pod: True


def test_a_drain_takes_one_pod_at_a_time(cluster: Api, release: list[dict[str, Any]]) -> None:
    objects = applied(cluster, release, {**POD_SIZE, "min_replicas": 2, "max_replicas": 2}, "drained")
    kubelet = Kubelet(cluster, "drained")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 2))
    budget = one(objects, "PodDisruptionBudget")
    kubelet.wait_until(lambda: (cluster.get(budget) or {}).get("status", {}).get("disruptionsAllowed") == 1)
    first, second = cluster.all_of("Pod", namespace="drained")
    assert cluster.evict(first)
    assert not cluster.evict(second)
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 2))
    kubelet.wait_until(lambda: (cluster.get(budget) or {})["status"]["disruptionsAllowed"] == 1)
    assert cluster.evict(second)


def test_the_service_sends_to_the_pods_that_are_ready(cluster: Api, release: list[dict[str, Any]]) -> None:
    objects = applied(cluster, release, {**POD_SIZE, "min_replicas": 2, "max_replicas": 2}, "served")
    kubelet = Kubelet(cluster, "served")
    kubelet.wait_until(lambda: settled(cluster, one(objects, "Deployment"), 2))

    def targets() -> list[tuple[int, bool]]:
        slices = cluster.all_of("EndpointSlice", "discovery.k8s.io/v1", "served")
        found: list[tuple[int, bool]] = []
        for each in slices:
            ports: list[dict[str, Any]] = each["ports"] or []
            ends: list[dict[str, Any]] = each["endpoints"] or []
            found += [(port["port"], end["conditions"]["ready"]) for port in ports for end in ends]
        return found

    # Both pods play the same address, and so are one target.
    kubelet.wait_until(lambda: (8080, True) in targets())
