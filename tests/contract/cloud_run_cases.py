"""Services that Cloud Run takes, and for each rule arguments that it would not."""

from typing import Any

import pulumi

from slipway.components.cloud_run import ExecutionEnvironment, Ingress, VpcEgress
from slipway.components.observability.args import Observability

IMAGE = "europe-west4-docker.pkg.dev/acme-prod/slipway/api@sha256:" + "a" * 64
KEY = "a-key-of-enough-characters"

PLAIN: dict[str, Any] = {
    "model": "bundled:sms-spam",
    "image_ref": IMAGE,
    "project": "acme-prod",
    "region": "europe-west4",
}
GPU: dict[str, Any] = {"gpu": "nvidia-l4", "cpu": 4, "memory_gib": 16}
LARGE_GPU: dict[str, Any] = {"gpu": "nvidia-rtx-pro-6000", "cpu": 20, "memory_gib": 80}
FRACTION: dict[str, Any] = {"cpu": 0.5, "memory_gib": 0.5}

RIGHT: dict[str, dict[str, Any]] = {
    "defaults": {},
    "floats, as other languages send them": {
        "cpu": 2.0,
        "memory_gib": 4.0,
        "max_replicas": 5.0,
        "port": 9000.0,
    },
    "a fraction of a cpu": FRACTION,
    "the least of all": {"cpu": 0.08, "memory_gib": 0.125},
    "a third of a cpu": {"cpu": 0.333, "memory_gib": 0.25},
    "one cpu with little memory": {"memory_gib": 0.25},
    "the most without a GPU": {
        "cpu": 8,
        "memory_gib": 32,
        "concurrency": 1000,
        "request_timeout_seconds": 3600,
    },
    "six cpu": {"cpu": 6, "memory_gib": 4},
    "first generation": {"execution_environment": ExecutionEnvironment.GEN1},
    "a GPU": GPU,
    "a GPU in two zones": {**GPU, "gpu_zonal_redundancy": True, "min_replicas": 1},
    "an image for a CUDA that the driver runs": {**GPU, "cuda_version": "12.8"},
    "a large GPU and an image for its CUDA": {**LARGE_GPU, "cuda_version": "13.2"},
    "a large GPU": LARGE_GPU,
    "a collector next to the server": {"observability": Observability.FULL, "cpu_always": True},
    "a collector next to a GPU": {**GPU, "observability": Observability.FULL},
    "a collector and a mounted model": {
        "observability": Observability.FULL,
        "model": "gs://models/spam",
        "model_volume": True,
    },
    "CPU always": {"cpu_always": True, "min_replicas": 2, "startup_cpu_boost": False},
    "a fraction of a second": {"request_timeout_seconds": 2.5},
    "a slow model": {"load_seconds": 240},
    "a quick model": {"load_seconds": 0.3},
    "environment": {"env": {"LOG_LEVEL": "debug", "INFERENCE_THREADS": "3", "EMPTY": ""}},
    "secrets": {
        "api_key": KEY,
        "secret_values": {"HF_TOKEN": "hush"},
        "secrets": {
            "DATABASE": "projects/acme-prod/secrets/database/versions/7",
            "OTHER": "projects/other-team/secrets/their-token/versions/12",
            "AGAIN": "projects/other-team/secrets/their-token/versions/11",
        },
    },
    "labels": {"labels": {"team": "search", "cost-center": "42_a"}},
    "public": {"public": True},
    "a canary": {"rollout": "canary"},
    "invokers": {"invokers": ["user:ada@example.com", "serviceAccount:front@acme.iam.gserviceaccount.com"]},
    "a model in a bucket": {"model": "gs://models/spam/v2@1763721600000000"},
    "a model in S3": {"model": "s3://models/spam@3sL4kqtJlcpXroDTDmJ"},
    "an image in gcr.io": {"image_ref": f"gcr.io/acme-prod/api@sha256:{'a' * 64}"},
    "an image of Docker Hub": {"image_ref": f"acme/api@sha256:{'a' * 64}"},
    "a model in the image": {"model": "hf:distilbert/distilbert-base-uncased"},
    "a mounted bucket": {"model": "gs://models/spam/v2", "model_volume": True},
    "a network": {"vpc_network": "inner", "vpc_subnetwork": "inner-eu", "vpc_egress": VpcEgress.ALL_TRAFFIC},
    "a subnetwork": {"vpc_subnetwork": "inner-eu"},
    "inside only": {"ingress": Ingress.INTERNAL},
    "an enum by its value": {"ingress": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"},
    "a domain": {"domain": "api.example.com"},
    "a project of a domain": {"project": "example.com:acme-prod"},
    "what is made elsewhere": {"enable_apis": False, "deletion_protection": False},
    "None is not given": {"gpu": None, "cpu": None},
}

# Arguments, and what the refusal must say: what it got, what is allowed, the nearest choice.
WRONG_MONITORING: list[tuple[dict[str, Any], str]] = [
    ({"alert_email": "oncall"}, r"alert_email is 'oncall', which has no @; it must be one e-mail address"),
    ({"alert_email": "a@b.example, c@d.example"}, r"several people need a mailing list"),
    ({"alert_email": "a@localhost"}, r"whose domain is 'localhost'"),
    ({"alert_email": ".a@example.com"}, r"whose part before the @ is '\.a'"),
    ({"alert_email": f"{'a' * 65}@example.com"}, r"longer than 254 characters, or than 64 before the @"),
    (
        {"observability": Observability.OFF, "alert_email": "a@example.com"},
        r"alert_email is given with `observability` off",
    ),
    ({"observability": Observability.OFF, "objective": {"days": 28}}, r"objective is given with"),
    ({"objective": {"availability": 100}}, r"objective.availability is 100, which leaves no failure"),
    ({"objective": {"availability": 90}}, r"it must be 94 % or more"),
    ({"thresholds": {"memory": {"ticket": 0.9, "page": 0.8}}}, r"`page` must be above `ticket`"),
    (
        {"thresholds": {"memory": {"page": float("inf")}}},
        r"memory.page is inf; it must be a share",
    ),
    (
        {"thresholds": {"queue": {"page": 0.9}}},
        r"thresholds has 'queue', which has no threshold",
    ),
    ({"thresholds": {"errors": {"ticket": 1}}}, r"thresholds has 'errors', which has no threshold"),
    ({"runbooks_url": "docs/runbooks.md"}, r"runbooks_url is 'docs/runbooks.md'"),
    ({"observability": Observability.FULL, **FRACTION}, r"cpu is 0.5 .*it takes 1 vCPU or more"),
    ({"observability": Observability.FULL, "cpu": 8, "memory_gib": 16}, r"cpu is 8 .*nearest: 6"),
    ({"observability": Observability.FULL, "cpu": 8, "memory_gib": 32}, r"memory_gib is 32 .*nearest: 31.5"),
    ({"observability": Observability.FULL, "env": {"METRICS": "off"}}, r"env has METRICS, which is 'off'"),
    (
        {"observability": Observability.FULL, "env": {"METRICS_PORT": "0"}},
        r"METRICS_PORT, which is 0",
    ),
]
WRONG: list[tuple[dict[str, Any], str]] = [
    *WRONG_MONITORING,
    ({"cpu": 3}, r"cpu is 3; Cloud Run allows 1, 2, 4, 6, 8 vCPU, and below 1 .*nearest: 2 or 4\."),
    ({"cpu": 16, "memory_gib": 32}, r"cpu is 16; .*nearest: 8\."),
    ({"cpu": 0.05, "memory_gib": 0.25}, r"cpu is 0\.05; .*from 0\.08 in steps of 0\.001; nearest: 0\.08\."),
    ({"cpu": 0.3333, "memory_gib": 0.25}, r"cpu is 0\.3333; .*nearest: 0\.333\."),
    ({"cpu": -1}, r"cpu is -1; it must be above 0"),
    ({"cpu": float("nan")}, r"cpu is nan; it must be above 0"),
    ({"cpu": float("inf")}, r"cpu is inf; it must be above 0 and at most 256"),
    (
        {"memory_gib": 8},
        r"memory_gib is 8 with `cpu` 1; Cloud Run allows at most 4 GiB, .*with `cpu` 2; nearest: 4\.",
    ),
    ({"cpu": 4, "memory_gib": 1}, r"memory_gib is 1 with `cpu` 4 .*at least 2 GiB; nearest: 2\."),
    ({"cpu": 8, "memory_gib": 48}, r"memory_gib is 48 with `cpu` 8; .*at most 32 GiB; nearest: 32\."),
    (
        {"cpu": 0.25, "memory_gib": 1},
        r"memory_gib is 1 with `cpu` 0\.25; .*at most 0\.5 GiB, .* `cpu` 1; nearest: 0\.5\.",
    ),
    (
        {"memory_gib": 0.1},
        r"memory_gib is 0\.1, which is 102\.4 MiB; it must be whole MiB; nearest: 0\.125\.",
    ),
    (
        {"memory_gib": 0.0625},
        r"memory_gib is 0\.0625 with `cpu` 1 in generation 1; .*at least 0\.125 GiB; nearest: 0\.125\.",
    ),
    (
        {"memory_gib": 0.25, "execution_environment": ExecutionEnvironment.GEN2},
        r"memory_gib is 0\.25 with `cpu` 1 in generation 2; .*at least 0\.5 GiB; nearest: 0\.5\.",
    ),
    ({"memory_gib": float("nan")}, r"memory_gib is nan; it must be from 0\.03125"),
    (
        {**FRACTION, "concurrency": 2},
        r"concurrency is 2 with `cpu` 0\.5; Cloud Run allows 1 below one vCPU: .*nearest: 1\.",
    ),
    (
        {**FRACTION, "cpu_always": True},
        r"cpu_always is true with `cpu` 0\.5; .*raise `cpu` to 1; nearest: false\.",
    ),
    (
        {**FRACTION, "execution_environment": ExecutionEnvironment.GEN2},
        r"execution_environment is EXECUTION_ENVIRONMENT_GEN2 with `cpu` 0\.5; .*the first generation only",
    ),
    ({"concurrency": 1001}, r"concurrency is 1001; Cloud Run allows at most 1000; nearest: 1000\."),
    ({"concurrency": 0}, r"concurrency is 0; it must be 1 or more; nearest: 1\."),
    ({"concurrency": 2.5}, r"concurrency is 2\.5; it must be a whole number\."),
    (
        {"request_timeout_seconds": 5000},
        r"request_timeout_seconds is 5000; it must be from 0\.01 to 3600 s; nearest: 3600\.",
    ),
    (
        {"load_seconds": 241},
        r"load_seconds is 241; .*not ready after 240 s: take a smaller model.*nearest: 240\.",
    ),
    ({"load_seconds": float("nan")}, r"load_seconds is nan"),
    ({"port": 70000}, r"port is 70000; it must be from 1 to 65535; nearest: 65535\."),
    ({"min_replicas": 4, "max_replicas": 2}, r"max_replicas is 2, below `min_replicas` 4"),
    (
        {**GPU, "gpu": "nvidia-h100"},
        r"gpu is 'nvidia-h100'; Cloud Run has nvidia-l4, nvidia-rtx-pro-6000; nearest: nvidia-l4\.",
    ),
    ({**GPU, "gpu_count": 2}, r"gpu_count is 2; Cloud Run allows 1 for each instance; nearest: 1\."),
    (
        {**GPU, "cpu": 2, "memory_gib": 8},
        r"cpu is 2 with `gpu` nvidia-l4; it takes at least 4 vCPU; nearest: 4\.",
    ),
    (
        {**GPU, "memory_gib": 8},
        r"memory_gib is 8 with `gpu` nvidia-l4; it takes at least 16 GiB; nearest: 16\.",
    ),
    (
        {**GPU, "cpu_always": False},
        r"cpu_always is false with `gpu` nvidia-l4; a GPU needs CPU all the time: .*nearest: true\.",
    ),
    (
        {**GPU, "region": "europe-north1"},
        r"region is 'europe-north1' with `gpu` nvidia-l4; it is in .*europe-west4",
    ),
    (
        {"gpu": "nvidia-rtx-pro-6000", "cpu": 20.5, "memory_gib": 80},
        r"cpu is 20\.5 with `gpu` nvidia-rtx-pro-6000; it must be a whole number of vCPU; nearest: 21\.",
    ),
    (
        {"gpu": "nvidia-rtx-pro-6000", "cpu": 1.5, "memory_gib": 80},
        r"cpu is 1\.5 with `gpu` nvidia-rtx-pro-6000; it must be a whole number of vCPU; nearest: 20\.",
    ),
    ({"gpu_count": 1}, r"gpu_count is 1, but no `gpu` is named"),
    (
        {**GPU, "cuda_version": "13.2"},
        r"gpu is 'nvidia-l4', whose driver on Cloud Run is 535; the image has CUDA 13\.2, which needs driver "
        r"580 or newer: take nvidia-rtx-pro-6000, GKE, or an image .*cuda-compat-13-2\.",
    ),
    ({**GPU, "cuda_version": "13"}, r"cuda_version is '13'; known are 11\.x, 12\.x, 13\.x, such as 13\.2\."),
    ({"cuda_version": "13.2"}, r"cuda_version is '13\.2', but no `gpu` is named"),
    ({"project": ""}, r"project is missing; give the ID of a Google Cloud project, such as acme-ml\."),
    ({"region": None}, r"region is missing; give the name of a region, such as europe-west4\."),
    ({"project": "Acme"}, r"project is 'Acme'; allowed are 6 to 30 lowercase letters"),
    (
        {"region": "Frankfurt"},
        r"region is 'Frankfurt'; allowed is the name of a region, such as europe-west4\.",
    ),
    ({"image_ref": ""}, r"image_ref is missing"),
    ({"image_ref": "acme/slipway:latest"}, r"image_ref is 'acme/slipway:latest'; it must have its digest"),
    ({"image_ref": "acme/slipway@sha256:abc"}, r"image_ref is .*it must have its digest"),
    (
        {"image_ref": f"acme/Slipway@sha256:{'a' * 64}"},
        r"image_ref is .*no reference to an image; .*lowercase",
    ),
    (
        {"image_ref": f"ghcr.io/acme/slipway@sha256:{'a' * 64}"},
        r"image_ref is 'ghcr\.io/acme/slipway@.*'; Cloud Run pulls from Artifact Registry .* only\.",
    ),
    (
        {"image_ref": f"us-docker.pkg.dev/acme-prod/api@sha256:{'a' * 64}"},
        r"an image there is named <location>-docker\.pkg\.dev/<project>/<repository>/<image>@sha256:<64",
    ),
    ({"model": ""}, r"model is missing"),
    ({"model": "models/mine"}, r"model is 'models/mine'; Cloud Run takes bundled:<name>, file:<folder>"),
    (
        {"model": "gs://models/spam"},
        r"model is .* without a generation.*gcloud storage objects describe gs://models/spam",
    ),
    ({"model": "s3://models/spam"}, r"model is 's3://models/spam'; Cloud Run takes"),
    ({"model_volume": True}, r"model_volume is true with `model` 'bundled:sms-spam'; only gs://"),
    (
        {"model": "gs://models/spam@7", "model_volume": True},
        r"model is .*with `model_volume`; .*leave `@<generation>` or `model_volume` out",
    ),
    (
        {"model": "gs://models/spam", "model_volume": True, **FRACTION},
        r"model_volume is true in the first generation, .*`cpu` 1 and `memory_gib` 0\.5 GiB",
    ),
    ({"env": {"K_SERVICE": "x"}}, r"env has K_SERVICE, which Cloud Run itself sets"),
    ({"env": {"PORT": "80"}}, r"env has PORT, which the service itself sets"),
    ({"env": {"BIG": "x" * 32769}}, r"env\.BIG has 32769 bytes; Cloud Run allows 32768:"),
    (
        {"env": {f"A{i}": "" for i in range(995)}},
        r"env has 1001 environment variables together with the secrets .*; Cloud Run allows 1000\.",
    ),
    ({"env": {"A": "x\0y"}}, r"env has A with a NUL character"),
    ({"env": {"1st": "x"}}, r"env has '1st', which is no environment name"),
    (
        {"env": {"AUTH_TOKEN": "hush"}},
        r"env has AUTH_TOKEN, which looks like a secret .*put it into `secrets`",
    ),
    (
        {"env": {"A": "x"}, "secrets": {"A": "projects/p/secrets/s/versions/1"}},
        r"env has A, which `secrets` has too",
    ),
    (
        {"env": {"A": "x"}, "secret_values": {"A": "hush"}},
        r"secret_values has A, which `env` has too; keep one\.",
    ),
    ({"secret_values": {"a-b": "hush"}}, r"secret_values has 'a-b', which is no environment name"),
    (
        {"secret_values": {"MODEL_API_KEY": "hush"}},
        r"secret_values has MODEL_API_KEY, which the service itself sets; give it as `api_key`",
    ),
    (
        {"secret_values": {"HOST": "hush"}},
        r"secret_values has HOST, which the service itself sets; leave it out\.",
    ),
    (
        {"secret_values": {"PORT": "hush"}},
        r"secret_values has PORT, which the service itself sets; leave it out\.",
    ),
    ({"secret_values": {"K_REVISION": "hush"}}, r"secret_values has K_REVISION, which Cloud Run itself sets"),
    (
        {"secret_values": {"A" * 252: "hush"}},
        r"which has 252 characters; with the service's name .*allows 255\.",
    ),
    (
        {"secrets": {"A": "projects/p/secrets/s/versions/newest"}},
        r"secrets\.A is no reference .*'newest'.*gcloud secrets versions list s --project p",
    ),
    ({"secrets": {"A": "hush-hush"}}, r"secrets\.A is no reference \(its value is not shown\)"),
    ({"labels": {"Team": "search"}}, r"labels has 'Team', which is no key of a label"),
    ({"labels": {"team": "Search"}}, r"labels\.team is 'Search'; a value has at most 63"),
    ({"labels": {"run.googleapis.com/x": "y"}}, r"labels has 'run\.googleapis\.com/x', in the namespace"),
    ({"labels": {f"a{i}": "" for i in range(64)}}, r"labels has 64 labels; Google Cloud allows 63"),
    ({"invokers": ["allUsers"]}, r"invokers has 'allUsers', which is everyone; set `public`"),
    ({"invokers": ["ada@example.com"]}, r"invokers has 'ada@example\.com'; allowed are members of IAM"),
    ({"api_key": "short"}, r"api_key has 5 characters \(they are not shown\); allowed are 16 to 4096"),
    ({"vpc_egress": VpcEgress.ALL_TRAFFIC}, r"vpc_egress is ALL_TRAFFIC without a network"),
    ({"domain": "https://api.example.com"}, r"domain is 'https://api\.example\.com'; allowed is"),
    ({"ingress": "nowhere"}, r"ingress is 'nowhere'; allowed are INGRESS_TRAFFIC_ALL"),
    ({"memory_gb": 4}, r"memory_gb is no argument here; did you mean memory_gib\?"),
    ({"zzz": 4}, r"zzz is no argument here; leave it out\."),
    ({"cpu": "2"}, r"cpu is of type str; it must be a number\."),
    ({"public": 1}, r"public is of type int; it must be true or false\."),
    ({"env": ["A=1"]}, r"env is of type list; it must be a map\."),
    ({"env": {"A": 1}}, r"env\.A is of type int; it must be a string\."),
    ({"invokers": "user:ada@example.com"}, r"invokers is of type str; it must be a list\."),
    ({"memory_gib": 4.7, "cpu": 2}, r"memory_gib is 4\.7, which is 4812\.8 MiB; .*nearest: 4\.7001953125\."),
    ({"secrets": {"A": pulumi.Output.from_input("x")}}, r"secrets\.A is an Output; it must be a plain value"),
    ({"region": pulumi.Output.from_input("x")}, r"region is an Output; it must be a plain value, because it"),
    ({"invokers": [1]}, r"invokers\[0\] is of type int; it must be a string\."),
]
