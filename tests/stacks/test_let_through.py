"""Settings that a cloud would refuse or ignore are refused, or warned of where only the cloud can know."""

import json
from datetime import UTC, datetime

import pulumi
import pytest

from slipway.components.aws.limits import REGIONS as AWS_REGIONS
from slipway.components.aws.schedules import has_passed
from slipway.components.networks import cover_everyone
from tests.contract.aws_models import regions_of
from tests.stacks.targets import IMAGES, planned, warned

_SHARED = {
    "network": "vpc-0a1b2c3d",
    "subnets": '["subnet-0a1b2c3d", "subnet-1a2b3c4d"]',
    "domain": "api.example.com",
    "listener": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/shared/0a1b2c3d/1a2b3c4d",
    "listenerSecurityGroup": "sg-0a1b2c3d",
}


def refusal(target: str, **values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(target, **values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ("cron(0 8 30 2 ? *)", "no month of <month> 2 has the <day of month> 30"),
        ("cron(0 8 31 APR,6,9-9 ? *)", "no month of <month> APR,6,9-9 has the <day of month> 31"),
        ("cron(0 8 31/2 2/12 ? *)", "no month of <month> 2/12 has the <day of month> 31/2"),
    ],
)
def test_a_date_that_no_year_has_is_refused(schedule: str, said: str) -> None:
    assert said in refusal("fargate", schedule=json.dumps({"a": f"{schedule} 1-3"}))


@pytest.mark.parametrize(
    "schedule", ["cron(0 8 29 2 ? *)", "cron(0 8 31 * ? *)", "cron(0 8 L 2 ? *)", "cron(0 8 ? 2 * *)"]
)
def test_a_date_that_some_year_has_is_taken(schedule: str) -> None:
    planned("fargate", schedule=json.dumps({"a": f"{schedule} 1-3"}))


def test_a_schedule_of_past_years_has_passed() -> None:
    now = datetime(2026, 11, 30, tzinfo=UTC)
    assert has_passed("cron(0 8 ? * * 2020-2025)", "UTC", now)
    assert not has_passed("cron(0 8 ? * * 2020,2026)", "UTC", now)
    assert not has_passed("cron(0 8 ? * * *)", "UTC", now)
    assert "has passed" in warned("fargate", schedule='{"a": "cron(0 8 ? * * 2020) 1-3"}')


@pytest.mark.parametrize("zone", ["europe-west1-a", "us-east1-a", "us-east1-x"])
def test_a_zone_that_does_not_exist_is_refused(zone: str) -> None:
    """Source: cloud.google.com/compute/docs/regions-zones."""
    region = zone[:-2]
    assert f"zones has '{zone}'" in refusal("gke", region=region, zones=json.dumps([zone]))
    assert zone in refusal("gke", region=region, location=zone)
    planned("gke", region=region, location=f"{region}-d")


@pytest.mark.parametrize("target", ["cloud-run", "gke", "fargate"])
def test_a_region_that_is_not_known_is_warned_of(target: str) -> None:
    unknown, near = ("eu-west-9", "eu-west-") if target == "fargate" else ("us-central9", "us-central1")
    assert f"{unknown} is none of" in warned(target, region=unknown)
    assert f"Did you mean {near}" in warned(target, region=unknown)
    assert "is none of" not in warned(target)


def test_every_region_of_ecs_is_known() -> None:
    assert regions_of("ecs") == AWS_REGIONS


@pytest.mark.parametrize("target", ["cloud-run", "gke"])
def test_a_placeholder_of_a_project_is_warned_of(target: str) -> None:
    assert "`project` my-project is a placeholder" in warned(target, project="my-project")
    assert "placeholder" not in warned(target)


def test_networks_that_together_are_everyone_are_everyone() -> None:
    halves = ["0.0.0.0/1", "128.0.0.0/1"]
    assert cover_everyone([*halves, "10.0.0.0/8"])
    assert cover_everyone(["::/1", "8000::/2", "c000::/2"])
    assert not cover_everyone(["0.0.0.0/1", "128.0.0.0/2", "sg-0a1b2c3d"])
    assert "which together are everyone" in refusal("fargate", allowedCidrs=json.dumps(halves))
    assert "answers on a public address" in warned("gke", controlPlaneCidrs=json.dumps(halves))
    assert "answers on a public address" not in warned("gke", controlPlaneCidrs=json.dumps(halves[:1]))


def test_what_would_have_no_effect_is_refused() -> None:
    for key, value in (("zones", '["europe-west4-a"]'), ("nodeDisk", "200Gi"), ("privateNodes", "false")):
        said = refusal("gke", **{"cluster": "shared", key: value})
        assert f"{key} is " in said
        assert "with `cluster` shared and no `gpu`, so that no nodes are made" in said
    for target in ("gke", "kubernetes"):
        assert "modelSize is 9Gi with `model` bundled:sms-spam, whose size is known" in refusal(
            target, modelSize="9Gi"
        )
    assert "listenerPaths is given without `listener`" in refusal("fargate", listenerPaths='["/a"]')


def test_sizes_of_a_gpu_that_are_not_documented_are_warned_of() -> None:
    large = {
        "gpu": "nvidia-rtx-pro-6000",
        "image": IMAGES["cloud-run"],
        "model": f"gs://acme/model@{'1' * 16}",
    }
    assert "it may refuse this one" in warned("cloud-run", **large, cpu="24", memory="96Gi")
    assert "it may refuse" not in warned("cloud-run", **large, cpu="20", memory="80Gi")


def test_machines_that_are_not_known_hold_as_many_pods_as_they_have_gpus() -> None:
    gpu = {"gpu": "nvidia-b200", "machineType": "a4-highgpu-8g", "gpuCount": "8", "cpu": "2", "memory": "8Gi"}
    plan = planned("gke", **gpu, image=IMAGES["gke"], model=f"gs://acme/model@{'1' * 16}", maxInstances="3")
    pools = [each.inputs for each in plan.resources if each.type == "gcp:container/nodePool:NodePool"]
    [scaling] = [each["autoscaling"] for each in pools if each["nodeConfig"].get("guestAccelerators")]
    assert scaling["totalMaxNodeCount"] == 3


def test_a_shared_listener_sends_several_paths_with_wildcards_in_order() -> None:
    """Source: BC elbv2 RuleCondition path-pattern, Priority."""
    plan = planned("fargate", **_SHARED, listenerPaths='["/predict", "/v1/*"]', listenerPriority="7")
    [rule] = [each.inputs for each in plan.resources if each.type == "aws:lb/listenerRule:ListenerRule"]
    assert rule["priority"] == 7
    patterns = [each["pathPattern"]["values"] for each in rule["conditions"] if each.get("pathPattern")]
    assert patterns == [["/predict", "/v1/*"]]
