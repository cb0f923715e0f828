import re

import pytest

from slipway.components.fargate.names import (
    balancer_name,
    console_url,
    curl,
    log_group_name,
    logs_command,
    role_name,
    target_group_name,
)


@pytest.mark.parametrize(
    "name", ["a", "api", "slipway-prod-aws", "a" * 32, "a" * 40, "a" * 22 + "-" * 10 + "b"]
)
def test_a_load_balancer_and_its_targets_have_names_that_aws_takes(name: str) -> None:
    for made in (balancer_name(name, False), balancer_name(name, True), target_group_name(name, 8080)):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", f"{made}-01234567")


def test_a_name_that_fits_is_kept_and_another_gets_a_hash_of_its_own() -> None:
    assert balancer_name("slipway-prod-aws", internal=False) == "slipway-prod-aws"
    assert target_group_name("api", 8080) == "api-8080"
    assert balancer_name("a" * 40, False) == balancer_name("a" * 40, False) != balancer_name("a" * 39, False)


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-west-1", "ap-southeast-7"])
def test_a_role_is_named_for_its_region_and_fits(region: str) -> None:
    made = role_name("a" * 40, region, "execution")
    assert len(made) <= 64
    assert made != role_name("a" * 40, "us-east-1", "execution")
    assert role_name("api", region, "task") == f"api-{region}-task"


def test_commands_and_pages_name_region_cluster_and_service() -> None:
    assert log_group_name("api") == "/ecs/api"
    assert logs_command("eu-west-1", "api") == "aws logs tail /ecs/api --follow --region eu-west-1"
    assert console_url("eu-west-1", "shared", "api") == (
        "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/shared/services/api/health?region=eu-west-1"
    )
    assert console_url("cn-north-1", "a", "b").startswith("https://console.amazonaws.cn/ecs/")


def test_a_call_carries_the_key() -> None:
    assert '-H "Authorization: Bearer $API_KEY"' in curl("https://api.example.com")
    assert "https://api.example.com/predict" in curl("https://api.example.com")
