"""The limits of Cloud Run services, each with its source. Memory in MiB, times in seconds.

Collected on 2026-11-21. RUNPB: google-cloud-run 0.16.2, run_v2/types. PGCP: pulumi-gcp 10.2.0, cloudrunv2.
DOCS: docs.cloud.google.com/run/docs. The memory of each vCPU count is in components/sizes.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# DOCS/configuring/cpu: below 1 vCPU in steps of 0.001, from 0.08; above 512 MiB it takes 0.5 vCPU.
FRACTION_FROM = 0.08
FRACTION_STEP = 0.001
FRACTION_MIB: Mapping[float, int] = {FRACTION_FROM: 512, 0.5: 1024}
# DOCS/configuring/services/memory-limits: the least memory of each generation.
GEN1_MIB = 128
GEN2_MIB = 512
# DOCS/about-concurrency: one request at a time below 1 vCPU, never above 1000.
CONCURRENCY = 1000
# RUNPB RevisionScaling.max_instance_count: where a revision states none, whatever the service's is.
REVISION_MAX_INSTANCES = 100
# DOCS/configuring/request-timeout
TIMEOUT_SECONDS = 3600
# RUNPB k8s_min.Probe and DOCS/configuring/healthchecks: failure_threshold x period of the start-up probe.
STARTUP_SECONDS = 240
# DOCS/container-contract: between SIGTERM and SIGKILL.
SHUTDOWN_SECONDS = 10
# DOCS/configuring/workerpools/cpu, workerpools/memory-limits: the least of a worker; its most is a service's.
WORKER_CPU = 1
WORKER_MIB = 512
# service/settings.py, PORT: a worker pool has no port, and sets none.
DEFAULT_PORT = 8080
# DOCS/configuring/services/overview-environment-variables, RUNPB EnvVar
ENVIRONMENT_NAMES = 1000
ENVIRONMENT_BYTES = 32768
# DOCS/container-contract: set by Cloud Run itself.
RESERVED_PREFIX = "X_GOOGLE_"
RESERVED_NAMES = frozenset({"PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"})
# DOCS/mapping-custom-domains: the regions that have them.
DOMAIN_REGIONS = frozenset(
    {
        *(
            "asia-east1",
            "asia-northeast1",
            "asia-southeast1",
            "europe-north1",
            "europe-west1",
            "europe-west4",
        ),
        *("us-central1", "us-east1", "us-east4", "us-west1"),
    }
)
# RUNPB Service.labels: namespaces that the API rejects.
LABEL_NAMESPACES = (
    "run.googleapis.com",
    "cloud.googleapis.com",
    "serving.knative.dev",
    "autoscaling.knative.dev",
)
# RUNPB CreateServiceRequest.service_id: fewer than 50 characters.
SERVICE_NAME = re.compile(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?")
# cloud.google.com/iam/docs/principal-identifiers. Everybody is `public`, never one of these.
INVOKER = re.compile(r"(user|serviceAccount|group|domain):\S+|principal(Set)?://\S+")


@dataclass(frozen=True, slots=True)
class Gpu:
    """What an accelerator requires, and where it is available. regions: including those by invitation."""

    cpu: int
    memory_mib: int
    regions: tuple[str, ...]
    by_invitation: tuple[str, ...]


# DOCS/configuring/services/gpu and DOCS/configuring/workerpools/gpu; the newest copy, of the latter, has L4
# in us-central1 by invitation. One GPU an instance, no CPU throttling.
GPUS: Mapping[str, Gpu] = {
    "nvidia-l4": Gpu(
        4,
        16384,
        ("asia-south1", "asia-southeast1", "europe-west1", "europe-west4", "us-central1", "us-east4"),
        ("asia-south1", "us-central1"),
    ),
    "nvidia-rtx-pro-6000": Gpu(
        20, 81920, ("asia-south2", "asia-southeast1", "europe-west4", "us-central1"), ("asia-south2",)
    ),
}
# The only accelerator with more than 8 vCPU and 32 GiB. Which sizes it has above its least is not documented.
LARGE_GPU = "nvidia-rtx-pro-6000"
