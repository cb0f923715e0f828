"""Which arguments a Fargate service has, and what holds where one is not given."""

from dataclasses import fields
from typing import Any

import pytest

from slipway.components.fargate import Balancing, FargateServiceArgs
from slipway.components.fargate.spec import FargateSpec
from slipway.components.jobs.args import WorkersArgs
from slipway.components.spec import InferenceServiceArgs
from tests.contract.fargate_cases import EXISTING, PLAIN


def test_the_spec_declares_every_argument_of_its_own_and_no_other() -> None:
    of_others = InferenceServiceArgs.__annotations__.keys() | WorkersArgs.__annotations__.keys()
    of_its_own = FargateServiceArgs.__annotations__.keys() - of_others
    declared = {field.name for field in fields(FargateSpec)}
    assert declared - {"service", "jobs", "given"} == of_its_own


@pytest.mark.parametrize(
    ("args", "argument", "value"),
    [
        ({}, "zones", ("eu-west-1a", "eu-west-1b")),
        ({"region": "us-east-2"}, "zones", ("us-east-2a", "us-east-2b")),
        ({}, "assign_public_ip", True),
        ({"internal": True}, "assign_public_ip", False),
        ({**EXISTING, "task_subnet_ids": EXISTING["subnet_ids"]}, "assign_public_ip", False),
        ({"internal": True, "assign_public_ip": True}, "assign_public_ip", True),
        ({}, "balancing", Balancing.LEAST_OUTSTANDING_REQUESTS),
        ({"slow_start_seconds": 30}, "balancing", Balancing.ROUND_ROBIN),
        ({}, "idle_timeout_seconds", 70),
        ({"request_timeout_seconds": 0.5}, "idle_timeout_seconds", 60),
        ({"request_timeout_seconds": 300}, "idle_timeout_seconds", 310),
        ({"request_timeout_seconds": float("inf")}, "idle_timeout_seconds", 60),
    ],
)
def test_a_default_follows_from_the_arguments_that_are_given(
    args: dict[str, Any], argument: str, value: object
) -> None:
    assert getattr(FargateSpec.read("api", {**PLAIN, **args}), argument) == value


def test_one_instance_always_runs_unless_another_number_is_given() -> None:
    assert FargateSpec.read("api", PLAIN).service.min_replicas == 1
    assert FargateSpec.read("api", {**PLAIN, "min_replicas": 0}).service.min_replicas == 0
