"""The warnings; what is refused is shown rule by rule in tests/contract."""

from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components.cloud_run.rules import checked_spec, spec_warnings
from tests.contract.cloud_run_cases import GPU, PLAIN


def warnings(args: Mapping[str, Any]) -> list[str]:
    return list(spec_warnings(checked_spec("api", args)))


def told(**args: Any) -> str:
    return "\n".join(warnings({**PLAIN, **args}))


def test_a_plain_service_has_no_warning() -> None:
    assert warnings(PLAIN) == []


def test_a_gpu_by_invitation_is_told_with_the_open_regions() -> None:
    assert "nvidia-l4 in us-central1 is by invitation" in told(**GPU, region="us-central1")
    assert "Open to everyone: asia-southeast1, europe-west1, europe-west4, us-east4." in told(
        **GPU, region="us-central1"
    )
    assert "invitation" not in told(**GPU)


def test_what_the_driver_of_a_gpu_runs_is_told_where_the_cuda_of_the_image_is_not_known() -> None:
    assert "driver of nvidia-l4 on Cloud Run is 535, which runs images for CUDA 12.x and older" in told(**GPU)
    assert "driver" not in told(**GPU, cuda_version="12.8")
    assert "driver" not in told(gpu="nvidia-rtx-pro-6000", cpu=20, memory_gib=80)


def test_the_quota_of_a_gpu_is_told_for_the_kind_that_is_used() -> None:
    assert "without zonal redundancy" in told(**GPU)
    assert ", with zonal redundancy" in told(**GPU, gpu_zonal_redundancy=True)


def test_a_model_in_s3_is_told_to_need_credentials_unless_they_are_given() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "hush"}
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in told(model="s3://models/a@v1")
    assert "AWS" not in told(model="s3://models/a@v1", secret_values=keys)


def test_a_model_fetched_at_start_is_told_to_count_against_memory_and_a_mounted_one_is_not() -> None:
    assert "count against `memory_gib`" in told(model="gs://models/a@1")
    assert told(model="gs://models/a", model_volume=True) == ""


def test_a_domain_is_told_to_be_beta_and_to_wait_for_the_dns() -> None:
    assert "domain api.example.com becomes a domain mapping, which Cloud Run has in beta" in told(
        domain="api.example.com"
    )


def test_a_description_in_a_log_or_a_traceback_shows_no_secret() -> None:
    spec = checked_spec("api", {**PLAIN, "api_key": "hush-hush-hush-hush", "secret_values": {"A": "hush"}})
    assert "hush" not in repr(spec)


@pytest.mark.parametrize("name", ["model", "image_ref", "project", "region"])
def test_what_is_missing_is_told_once(name: str) -> None:
    with pytest.raises(ValueError, match=f"^api: {name} is missing.*$") as refusal:
        warnings({key: value for key, value in PLAIN.items() if key != name})
    assert len(str(refusal.value).splitlines()) == 1


def test_wrong_arguments_have_faults_not_warnings() -> None:
    with pytest.raises(ValueError, match="cpu is 3"):
        warnings({**PLAIN, "cpu": 3})
