"""The warnings; what is refused is shown rule by rule in tests/contract."""

from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components.gke import GpuDriver
from slipway.components.gke.rules import checked_spec, spec_warnings
from tests.contract.gke_cases import GHCR_IMAGE, IMAGE, L4, PLAIN, REPOSITORY, ZONES


def warnings(args: Mapping[str, Any]) -> list[str]:
    return list(spec_warnings(checked_spec("api", args)))


def told(**args: Any) -> str:
    return "\n".join(warnings({**PLAIN, **args}))


def test_what_a_regional_and_a_zonal_cluster_cost_is_told() -> None:
    assert "a control plane in three zones, for $0.10 an hour" in told()
    zonal = told(location="europe-west4-a")
    assert "credit of $74.40 pays for one such cluster" in zonal
    assert "unavailable for minutes at each upgrade" in zonal


def test_private_nodes_and_an_open_control_plane_are_told() -> None:
    assert "only where the network has a Cloud NAT" in told()
    assert "Cloud NAT" not in told(private_nodes=False)
    assert "answers on a public address" in told()
    assert "public address" not in told(control_plane_cidrs=["10.0.0.0/8"])


def test_both_quotas_are_named_with_the_number_of_gpus() -> None:
    text = told(**{**L4, "gpu_count": 2})
    assert "at its maximum the pool has 8 GPUs" in text
    assert "NVIDIA_L4_GPUS in europe-west4 and GPUS_ALL_REGIONS, of 8 each" in text
    assert " NVIDIA_L4_GPUS" in text
    assert "PREEMPTIBLE_NVIDIA_L4_GPUS" in told(**L4, spot=True)
    assert "PREEMPTIBLE_NVIDIA_L4_GPUS" in told(**L4, flex_start=True)
    assert "the one of nvidia-rtx-pro-6000 in europe-west4" in told(gpu="nvidia-rtx-pro-6000")


def test_disks_over_the_first_quota_are_told_with_the_sum() -> None:
    assert "7 nodes with 100 GiB each are 700 GiB" in told(**L4)
    assert "SSD_TOTAL_GB" not in told(**L4, disk_gib=50)


def test_zones_that_may_lack_the_gpu_are_told() -> None:
    assert "gcloud compute accelerator-types list --filter=name=nvidia-l4" in told(**L4)
    assert "accelerator-types" not in told(**L4, **ZONES)


def test_what_a_pool_does_by_itself_is_told() -> None:
    assert "down to 0 nodes" in told(**L4)
    assert "down to 0 nodes" not in told(**L4, gpu_min_nodes=1)
    each = told(**{**L4, **ZONES, "gpu_min_nodes_per_zone": 1, "gpu_max_nodes": 6, "gpu_count": 2})
    assert "keeps up to 3 nodes with 6 GPUs running, 1 in each of 3 zones: none starts before" in each
    assert "25 seconds' notice" in told(**L4, spot=True)
    assert "seven days" in told(**L4, flex_start=True)
    assert "GKE installs no driver" in told(**L4, gpu_driver=GpuDriver.DISABLED)


def test_what_belongs_to_others_has_no_warning() -> None:
    """Of an existing cluster and pool nothing is decided here."""
    assert warnings({**PLAIN, **L4, "cluster": "shared", "node_pool": "gpus"}) == []


def test_what_nodes_of_another_owner_need_to_pull_is_told_with_the_commands() -> None:
    existing = {**L4, "cluster": "shared", "node_pool": "gpus"}
    for image in ({"image_ref": IMAGE.replace("shared", "api-image")}, {"image_repository": REPOSITORY}):
        text = told(**existing, **image)
        assert "gcloud container node-pools describe gpus --cluster=shared --location=europe-west4" in text
        assert "add-iam-policy-binding api-image --project=acme-prod --location=europe-west4" in text
    email = "nodes@acme-prod.iam.gserviceaccount.com"
    mine = told(**L4, node_service_account=email, image_repository=REPOSITORY)
    assert f'--member="serviceAccount:{email}"' in mine
    assert "add-iam-policy-binding" not in told(**L4, image_repository=REPOSITORY)


def test_the_account_of_a_project_of_a_domain_is_named_as_google_names_it() -> None:
    text = told(project="example.com:acme-prod", image_ref=IMAGE.replace("acme-prod", "acme-images"))
    assert '"serviceAccount:api-nodes@acme-prod.example.com.iam.gserviceaccount.com"' in text
    assert "the image is in" not in told(
        project="example.com:acme-prod", image_ref=IMAGE.replace("acme-prod", "example.com/acme-prod")
    )


def test_private_nodes_are_told_to_need_a_nat_for_an_image_outside_google() -> None:
    assert "none is made here" in told(**L4, image_ref=GHCR_IMAGE)
    assert "none is made here" in told(**L4, image_ref=GHCR_IMAGE, cluster="shared")
    for other in (
        {"image_ref": GHCR_IMAGE, "private_nodes": False},
        {"image_ref": GHCR_IMAGE, "cluster": "shared", "node_pool": "gpus"},
        {"image_ref": IMAGE},
        {"image_ref": f"mirror.gcr.io/acme/api@sha256:{'a' * 64}"},
    ):
        assert "none is made here" not in told(**L4, **other)


def test_wrong_arguments_have_faults_not_warnings() -> None:
    with pytest.raises(ValueError, match="gpu_count is 3"):
        warnings({**PLAIN, **L4, "gpu_count": 3})
