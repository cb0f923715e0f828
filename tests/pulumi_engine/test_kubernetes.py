"""The real engine, Kubernetes provider and API server: what running pods use survives a change taken back."""

import time
from collections.abc import Mapping

import pytest

from tests.cluster.api import Api
from tests.pulumi_engine.conftest import Engine
from tests.pulumi_engine.live_kubernetes import (
    BAD,
    GOOD,
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


def fail_and_take_back(engine: Engine, good: Mapping[str, str] = GOOD, bad: Mapping[str, str] = BAD) -> None:
    for key, value in bad.items():
        engine("config", "set", key, value)
    engine.up(ok=False)
    for key, value in good.items():
        engine("config", "set", key, value)
    engine.up()


def test_objects_named_by_their_contents_are_lost_when_a_failed_change_is_taken_back(
    engine: Engine, watch: Watch
) -> None:
    """Why they are not: both the ConfigMap and the Secret of the running pods are gone."""
    engine("config", "set", "contentNames", "true")
    engine.up()
    assert watch.lost() == set()
    fail_and_take_back(engine)
    assert {name.rpartition("-")[0] for name in watch.lost()} == {"api-configmap", "api-secret"}
    assert watch.missed() == watch.lost()


def test_a_mistyped_image_fails_soon_after_the_deadline_with_the_pods_reason(engine: Engine) -> None:
    engine("config", "set", "deadline", "30")
    engine.up()
    engine("config", "set", "image", BROKEN)
    began = time.monotonic()
    said = engine("up", "--yes", "--skip-preview", ok=False)
    assert time.monotonic() - began < 30 + 60
    reasons = said.partition("Diagnostics:")[2]
    assert f'[ImagePullBackOff] Back-off pulling image "host/server@sha256:{BROKEN}"' in reasons
    assert "[ProgressDeadlineExceeded]" in reasons
    engine("config", "set", "image", STARTS)
    engine.up()


def test_a_failed_change_that_is_taken_back_leaves_the_pods_what_they_use(
    engine: Engine, watch: Watch
) -> None:
    first = engine.up()
    fail_and_take_back(engine)
    assert engine.up() == {"same": sum(first.values())}
    assert watch.lost() == watch.missed() == set()


def test_a_stack_with_names_by_contents_moves_without_its_pods_missing_anything(
    engine: Engine, watch: Watch
) -> None:
    engine("config", "set", "contentNames", "true")
    engine.up()
    engine("config", "rm", "contentNames")
    changes = engine.up()
    assert changes["replace"] == 2
    assert engine.up().keys() == {"same"}
    assert watch.lost() == watch.missed() == set()


def test_a_namespace_that_failed_and_is_taken_back_leaves_every_object_in_place(
    engine: Engine, cluster: Api, watch: Watch, namespace: str
) -> None:
    other = f"{namespace}-other"
    first = engine.up()
    fail_and_take_back(engine, {**GOOD, "namespace": namespace}, {**BAD, "namespace": other})
    assert absent(cluster, namespace) == watch.lost() == set()
    assert absent(cluster, other) == {"Namespace", *NAMED}
    assert engine.up() == {"same": sum(first.values())}


def test_a_cluster_that_failed_and_is_taken_back_leaves_every_object_in_place(
    engine: Engine, cluster: Api, watch: Watch, namespace: str
) -> None:
    """Both are one cluster here, as where a kubeconfig gets another address of its server."""
    engine("config", "set", "cluster", "first")
    first = engine.up()
    fail_and_take_back(engine, {**GOOD, "cluster": "first"}, {**BAD, "cluster": "second"})
    assert absent(cluster, namespace) == watch.lost() == set()
    assert engine.up() == {"same": sum(first.values())}


def test_a_cluster_under_another_identifier_keeps_every_object(
    engine: Engine, cluster: Api, watch: Watch, namespace: str
) -> None:
    engine("config", "set", "cluster", "first")
    first = engine.up()
    engine("config", "set", "cluster", "second")
    engine.up()
    assert absent(cluster, namespace) == watch.lost() == set()
    assert engine.up() == {"same": sum(first.values())}
