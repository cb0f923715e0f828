"""Settings that their cloud alone has arrive where it reads them; in the wrong company they are refused."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pytest

from tests.stacks.targets import IMAGES, inputs, planned, warned

_RUN_GPU = {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "model": f"gs://acme/model@{'1' * 16}"}
_RUN_GPU["image"] = IMAGES["cloud-run"]


def refusal(target: str, **values: str) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        planned(target, **values)
    return str(caught.value)


def template(**values: str) -> Mapping[str, Any]:
    return inputs(planned("cloud-run", **values), "slipway-prod-service")["template"]


def test_requests_of_a_cloud_run_service_go_through_a_network() -> None:
    """Source: run_v2 VpcAccess: `egress`, and network or subnetwork of each interface."""
    access = template(network="inner", subnetwork="inner-eu", egress="all-traffic")["vpcAccess"]
    assert access["egress"] == "ALL_TRAFFIC"
    assert access["networkInterfaces"] == [{"network": "inner", "subnetwork": "inner-eu"}]
    assert template(network="inner")["vpcAccess"]["egress"] == "PRIVATE_RANGES_ONLY"


def test_a_network_is_one_that_the_service_can_be_in() -> None:
    elsewhere = "projects/acme-ml/regions/us-central1/subnetworks/inner"
    assert "name one in europe-west4" in refusal("cloud-run", subnetwork=elsewhere)
    assert "egress is all-traffic without a network" in refusal("cloud-run", egress="all-traffic")
    shared = "projects/host-project/global/networks/shared"
    assert "subnetwork is missing" in refusal("cloud-run", network=shared)


def test_all_traffic_through_a_network_is_said_to_need_a_nat() -> None:
    assert "Cloud NAT" in warned("cloud-run", network="inner", egress="all-traffic")
    assert "Cloud NAT" not in warned("cloud-run", network="inner")


def test_a_bucket_is_mounted_on_cloud_run() -> None:
    """Source: run_v2 Volume.gcs; mount options are gcsfuse's."""
    made = template(model="gs://acme/models/spam", modelDelivery="mount")
    [volume] = made["volumes"]
    assert volume["gcs"] == {"bucket": "acme", "readOnly": True, "mountOptions": ["only-dir=models/spam"]}
    assert made["containers"][0]["volumeMounts"][0]["name"] == volume["name"]


def test_what_cannot_be_mounted_is_refused_in_the_words_of_the_settings() -> None:
    assert "modelDelivery is mount with `model` 'bundled:sms-spam'" in refusal(
        "cloud-run", modelDelivery="mount"
    )
    pinned = refusal("cloud-run", modelDelivery="mount", model=f"gs://acme/spam@{'1' * 16}")
    assert "leave `@<generation>` or `modelDelivery` out" in pinned


def test_the_second_zone_of_a_gpu_is_reserved_on_request() -> None:
    """Source: run_v2 RevisionTemplate.gpu_zonal_redundancy_disabled."""
    assert template(**_RUN_GPU)["gpuZonalRedundancyDisabled"] is True
    assert template(**_RUN_GPU, gpuZonalRedundancy="true")["gpuZonalRedundancyDisabled"] is False
    assert "gpuZonalRedundancy is true, but no `gpu` is named" in refusal(
        "cloud-run", gpuZonalRedundancy="true"
    )


def test_the_sandbox_and_the_boost_of_a_start_can_be_chosen() -> None:
    """Source: run_v2 ExecutionEnvironment, ResourceRequirements.startup_cpu_boost."""
    made = template(executionEnvironment="gen1", startupCpuBoost="false")
    assert made["executionEnvironment"] == "EXECUTION_ENVIRONMENT_GEN1"
    assert made["containers"][0]["resources"]["startupCpuBoost"] is False
    small = refusal("cloud-run", cpu="0.5", memory="512Mi", concurrency="1", executionEnvironment="gen2")
    assert "executionEnvironment is gen2 with `cpu` 0.5" in small
    assert "Did you mean gen1?" in small
