"""A live service takes jobs, changes how, and stops to: on the real engine, provider and API server."""

from typing import Any

import pytest

from slipway.components import keda_api
from slipway.components.kubernetes import job_database
from tests.cluster.api import Api
from tests.cluster.control_plane import wait_until
from tests.pulumi_engine.conftest import Engine
from tests.pulumi_engine.live_kubernetes import Watch, engine, namespace, node, watch

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.cluster]

__all__ = ["engine", "namespace", "node", "watch"]

KINDS = {
    "Deployment": ("apps/v1", "api-worker"),
    "NetworkPolicy": ("networking.k8s.io/v1", "api-worker"),
    "PodDisruptionBudget": ("policy/v1", "api-worker"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "api-worker"),
    "ScaledObject": (keda_api.API, "api-worker"),
    "TriggerAuthentication": (keda_api.API, "api-worker"),
    "Cluster": (job_database.API, "api-jobs"),
}
ALWAYS = {"Deployment", "NetworkPolicy", "PodDisruptionBudget"}
FIXED, SCALED = {"HorizontalPodAutoscaler"}, {"ScaledObject", "TriggerAuthentication"}


def found(server: Api, namespace: str, kind: str) -> dict[str, Any] | None:
    version, name = KINDS[kind]
    return server.get(
        {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
    )


def kinds(server: Api, namespace: str) -> set[str]:
    """Kinds of which the workers have an object that stays."""
    objects = {kind: found(server, namespace, kind) for kind in KINDS}
    return {kind for kind, body in objects.items() if body and "deletionTimestamp" not in body["metadata"]}


def database_of(server: Api, namespace: str) -> set[str]:
    """Name the Secrets that server and workers read the address of the database from."""
    names: set[str] = set()
    for deployment in server.all_of("Deployment", "apps/v1", namespace):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        names |= {
            each["valueFrom"]["secretKeyRef"]["name"]
            for each in container["env"]
            if each["name"] == "JOBS_DATABASE"
        }
    return names


def test_jobs_are_taken_otherwise_and_no_more_on_a_live_service(
    engine: Engine, cluster: Api, watch: Watch, namespace: str
) -> None:
    engine.up()
    assert kinds(cluster, namespace) == set()
    engine("config", "set", "jobs", "true")
    engine.up()
    assert kinds(cluster, namespace) == {*ALWAYS, *FIXED, "Cluster"}
    assert database_of(cluster, namespace) == {"api-jobs-app"}
    workers = found(cluster, namespace, "Deployment")
    assert workers
    assert workers["status"]["readyReplicas"] == 1
    engine("config", "set", "mostWorkers", "4")
    engine.up()
    assert kinds(cluster, namespace) == {*ALWAYS, *SCALED, "Cluster"}
    cluster.patch(workers, {"spec": {"replicas": 3}}, "/scale")  # as KEDA does
    engine("config", "set", "leastWorkers", "0")
    engine("config", "set", "level", "debug")
    engine.up()
    after = found(cluster, namespace, "Deployment")
    assert after
    assert after["spec"]["replicas"] == 3
    engine("config", "set", "database", "elsewhere/url")
    engine.up()
    assert kinds(cluster, namespace) == {*ALWAYS, *SCALED}
    assert database_of(cluster, namespace) == {"elsewhere"}
    engine("config", "rm", "database")
    engine("config", "rm", "mostWorkers")
    engine("config", "rm", "leastWorkers")
    engine.up()
    assert kinds(cluster, namespace) == {*ALWAYS, *FIXED, "Cluster"}
    assert engine.up().keys() == {"same"}
    engine("config", "set", "jobs", "false")
    engine.up()
    wait_until(lambda: kinds(cluster, namespace) == set())
    assert database_of(cluster, namespace) == set()
    assert engine.up().keys() == {"same"}


def test_the_jobs_of_a_protected_service_are_not_deleted_until_it_is_unprotected(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    engine("config", "set", "jobs", "true")
    engine("config", "set", "protect", "true")
    engine.up()
    engine("config", "set", "jobs", "false")
    assert "protected" in engine("up", "--yes", "--skip-preview", ok=False)
    assert "Cluster" in kinds(cluster, namespace)
    engine("config", "set", "jobs", "true")
    engine("config", "set", "protect", "false")
    engine.up()
    engine("config", "set", "jobs", "false")
    engine.up()
    assert "Cluster" not in kinds(cluster, namespace)
