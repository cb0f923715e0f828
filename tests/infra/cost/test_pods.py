"""Pods of a cluster that the stack does not make: unknown, with the share of a node that they fit on."""

from typing import Any

import pytest

from slipway.components.gke.machines import MACHINES
from slipway.infra.cost.machines import shapes
from slipway.infra.cost.prices import price_table
from slipway.infra.policy.judge import over_budget
from slipway.infra.resources.google import CLUSTER
from slipway.infra.resources.kubernetes import POSTGRES_CLUSTER, SCALED_OBJECT
from slipway.infra.resources.reading import Resource
from tests.infra.cost.hand_arithmetic import pods
from tests.infra.plain import cost, only, plan, resource


def test_eight_l4_show_the_share_of_their_nodes_and_pass_no_budget() -> None:
    """8 x 730 x 0.70683."""
    found = cost(pods(8, gpu=1))
    assert "g2-standard-4, the cheapest node of GKE for it in us-central1, is $4,127.89" in " ".join(
        found.maximum.unknown
    )
    assert list(over_budget(found, 10))
    assert list(over_budget(found, 1_000_000))


def test_a_small_pod_shows_its_share_of_a_node() -> None:
    """Half of 730 x 0.06701: one of two vCPU, 4 of 8 GiB."""
    assert "e2-standard-2, the cheapest" in only(pods(1, "1", "4Gi")).note
    assert "is $24.46" in only(pods(1, "1", "4Gi")).note


def test_an_autoscaler_gives_the_range_of_the_share() -> None:
    scaler = resource(
        "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
        {"spec": {"minReplicas": 2, "maxReplicas": 10}},
        "scaler",
    )
    assert "is $48.92 to $244.59" in cost(pods(1, "1", "4Gi"), scaler).resources[0].note


def test_keda_gives_the_range_of_the_share_which_begins_at_nothing_where_pods_may_sleep() -> None:
    def note(**spec: int) -> str:
        return cost(pods(1, "1", "4Gi"), resource(SCALED_OBJECT, {"spec": spec}, "scaler")).resources[0].note

    assert "is $0.00 to $244.59" in note(minReplicaCount=0, maxReplicaCount=10)
    assert "is $48.92 to $244.59" in note(minReplicaCount=2, maxReplicaCount=10)
    assert "is $0.00 to $2,445" in note()


def test_an_autoscaler_of_the_workers_is_not_that_of_the_instances() -> None:
    def workload(name: str) -> Resource:
        made = pods(1, "1", "4Gi")
        inputs = {**made.inputs, "metadata": {"name": name}}
        return resource(made.type, inputs, name)

    def scaled(name: str, most: int) -> Resource:
        target = {"minReplicaCount": 1, "maxReplicaCount": most, "scaleTargetRef": {"name": name}}
        return resource(SCALED_OBJECT, {"spec": target}, f"{name}-scaler")

    found = cost(workload("api"), workload("api-worker"), scaled("api-worker", 3), scaled("api", 10))
    notes = {each.name: each.note for each in found.resources}
    assert "is $24.46 to $244.59" in notes["api"]
    assert "is $24.46 to $73.38" in notes["api-worker"]


DATABASE: dict[str, Any] = {
    "spec": {
        "instances": 2,
        "storage": {"size": "10Gi"},
        "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
    }
}


def test_the_database_of_jobs_shows_its_share_of_a_node_of_another_stack() -> None:
    found = only(resource(POSTGRES_CLUSTER, DATABASE, "jobs"))
    assert found.note.startswith(
        "it runs on nodes and disks that are not of this stack, with 2 volumes of 10"
    )
    assert "its share of" in found.note


def test_on_nodes_of_the_stack_the_database_of_jobs_costs_its_volumes() -> None:
    """2 x 10 GiB of pd-balanced at 0.10."""
    cluster = resource(CLUSTER, {"location": "europe-west4-a", "removeDefaultNodePool": True}, "main")
    [database] = [
        each
        for each in cost(cluster, resource(POSTGRES_CLUSTER, DATABASE, "jobs")).resources
        if each.name == "jobs"
    ]
    assert database.note.startswith("2 volumes of 10 GiB")
    assert database.idle.usd == pytest.approx(2.0)


def test_pods_that_no_priced_node_holds_show_no_share() -> None:
    assert only(pods(1, "64")).note == "it runs on nodes that are not of this stack"


def test_a_stack_of_an_existing_cluster_has_no_known_cost() -> None:
    settings = {"target": "kubernetes", "image": f"ghcr.io/acme/server@sha256:{'a' * 64}"}
    found = cost(*plan(settings).resources)
    assert "nodes that are not of this stack" in " ".join(found.maximum.unknown)


@pytest.mark.parametrize("shape", [one for one in shapes(price_table()) if one.name in MACHINES])
def test_a_machine_has_the_shape_that_the_gke_target_knows(shape: object) -> None:
    own = next(one for one in shapes(price_table()) if one == shape)
    machine = MACHINES[own.name]
    assert (own.cpu, own.memory_gib) == (machine.cpu, machine.memory_gib)
    assert not own.gpu or own.gpu_apart or (own.gpu, int(own.gpus)) == (machine.gpu, machine.gpu_counts[0])
