"""What an instance of a stack costs while a batch runs on it."""

from datetime import date
from typing import Any

import pytest

from slipway.infra.batch.price import FREE, instance_price
from slipway.infra.resources.reading import Resource

TODAY = date(2026, 11, 30)


def resource(type_: str, **inputs: Any) -> Resource:
    return Resource(f"urn::{type_}", type_, "one", None, True, inputs, ())


def test_a_cloud_run_job_is_charged_for_the_time_of_its_cpu_and_memory() -> None:
    limits = {"cpu": "2", "memory": "4Gi"}
    service = resource(
        "gcp:cloudrunv2/service:Service",
        location="europe-west4",
        template={"containers": [{"resources": {"limits": limits}}]},
    )
    price = instance_price([service], False, TODAY)
    assert price.hour.usd == pytest.approx(3600 * (2 * 0.000018 + 4 * 0.000002))
    assert price.of(1800).usd == pytest.approx(price.hour.usd / 2)


def test_fargate_spot_is_charged_at_its_share() -> None:
    task = resource("aws:ecs/taskDefinition:TaskDefinition", cpu="1024", memory="2048", region="us-east-1")
    full, spot = instance_price([task], False, TODAY), instance_price([task], True, TODAY)
    assert full.hour.usd == pytest.approx(0.04048 + 2 * 0.004445)
    assert spot.hour.usd == pytest.approx(0.3 * full.hour.usd)


def test_a_node_is_charged_whole_and_pods_on_nodes_of_others_are_unknown() -> None:
    config = {"machineType": "g2-standard-4"}
    pool = resource("gcp:container/nodePool:NodePool", location="us-central1-a", nodeConfig=config)
    assert instance_price([pool], False, TODAY).hour.usd == pytest.approx(0.70683)
    assert instance_price([], False, TODAY).hour.unknown
    assert str(FREE.of(3600)) == "$0.00"
