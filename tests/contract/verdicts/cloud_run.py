"""What Cloud Run takes and refuses."""

import json

from tests.contract.verdicts.rows import BUCKET, DIGEST, Rows, each, labels, sized

TAKES: Rows = [
    ("RUNPB Service.invoker_iam_disabled", [{"public": "true", "checkInvokers": "false"}]),
    ("RUNPB RevisionScaling.max_instance_count", each("maxInstances", "100", "101", "1000")),
    (
        "RUN configuring/cpu, memory-limits",
        sized(("0.08", "512Mi"), ("0.5", "1Gi"), ("1", "4Gi"), ("2", "8Gi"), ("4", "16Gi"), ("4", "2Gi"))
        + sized(("6", "24Gi"), ("6", "4Gi"), ("8", "32Gi"), ("8", "4Gi")),
    ),
    ("RUN configuring/request-timeout", each("timeout", "3600", "1")),
    ("RUN about-concurrency", each("concurrency", "1000", "1")),
    (
        "RUN locations",
        each("region", "europe-west10", "europe-west12", "me-central2", "northamerica-northeast1"),
    ),
    ("PGCP cloudrunv2.Service.project: domain-scoped projects", each("project", "example.com:acme-ml")),
    ("RUN run_v2.ServiceScaling.max_instance_count", [{"maxInstances": "500"}]),
    (
        "RUN configuring/services/gpu",
        [
            {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "region": "europe-west1", **BUCKET},
            {"gpu": "nvidia-l4", "cpu": "8", "memory": "32Gi", "region": "us-east4", **BUCKET},
        ],
    ),
    ("RUN run_v2.IngressTraffic", each("ingress", "all", "internal", "internal-and-load-balancer")),
    (
        "RUN run_v2.EnvVar: any C_IDENTIFIER that is not reserved",
        each("env", '{"TOKEN_LIMIT": "512"}', '{"CACHE_KEY_PREFIX": "spam"}', '{"MAX_TOKENS": "64"}'),
    ),
    (
        "RUN configuring/services/secrets: a version or `latest`",
        each(
            "secrets",
            '{"TOKEN": "projects/acme-ml/secrets/token/versions/1"}',
            '{"TOKEN": "projects/acme-ml/secrets/token/versions/latest"}',
        ),
    ),
    (
        "cloud.google.com/resource-manager/docs/labels-overview: lowercase letters of any language",
        each("labels", '{"team": "search-1"}', '{"équipe": "recherche"}', '{"a_b-c": ""}', labels(40)),
    ),
    (
        "RFC 5890: an A-label may be any label of a name",
        each("domain", "xn--bcher-kva.example", "api.xn--e1afmkfd.xn--p1ai"),
    ),
    (
        "cloud.google.com/iam/docs/principal-identifiers",
        each("invokers", '["group:ml@example.com"]', '["domain:example.com"]')
        + each("invokers", '["serviceAccount:a@acme-ml.iam.gserviceaccount.com"]'),
    ),
    (
        "RUN run_v2.VpcAccess: a network, a subnetwork or both, and an egress",
        [
            {"network": "inner"},
            {"subnetwork": "inner-eu"},
            {"network": "inner", "subnetwork": "inner-eu", "egress": "all-traffic"},
            {"subnetwork": "projects/host-project/regions/europe-west4/subnetworks/shared"},
        ],
    ),
    ("RUN run_v2.Volume.gcs", [{"model": "gs://acme/models/spam", "modelDelivery": "mount"}]),
    ("RUN run_v2.ExecutionEnvironment", each("executionEnvironment", "gen1", "gen2")),
    ("RUN run_v2.ResourceRequirements.startup_cpu_boost", each("startupCpuBoost", "true", "false")),
    (
        "RUN run_v2.RevisionTemplate.gpu_zonal_redundancy_disabled",
        [{"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "gpuZonalRedundancy": "true", **BUCKET}],
    ),
    ("RUN run_v2.CreateServiceRequest.service_id", each("name", "a", "acme-api-2")),
    (
        "docs.docker.com reference/dockerfile ARG",
        each("buildArgs", '{"HF_ENDPOINT": "https://hub.example.com"}'),
    ),
    ("docs.docker.com reference/dockerfile FROM", each("baseImage", "python:3.11-slim-bookworm")),
    ("PGCP artifactregistry CleanupPolicyMostRecentVersions.keep_count", each("keepImages", "1", "100")),
    ("RUN deploying: Docker Hub is pulled", [{"image": f"docker.io/acme/server@{DIGEST}"}]),
]
REFUSES: Rows = [
    ("RUNPB Service.invoker_iam_disabled: nobody is checked", [{"checkInvokers": "false"}]),
    ("PGCP cloudrunv2 limits.cpu: 1, 2, 4, 6 and 8", each("cpu", "3", "5", "7", "16")),
    ("RUN configuring/cpu: 0.08 is the least", each("cpu", "0.05")),
    (
        "RUN memory-limits",
        sized(("0.5", "2Gi"), ("1", "8Gi"), ("2", "9Gi"), ("4", "1Gi"), ("6", "2Gi"), ("8", "64Gi"))
        + each("memory", "64Mi"),
    ),
    ("RUN configuring/cpu: one request at a time below one", [{"cpu": "0.5", "concurrency": "10"}]),
    ("RUN configuring/request-timeout", each("timeout", "3601")),
    ("RUN about-concurrency", each("concurrency", "1001")),
    (
        "RUN configuring/services/gpu",
        [
            {"gpu": "nvidia-l4", "cpu": "2", "memory": "16Gi", **BUCKET},
            {"gpu": "nvidia-l4", "cpu": "4", "memory": "8Gi", **BUCKET},
            {"gpu": "nvidia-l4", "cpu": "4", "memory": "64Gi", **BUCKET},
            {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "region": "us-west1", **BUCKET},
            {"gpu": "nvidia-tesla-t4", "cpu": "4", "memory": "16Gi", **BUCKET},
            {"gpu": "nvidia-l4", "cpu": "4", "memory": "16Gi", "cpuAlways": "false", **BUCKET},
        ],
    ),
    (
        "RUN container-contract: reserved names",
        each("env", '{"PORT": "80"}', '{"K_SERVICE": "a"}', '{"X_GOOGLE_FUNCTION_NAME": "a"}'),
    ),
    (
        "RUN run_v2.EnvVar: 32768 bytes a value, 1000 a container",
        [
            {"env": json.dumps({"A": "a" * 32769})},
            {"env": json.dumps({f"A{number}": "a" for number in range(1001)})},
        ],
    ),
    ("RUN locations", each("region", "mars-central1", "us-central9", "europe-west4-a")),
    (
        "RUN mapping-custom-domains: the regions that have them, and a service that is reachable",
        [
            {"domain": "api.example.com", "region": "europe-west9"},
            {"domain": "api.example.com", "ingress": "internal"},
        ],
    ),
    (
        "cloud.google.com/resource-manager/docs/labels-overview",
        each("labels", '{"Team": "a"}', json.dumps({"a": "b" * 64}), json.dumps({"a" * 64: "b"}), labels(65))
        + each("labels", '{"1st": "a"}'),
    ),
    (
        "RUN run_v2.VpcAccess: a subnetwork of the service's region; an egress of a network",
        [
            {"subnetwork": "projects/acme-ml/regions/us-central1/subnetworks/inner"},
            {"egress": "all-traffic"},
            {"network": "Inner"},
        ],
    ),
    (
        "RUN run_v2.Volume.gcs: a bucket, which has no generation, in the second generation alone",
        [
            {"modelDelivery": "mount"},
            {"model": f"gs://acme/spam@{'1' * 16}", "modelDelivery": "mount"},
            {"model": "gs://acme/spam", "modelDelivery": "mount", "executionEnvironment": "gen1"},
        ],
    ),
    (
        "RUN configuring/cpu: below one vCPU the first generation alone",
        [{"cpu": "0.5", "memory": "512Mi", "concurrency": "1", "executionEnvironment": "gen2"}],
    ),
    ("RUN run_v2.ExecutionEnvironment", each("executionEnvironment", "gen3")),
    ("RUN configuring/services/gpu: it is the GPU's", each("gpuZonalRedundancy", "true")),
    ("RUN run_v2.CreateServiceRequest.service_id", each("name", "Acme", "-a", "a" * 50)),
    ("docs.docker.com reference/dockerfile ARG", each("buildArgs", '{"1a": "b"}')),
    ("PGCP artifactregistry CleanupPolicyMostRecentVersions.keep_count", each("keepImages", "0")),
    (
        "RUN deploying: Artifact Registry, gcr.io and Docker Hub alone",
        each("image", f"ghcr.io/acme/server@{DIGEST}", f"quay.io/acme/server@{DIGEST}"),
    ),
    ("cloud.google.com/iam/docs/principal-identifiers", each("invokers", '["ada@example.com"]')),
    ("RUN run_v2.RevisionScaling", [{"minInstances": "5", "maxInstances": "2"}]),
    ("SERVER LOG_LEVEL", each("env", '{"LOG_LEVEL": "verbose"}')),
]
