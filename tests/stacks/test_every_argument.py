"""What a component can do, a stack can say: every argument has a setting, or a reason why it has none."""

from collections.abc import Mapping
from typing import Any

import pytest

from slipway.components.cloud_run import CloudRunServiceArgs
from slipway.components.fargate import FargateServiceArgs
from slipway.components.gke import GkeClusterArgs
from slipway.components.image import InferenceImageArgs
from slipway.components.kubernetes import KubernetesServiceArgs
from slipway.stacks.settings.targets import SETTINGS

COMPONENTS: Mapping[str, tuple[type[Any], ...]] = {
    "cloud-run": (CloudRunServiceArgs, InferenceImageArgs),
    "fargate": (FargateServiceArgs, InferenceImageArgs),
    "gke": (KubernetesServiceArgs, GkeClusterArgs, InferenceImageArgs),
    "kubernetes": (KubernetesServiceArgs, InferenceImageArgs),
}
# Reason -> the arguments that no setting gives.
WITHOUT: Mapping[str, set[str]] = {
    "the stack computes it from other settings": {
        *("expected_model", "cuda_version", "variant", "buckets", "registry", "force_delete", "repository"),
        *("image_repository", "image_gib", "cluster_identifier", "request_seconds", "project", "region"),
        *("google_project", "google_region", "cluster_name", "workload_pool", "kubeconfig", "context"),
        *("node_cpu", "node_memory_gib", "node_gpus", "node_driver", "node_start_seconds", "node_selector"),
        *("max_nodes", "node_notice_seconds", "platform", "keep_images", "ctranslate2"),
    },
    "the command says which step of a rollout an update is": {"rollout_step", "second_replicas"},
    "one GPU of an instance, or as many as the target has": {"gpu_count"},
    "the server's port is behind an address of the cloud's own": {"port"},
    "for those who build from their own program": {"source", "builder", "cache", "provenance", "expire_days"},
    "APIs that are enabled already stay so": {"enable_apis"},
    "GKE has an Ingress class and certificates of its own": {"ingress_class", "tls_secret", "cert_issuer"},
    "no repository is created": {"scan"},
    "the store that the cluster sends its logs to decides how long it keeps them": {"log_retention"},
    "whatever reads the metrics of the cluster raises the alarms": {"observability", "alert_email"},
    "it follows from what it depends on": {"balancing", "idle_timeout_seconds"},
    "a live network cannot change its range": {"vpc_cidr"},
}


@pytest.mark.parametrize("target", COMPONENTS)
def test_every_argument_has_a_setting_or_a_reason_for_none(target: str) -> None:
    words = SETTINGS[target].words()
    arguments = {name for each in COMPONENTS[target] for name in each.__annotations__}
    assert arguments - words.keys() <= set[str]().union(*WITHOUT.values())


def test_every_reason_is_for_an_argument_that_some_target_lacks() -> None:
    lacking: set[str] = set()
    for target, components in COMPONENTS.items():
        arguments = {name for each in components for name in each.__annotations__}
        lacking |= arguments - SETTINGS[target].words().keys()
    assert set[str]().union(*WITHOUT.values()) == lacking
