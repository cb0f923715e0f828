from typing import Any

import pytest

from slipway.components.kubernetes import timing
from slipway.components.kubernetes.rollout import surge_of
from slipway.components.kubernetes.rules import checked_spec
from slipway.components.kubernetes.spec import KubernetesSpec
from tests.contract.kubernetes_cases import BUCKET, GOOGLE, GPU, PLAIN

MOUNT = {"model": "gs://models/spam", "model_delivery": "mount", **GOOGLE}


def spec(**args: Any) -> KubernetesSpec:
    return checked_spec("api", {**PLAIN, **args})


def test_a_start_is_the_sum_of_what_comes_one_after_the_other() -> None:
    start = timing.start_of(spec(model=BUCKET, **GPU, model_gib=10, image_gib=4, load_seconds=20))
    assert (start.node, start.image, start.fetch, start.load) == (600, 80, 100, 50)
    assert start.total == 830
    assert str(start) == "node 600 + image 80 + model 100 + load 50"


@pytest.mark.parametrize(
    ("args", "fetch", "load"),
    [
        ({}, 0, 10),
        ({"model": BUCKET}, 20, 10),
        (MOUNT, 0, 50),
        ({"model": BUCKET, "serving": "kserve"}, 0, 30),
        (GPU, 0, 40),
    ],
)
def test_each_way_of_a_model_has_its_own_time(args: dict[str, Any], fetch: float, load: float) -> None:
    start = timing.start_of(spec(**args))
    assert (start.fetch, start.load) == (fetch, load)


def test_the_probe_waits_for_what_happens_in_the_server_and_the_deadline_for_all() -> None:
    bundled, fetched, mounted = (
        spec(load_seconds=30),
        spec(load_seconds=30, model=BUCKET),
        spec(load_seconds=30, **MOUNT),
    )
    patience = [timing.startup_patience_seconds(each) for each in (bundled, fetched, mounted)]
    assert patience == [90, 90, 210]
    slow = spec(node_start_seconds=900, model=BUCKET, model_gib=60, image_gib=10, **GPU)
    assert timing.progress_deadline_seconds(slow) >= 2 * (900 + 200 + 600)


@pytest.mark.parametrize("pods", [2, 3, 10, 50])
def test_up_gives_up_within_a_minute_of_the_deadline(pods: int) -> None:
    many = spec(max_replicas=pods)
    deadline = timing.progress_deadline_seconds(many)
    assert deadline < timing.apply_seconds(many, surge_of(many)) <= deadline + 60


def test_up_waits_for_gpu_pods_that_move_one_after_the_other() -> None:
    """Twenty on one spare GPU take longer than the cluster lets one of them take."""
    slow = spec(**GPU, max_replicas=20, max_nodes=21, node_gpus=1, load_seconds=60)
    assert surge_of(slow) == 1
    start = timing.start_of(slow)
    assert timing.apply_seconds(slow, 1) > 600 + 20 * (start.total - start.node)
    assert timing.apply_seconds(slow, 4) < timing.apply_seconds(slow, 1)


def test_a_pods_end_has_time_for_the_balancer_and_the_longest_request() -> None:
    assert timing.end_seconds(spec()) == 10 + 60 + 10
    assert (
        timing.end_seconds(spec(domain="a.example.com", public=True, **GOOGLE, request_timeout_seconds=300))
        == 30 + 300 + 10
    )


@pytest.mark.parametrize(("load", "period"), [(0.3, 1), (10, 1), (45, 2), (600, 2)])
def test_it_is_asked_every_second_or_two_while_it_loads(load: float, period: int) -> None:
    assert timing.startup_period_seconds(spec(load_seconds=load)) == period
