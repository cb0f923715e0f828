"""The life of a `KubernetesService` on the real engine, Kubernetes provider and API server."""

import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components import keda_api
from slipway.components.observability.prometheus import OPERATOR_API
from tests.cluster.api import Api
from tests.cluster.control_plane import wait_until
from tests.pulumi_engine.conftest import Engine
from tests.pulumi_engine.live_kubernetes import (
    NAMED,
    STARTS,
    Watch,
    absent,
    engine,
    namespace,
    node,
    watch,
)
from tests.pulumi_engine.standin import BROKEN

pytestmark = [pytest.mark.pulumi_engine, pytest.mark.cluster]

__all__ = ["engine", "namespace", "node", "watch"]


def deployment(server: Api, namespace: str) -> dict[str, Any]:
    place = {"name": "api", "namespace": namespace}
    found = server.get({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": place})
    assert found is not None
    return found


def container(server: Api, namespace: str) -> Mapping[str, Any]:
    [found] = deployment(server, namespace)["spec"]["template"]["spec"]["containers"]
    return found


@pytest.mark.parametrize(("key", "value"), [("cpu", "2"), ("level", "debug"), ("key", "l" * 20)])
def test_a_change_rolls_the_pods_out_without_their_missing_anything(
    engine: Engine, cluster: Api, watch: Watch, namespace: str, key: str, value: str
) -> None:
    engine.up()
    before = deployment(cluster, namespace)
    engine("config", "set", key, value)
    engine.up()
    after = deployment(cluster, namespace)
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["spec"]["template"] != before["spec"]["template"]
    assert after["status"]["updatedReplicas"] == after["status"]["readyReplicas"] == 2
    assert engine.up().keys() == {"same"}
    assert watch.lost() == watch.missed() == set()


def test_a_first_up_is_not_ready_at_one_pod_of_two(engine: Engine, watch: Watch) -> None:
    watch.start_at_most(1)
    engine("config", "set", "deadline", "30")
    said = engine("up", "--yes", "--skip-preview", ok=False)
    assert "[ProgressDeadlineExceeded]" in said
    watch.start_at_most(100)
    engine.up("--refresh")


def test_an_up_that_was_killed_is_taken_back(
    engine: Engine, cluster: Api, watch: Watch, namespace: str
) -> None:
    engine.up()
    engine("config", "set", "image", BROKEN)
    process = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=engine.project,
        env=engine.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    with process:
        wait_until(lambda: BROKEN in container(cluster, namespace)["image"])
        os.killpg(process.pid, signal.SIGKILL)  # with its provider, which would stay
    engine("cancel", "--yes")
    engine("config", "set", "image", STARTS)
    engine.up("--refresh")
    assert STARTS in container(cluster, namespace)["image"]
    assert engine.up().keys() == {"same"}
    assert watch.lost() == watch.missed() == set()


def test_what_was_changed_by_hand_is_taken_back_by_a_refresh(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    engine.up()
    wanted = container(cluster, namespace)
    body = deployment(cluster, namespace)
    by_hand = {**wanted, "image": wanted["image"].replace("host/", "elsewhere/")}
    cluster.patch(body, {"spec": {"template": {"spec": {"containers": [by_hand]}}}})
    engine.up("--refresh")
    assert container(cluster, namespace)["image"] == wanted["image"]


def test_the_number_of_pods_that_an_autoscaler_set_is_left_alone(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    engine("config", "set", "least", "1")
    engine("config", "set", "most", "4")
    engine.up()
    cluster.patch(deployment(cluster, namespace), {"spec": {"replicas": 3}}, "/scale")
    wait_until(lambda: deployment(cluster, namespace)["status"].get("readyReplicas") == 3)
    assert engine.up().keys() == {"same"}
    engine("config", "set", "level", "debug")
    engine.up()
    engine.up("--refresh")
    assert deployment(cluster, namespace)["spec"]["replicas"] == 3


def scalers(server: Api, namespace: str) -> set[str]:
    """Kinds of what scales the service now, and of the way to its interceptor."""
    kinds = {
        "HorizontalPodAutoscaler": ("autoscaling/v2", "api"),
        "ScaledObject": (keda_api.API, "api"),
        "InterceptorRoute": (keda_api.HTTP_ADD_ON_API, "api"),
        "Service": ("v1", "api-proxy"),
    }
    return {
        kind
        for kind, (version, name) in kinds.items()
        if server.get(
            {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        )
    }


def is_monitored(server: Api, namespace: str) -> bool:
    place = {"name": "api", "namespace": namespace}
    kinds = ("PodMonitor", "PrometheusRule")
    found = [server.get({"apiVersion": OPERATOR_API, "kind": kind, "metadata": place}) for kind in kinds]
    assert len({bool(each) for each in found}) == 1
    return all(found)


def test_monitoring_and_what_scales_the_pods_change_and_change_back(
    engine: Engine, cluster: Api, watch: Watch, namespace: str
) -> None:
    engine.up()
    assert not is_monitored(cluster, namespace)
    engine("config", "set", "monitoring", "operator")
    engine.up()
    assert is_monitored(cluster, namespace)
    pods = deployment(cluster, namespace)["metadata"]["generation"]
    for load, wanted in (
        ("requests", {"ScaledObject"}),
        ("interceptor", {"ScaledObject", "InterceptorRoute", "Service"}),
        ("cpu", {"HorizontalPodAutoscaler"}),
    ):
        engine("config", "set", "scaleOn", load)
        engine.up()
        assert scalers(cluster, namespace) == wanted
    assert deployment(cluster, namespace)["metadata"]["generation"] == pods  # the same pods all along
    engine("config", "set", "monitoring", "none")
    engine.up()
    assert not is_monitored(cluster, namespace)
    assert engine.up().keys() == {"same"}
    assert watch.lost() == watch.missed() == set()


def test_a_service_that_sleeps_is_changed_without_waking_it(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    engine("config", "set", "scaleOn", "interceptor")
    engine("config", "set", "least", "0")
    engine.up()
    assert deployment(cluster, namespace)["status"]["readyReplicas"] == 1
    cluster.patch(deployment(cluster, namespace), {"spec": {"replicas": 0}}, "/scale")
    wait_until(lambda: not deployment(cluster, namespace)["status"].get("replicas"))
    engine("config", "set", "level", "debug")
    engine.up()
    assert deployment(cluster, namespace)["spec"]["replicas"] == 0
    assert engine.up("--refresh").keys() == {"same"}


def test_a_protected_service_is_not_destroyed_until_it_is_unprotected(
    engine: Engine, cluster: Api, namespace: str
) -> None:
    engine("config", "set", "protect", "true")
    engine.up()
    assert "protected" in engine("destroy", "--yes", "--skip-preview", ok=False)
    assert absent(cluster, namespace) == set()
    engine("config", "set", "protect", "false")
    engine.up()
    engine("destroy", "--yes", "--skip-preview")
    assert absent(cluster, namespace) == {"Namespace", *NAMED}
