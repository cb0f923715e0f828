"""Does AWS take what we emit? Its own models and our rules, read backwards, judge it."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.components.fargate import Architecture, Balancing, Egress, FargateService
from tests.contract.cloud import emitted_by
from tests.contract.fargate_cases import (
    EXISTING,
    PLAIN,
    RIGHT,
    WRONG,
)
from tests.contract.fargate_judge import verdict
from tests.contract.fargate_services import made_of, right


@pytest.mark.parametrize("case", RIGHT)
def test_aws_and_our_rules_take_what_is_emitted(case: str) -> None:
    judged = verdict(right(case))
    assert (judged.refused, judged.broken) == ([], [])


@pytest.mark.parametrize(("args", "said"), WRONG)
def test_wrong_arguments_are_refused_before_anything_is_registered(
    args: Mapping[str, Any], said: str
) -> None:
    registered: list[Any] = []

    def program() -> None:
        with pytest.raises(ValueError, match=said) as refusal:
            FargateService("api", {**PLAIN, **args})  # pyright: ignore[reportArgumentType]
        assert all(line.startswith("api: ") for line in str(refusal.value).splitlines())
        assert "hush" not in str(refusal.value)
        registered.append(refusal)

    assert [resource.type for resource in emitted_by(program).resources] == ["pulumi:pulumi:Stack"]
    assert registered


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Api", "allowed are 1 to 40 lowercase letters"),
        ("api-", "allowed are 1 to 40 lowercase letters"),
        ("", "allowed are 1 to 40 lowercase letters"),
        ("a" * 41, "allowed are 1 to 40 lowercase letters"),
        ("internal-api", "Elastic Load Balancing reserves names that begin with internal-"),
    ],
)
def test_a_name_that_aws_does_not_take_is_refused(name: str, said: str) -> None:
    def program() -> None:
        with pytest.raises(ValueError, match=said):
            FargateService(name, PLAIN)  # pyright: ignore[reportArgumentType]

    assert len(emitted_by(program).resources) == 1


def test_all_faults_of_a_service_are_told_at_once() -> None:
    wrong = {"model": "x", "cpu": 3, "min_replicas": 0, "env": {"AWS_EXECUTION_ENV": ""}, "spot_percent": 101}

    def program() -> None:
        with pytest.raises(ValueError, match="3 vCPU") as refusal:
            FargateService("api", wrong)  # pyright: ignore[reportArgumentType]
        told = str(refusal.value)
        for fault in (
            "AWS_EXECUTION_ENV",
            "region is missing",
            "image_ref is missing",
            "model is 'x'",
            "min_replicas is 0",
            "spot_percent is 101",
        ):
            assert fault in told

    emitted_by(program)


SIZES = st.fixed_dictionaries(
    {},
    optional={
        "cpu": st.sampled_from([0.1, 0.25, 0.5, 1, 2, 3, 4, 8, 16, 32]),
        "memory_gib": st.sampled_from([0.5, 1, 2, 2.5, 4, 8, 12, 16, 20, 30, 60, 64, 120]),
        "ephemeral_storage_gib": st.integers(15, 205),
        "architecture": st.sampled_from(Architecture),
        "load_seconds": st.floats(0.01, 4000),
        "log_retention_days": st.sampled_from([0, 1, 2, 30, 3653]),
    },
)
SCALING = st.fixed_dictionaries(
    {},
    optional={
        "min_replicas": st.integers(0, 3),
        "max_replicas": st.integers(1, 5),
        "concurrency": st.sampled_from([0, 1, 8, 80]),
        "request_seconds": st.floats(0, 4000),
        "cpu_target_percent": st.integers(5, 95),
        "spot_percent": st.integers(-1, 101),
        "on_demand_base": st.integers(-1, 4),
        "schedules": st.lists(
            st.fixed_dictionaries(
                {
                    "name": st.sampled_from(["morning", "night", "Noon"]),
                    "schedule": st.sampled_from(["rate(5 minutes)", "cron(0 8 ? * * *)", "daily"]),
                    "min_replicas": st.integers(0, 3),
                    "max_replicas": st.integers(1, 3),
                }
            ),
            max_size=2,
        ),
    },
)
REQUESTS = st.fixed_dictionaries(
    {},
    optional={
        "port": st.sampled_from([80, 1024, 8080, 65535]),
        "request_timeout_seconds": st.floats(0.001, 3700),
        "idle_timeout_seconds": st.integers(0, 4100),
        "slow_start_seconds": st.sampled_from([0, 10, 30, 900, 901]),
        "balancing": st.sampled_from(Balancing),
        "env": st.dictionaries(st.from_regex(r"[A-Za-z_][A-Za-z0-9_ ]{0,9}", fullmatch=True), st.text()),
        "labels": st.dictionaries(st.text(max_size=130), st.text(max_size=3), max_size=3),
        "model": st.sampled_from(["bundled:sms-spam", "gs://models/a@1", "s3://models/a", "s3://models/a@v"]),
        "public": st.booleans(),
    },
)
NETWORK = st.fixed_dictionaries(
    {},
    optional={
        "allowed_cidrs": st.lists(st.sampled_from(["10.0.0.0/8", "0.0.0.0/0", "10.0.0.1/8"]), max_size=2),
        "zones": st.lists(
            st.sampled_from(["eu-west-1a", "eu-west-1b", "eu-west-1c", "eu-west-2a"]), max_size=4
        ),
        "vpc_cidr": st.sampled_from(["10.0.0.0/16", "192.168.0.0/22", "10.0.0.0/23", "1.0.0.0/16"]),
        "egress": st.sampled_from(Egress),
        "internal": st.booleans(),
    },
)


@settings(max_examples=30, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    args=st.one_of(
        *(made.map(lambda args: {**EXISTING, **args}) for made in (SIZES, SCALING, REQUESTS)), NETWORK
    )
)
def test_what_our_checks_pass_keeps_the_contract(args: dict[str, Any]) -> None:
    try:
        made = made_of(args)
    except ValueError:
        return
    assert verdict(made).passes
