"""The warnings, and what is nearest; what is refused is shown rule by rule in tests/contract."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.components.fargate import FargateServiceArgs
from slipway.components.fargate.rules import checked_spec, spec_warnings
from slipway.components.fargate.size_rules import nearest_sizes
from slipway.components.fault import ArgumentsError
from slipway.components.observability.args import Observability
from slipway.components.sizes import FARGATE_MIB
from tests.contract.fargate_cases import EXISTING, PLAIN, ROLE, SECURE, WRONG

DIGEST = f"sha256:{'a' * 64}"
OPEN = {**PLAIN, **SECURE, "public": True, "observability": Observability.OFF}


def warnings(args: Mapping[str, Any]) -> list[str]:
    return list(spec_warnings(checked_spec("api", args)))


def told(**args: Any) -> str:
    return "\n".join(warnings({**OPEN, **args}))


def test_a_service_with_https_and_callers_has_no_warning() -> None:
    assert warnings(OPEN) == []


def test_http_is_told_to_be_in_the_clear_and_a_service_without_callers_to_have_none() -> None:
    plain = "\n".join(warnings(PLAIN))
    assert "travel unencrypted" in plain
    assert "no one can call the service" in plain
    assert "no one" not in "\n".join(warnings({**PLAIN, "allowed_cidrs": ["10.0.0.0/8"]}))


def test_spot_without_a_base_is_told() -> None:
    assert "may have no task at all" in told(spot_percent=50, on_demand_base=0)
    assert "`on_demand_base` has no effect without `spot_percent`" in told(on_demand_base=2)
    assert told(spot_percent=50) == ""


def test_long_requests_are_told_to_outlast_the_servers_connections_and_to_slow_deployments() -> None:
    said = told(request_timeout_seconds=900)
    assert "by `request_timeout_seconds` the load balancer keeps idle connections for 910 s" in said
    assert "closes idle connections after 620 s" in said
    assert "by `idle_timeout_seconds` the load balancer" in told(idle_timeout_seconds=700)
    assert "a task may take 1010 s to stop" in told(request_timeout_seconds=900)
    assert told(request_timeout_seconds=300) == ""


@pytest.mark.parametrize(
    ("days", "share", "kept"),
    [
        (30, "0.001", "30 days"),
        (0, "1", "forever"),
        (14, "0.001", ""),
        (1, "1", ""),
        (30, "0", ""),
        (30, "", ""),
    ],
)
def test_sampled_requests_that_the_one_log_group_keeps_long_are_told(
    days: int, share: str, kept: str
) -> None:
    said = told(env={"PAYLOAD_SHARE": share}, log_retention_days=days)
    assert said == "" if not kept else f"which keeps them {kept}." in said
    assert told(log_retention_days=days) == ""


def test_a_model_at_google_is_told_to_need_credentials_unless_they_are_given() -> None:
    model = "gs://models/spam@1763721600000000"
    assert "GOOGLE_SERVICE_ACCOUNT_KEY" in told(model=model)
    assert told(model=model, secret_values={"GOOGLE_SERVICE_ACCOUNT_KEY": "hush"}) == ""
    assert told(model="s3://models/spam@v1") == ""


@pytest.mark.parametrize("host", ["ghcr.io", "docker.io", "gcr.io/acme-ml", "us-docker.pkg.dev/acme-ml/a"])
def test_an_image_that_tasks_have_no_login_for_is_told_to_be_public(host: str) -> None:
    text = told(image_ref=f"{host}/server@{DIGEST}")
    assert f"the image is in {host.split('/')[0]}, where the tasks have no login" in text
    assert "Copy a private one to ECR of eu-west-1" in text


def test_an_image_of_ecr_is_told_nothing_of() -> None:
    assert told(image_ref=f"123456789012.dkr.ecr.us-east-1.amazonaws.com/server@{DIGEST}") == ""
    assert told(image_ref=f"public.ecr.aws/acme/server@{DIGEST}") == ""


def test_an_image_of_another_account_is_told_to_need_the_policy_of_its_repository() -> None:
    other = f"999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/server@{DIGEST}"
    text = told(image_ref=other)
    assert "in ECR of the account 999999999999, and the service in 123456789012" in text
    assert "must allow 123456789012 ecr:BatchGetImage and ecr:GetDownloadUrlForLayer" in text
    assert "--registry-id 999999999999 --region eu-west-1 --repository-name team/server`" in text
    unknown = warnings({**PLAIN, "image_ref": other})  # no argument names the service's account
    assert "account" not in "\n".join(unknown)


def test_an_existing_execution_role_is_told_what_it_must_allow() -> None:
    text = told(execution_role_arn=ROLE)
    assert "arn:aws:ecr:eu-west-1:123456789012:repository/slipway, and ecr:GetAuthorizationToken." in text


def test_tasks_without_a_public_address_are_told_to_need_a_nat_for_an_image_that_is_not_near() -> None:
    apart = {**EXISTING, "task_subnet_ids": ["subnet-0123456789abcdef2", "subnet-0123456789abcdef3"]}
    far = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/server@{DIGEST}"
    for image in (f"ghcr.io/acme/server@{DIGEST}", f"public.ecr.aws/acme/server@{DIGEST}", far):
        assert "their subnets need a NAT gateway to reach it" in told(**apart, image_ref=image)
        assert "NAT" not in told(**EXISTING, image_ref=image)
        assert "NAT" not in told(image_ref=image)
    assert "NAT" not in told(**apart)


def test_a_timeout_that_is_derived_from_a_wrong_one_is_no_fault_of_its_own() -> None:
    with pytest.raises(ArgumentsError) as caught:
        checked_spec("api", {**PLAIN, "request_timeout_seconds": 5000})
    assert [fault.argument for fault in caught.value.faults] == ["request_timeout_seconds"]


def test_a_size_that_fargate_lacks_is_a_fault_of_the_cpu_where_no_memory_would_do() -> None:
    def wrong(**args: Any) -> list[tuple[str, str]]:
        with pytest.raises(ArgumentsError) as caught:
            checked_spec("api", {**PLAIN, **args})
        return [(fault.argument, fault.given) for fault in caught.value.faults]

    assert wrong(cpu=3, memory_gib=12) == [("cpu", "3")]
    assert wrong(cpu=4) == [("memory_gib", "2")]


def names_in(text: str) -> set[str]:
    """Return the arguments that a text names outside backquotes."""
    words = set(re.findall(r"[a-z]+(?:_[a-z]+)+", re.sub(r"`[^`]*`", "", text)))
    return words & FargateServiceArgs.__annotations__.keys()


@pytest.mark.parametrize("args", [args for args, _ in WRONG], ids=lambda args: ",".join(args))
def test_every_fault_is_of_an_argument_and_has_the_others_in_backquotes(args: Mapping[str, Any]) -> None:
    with pytest.raises(ArgumentsError) as caught:
        checked_spec("api", {**PLAIN, **args})
    declared = FargateServiceArgs.__annotations__.keys()
    for fault in caught.value.faults:
        assert fault.root in args.keys() | declared
        assert fault.arguments - {fault.root} <= declared
        if fault.given == "no argument here":
            continue  # what is meant instead is no argument of the fault
        assert not names_in(f"{fault.given} {fault.reason} {fault.allowed}")


def test_warnings_have_arguments_in_backquotes() -> None:
    warned = [
        *warnings({**PLAIN, "observability": Observability.FULL, "task_role_arn": ROLE}),
        *warnings({**OPEN, "observability": Observability.BASIC, "alert_email": "oncall@example.com"}),
        *warnings({**PLAIN, "spot_percent": 50, "on_demand_base": 0, "load_seconds": 900}),
        *warnings({**OPEN, "execution_role_arn": ROLE, "request_timeout_seconds": 900}),
        *warnings({**OPEN, "model": "gs://models/spam@1763721600000000"}),
        *warnings({**OPEN, "env": {"PAYLOAD_SHARE": "0.01"}}),
    ]
    assert len(warned) == 15
    assert not [text for text in warned if names_in(text)]


def test_wrong_arguments_have_faults_not_warnings() -> None:
    with pytest.raises(ValueError, match="3 vCPU"):
        warnings({**PLAIN, "cpu": 3})


@given(st.floats(0.01, 200), st.floats(1, 300_000))
def test_what_is_nearest_is_always_offered_and_never_nothing(cpu: float, mib: float) -> None:
    nearest = nearest_sizes(cpu, mib)
    assert 1 <= len(nearest) <= 4
    assert all(memory in FARGATE_MIB[offered] for offered, memory in nearest)
