"""The warnings, and what is nearest; what is refused is shown rule by rule in tests/contract."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.fargate import warnings
from components.fargate.size_rules import nearest_sizes
from components.sizes import FARGATE_MIB
from tests.contract.fargate_cases import PLAIN, SECURE

OPEN = {**PLAIN, **SECURE, "public": True}


def told(**args: Any) -> str:
    return "\n".join(warnings("api", {**OPEN, **args}))


def test_a_service_with_https_and_callers_has_no_warning() -> None:
    assert warnings("api", OPEN) == []


def test_http_is_told_to_be_in_the_clear_and_a_service_without_callers_to_have_none() -> None:
    plain = "\n".join(warnings("api", PLAIN))
    assert "travel in the clear" in plain
    assert "nobody can call the service" in plain
    assert "nobody" not in "\n".join(warnings("api", {**PLAIN, "allowed_cidrs": ["10.0.0.0/8"]}))


def test_spot_without_a_base_is_told() -> None:
    assert "may have no task at all" in told(spot_percent=50, on_demand_base=0)
    assert told(spot_percent=50) == ""


def test_long_requests_are_told_to_outlast_the_servers_connections_and_to_slow_deployments() -> None:
    assert "closes idle connections after 620 s" in told(request_timeout_seconds=900)
    assert "a task may take 1010 s to stop" in told(request_timeout_seconds=900)
    assert told(request_timeout_seconds=300) == ""


def test_a_model_at_google_is_told_to_need_credentials_unless_they_are_given() -> None:
    model = "gs://models/spam@1763721600000000"
    assert "GOOGLE_SERVICE_ACCOUNT_KEY" in told(model=model)
    assert told(model=model, secret_values={"GOOGLE_SERVICE_ACCOUNT_KEY": "hush"}) == ""
    assert told(model="s3://models/spam@v1") == ""


def test_wrong_arguments_have_faults_not_warnings() -> None:
    with pytest.raises(ValueError, match="3 vCPU"):
        warnings("api", {**PLAIN, "cpu": 3})


@given(st.floats(0.01, 200), st.floats(1, 300_000))
def test_what_is_nearest_is_always_offered_and_never_nothing(cpu: float, mib: float) -> None:
    nearest = nearest_sizes(cpu, mib)
    assert 1 <= len(nearest) <= 4
    assert all(memory in FARGATE_MIB[offered] for offered, memory in nearest)
