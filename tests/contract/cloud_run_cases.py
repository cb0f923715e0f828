"""Services that Cloud Run takes, and for each rule arguments that it would not."""

from typing import Any

from slipway.components.cloud_run import ExecutionEnvironment, Ingress, VpcEgress

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
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"cpu": 3}, r"cpu is 3; Cloud Run allows \[1, 2, 4, 6, 8\], and below 1 .*nearest: 2 or 4\."),
    ({"cpu": 16, "memory_gib": 32}, r"cpu is 16; .*nearest: 8\."),
    ({"cpu": 0.05, "memory_gib": 0.25}, r"cpu is 0\.05; .*from 0\.08 in steps of 0\.001; nearest: 0\.08\."),
    ({"cpu": 0.3333, "memory_gib": 0.25}, r"cpu is 0\.3333; .*nearest: 0\.333\."),
    ({"cpu": -1}, r"cpu is -1; it must be above 0"),
    ({"cpu": float("nan")}, r"cpu is nan; it must be above 0"),
    ({"cpu": float("inf")}, r"cpu is inf; it must be above 0 and at most 256"),
    ({"memory_gib": 8}, r"memory_gib is 8 with cpu 1; Cloud Run allows at most 4; nearest: 4Gi, or cpu 2\."),
    ({"cpu": 4, "memory_gib": 1}, r"memory_gib is 1 with cpu 4 .*at least 2; nearest: 2Gi\."),
    ({"cpu": 8, "memory_gib": 48}, r"memory_gib is 48 with cpu 8; .*at most 32; nearest: 32Gi\."),
    (
        {"cpu": 0.25, "memory_gib": 1},
        r"memory_gib is 1 with cpu 0\.25; .*at most 0\.5; nearest: 512Mi, or cpu 1\.",
    ),
    ({"memory_gib": 0.1}, r"memory_gib is 0\.1.* MiB; it must be whole MiB; nearest: 102Mi or 103Mi\."),
    (
        {"memory_gib": 0.0625},
        r"memory_gib is 0\.0625 with cpu 1 in generation 1; .*at least 0\.125; nearest: 128Mi\.",
    ),
    (
        {"memory_gib": 0.25, "execution_environment": ExecutionEnvironment.GEN2},
        r"memory_gib is 0\.25 with cpu 1 in generation 2; .*at least 0\.5; nearest: 512Mi\.",
    ),
    ({"memory_gib": float("nan")}, r"memory_gib is nan; it must be from 0\.03125"),
    ({**FRACTION, "concurrency": 2}, r"concurrency is 2 with cpu 0\.5; Cloud Run allows 1 below one vCPU"),
    ({**FRACTION, "cpu_always": True}, r"cpu_always is true with cpu 0\.5; .*nearest: cpu 1\."),
    (
        {**FRACTION, "execution_environment": ExecutionEnvironment.GEN2},
        r"execution_environment is the second generation with cpu 0\.5; .*the first only",
    ),
    ({"concurrency": 1001}, r"concurrency is 1001; Cloud Run allows at most 1000\."),
    ({"concurrency": 0}, r"concurrency is 0; it must be 1 or more\."),
    ({"concurrency": 2.5}, r"concurrency is 2\.5; it must be a whole number\."),
    (
        {"request_timeout_seconds": 5000},
        r"request_timeout_seconds is 5000; it must be from 0\.01 to 3600\.",
    ),
    ({"load_seconds": 241}, r"load_seconds is 241; .*not ready after 240 s\. Take a smaller model"),
    ({"load_seconds": float("nan")}, r"load_seconds is nan"),
    ({"port": 70000}, r"port is 70000; it must be from 1 to 65535\."),
    ({"min_replicas": 4, "max_replicas": 2}, r"max_replicas is 2, below min_replicas 4"),
    (
        {**GPU, "gpu": "nvidia-h100"},
        r"gpu is 'nvidia-h100'; Cloud Run has nvidia-l4, nvidia-rtx-pro-6000; nearest",
    ),
    ({**GPU, "gpu_count": 2}, r"gpu_count is 2; Cloud Run allows 1 for each instance\."),
    ({**GPU, "cpu": 2, "memory_gib": 8}, r"cpu is 2 with nvidia-l4; it takes at least 4; nearest: 4\."),
    ({**GPU, "memory_gib": 8}, r"memory_gib is 8 with nvidia-l4; it takes at least 16; nearest: 16Gi\."),
    ({**GPU, "cpu_always": False}, r"cpu_always is false with nvidia-l4; a GPU needs CPU all the time"),
    (
        {**GPU, "region": "europe-north1"},
        r"region is europe-north1 with nvidia-l4, which is in .*europe-west4",
    ),
    (
        {"gpu": "nvidia-rtx-pro-6000", "cpu": 20.5, "memory_gib": 80},
        r"cpu is 20\.5; with nvidia-rtx-pro-6000 it must be a whole number\.",
    ),
    ({"gpu_count": 1}, r"gpu_count is 1, but no gpu is named"),
    (
        {**GPU, "cuda_version": "13.2"},
        r"gpu is nvidia-l4, whose driver on Cloud Run is 535; the image has CUDA 13\.2, which needs driver "
        r"580 or newer; nearest: gpu nvidia-rtx-pro-6000, the target gke, or an image .*cuda-compat-13-2\.",
    ),
    ({**GPU, "cuda_version": "13"}, r"cuda_version is '13'; known are 11\.x, 12\.x, 13\.x, such as 13\.2\."),
    ({"cuda_version": "13.2"}, r"cuda_version is given, but no gpu is named"),
    ({"project": ""}, r"project is missing; set `project` in Pulumi\.<stack>\.yaml\."),
    ({"region": None}, r"region is missing; set `region` in Pulumi\.<stack>\.yaml\."),
    ({"project": "Acme"}, r"project is 'Acme'; allowed is 6 to 30 lowercase letters"),
    ({"region": "Frankfurt"}, r"region is 'Frankfurt'; allowed is a region's name, such as europe-west4\."),
    ({"image_ref": ""}, r"image_ref is missing"),
    ({"image_ref": "acme/slipway:latest"}, r"image_ref is 'acme/slipway:latest'; it must have its digest"),
    ({"image_ref": "acme/slipway@sha256:abc"}, r"image_ref is .*it must have its digest"),
    (
        {"image_ref": f"acme/Slipway@sha256:{'a' * 64}"},
        r"image_ref is .*no reference to an image; .*lowercase",
    ),
    (
        {"image_ref": f"ghcr.io/acme/slipway@sha256:{'a' * 64}"},
        r"image_ref is 'ghcr\.io/acme/slipway@.*'; Cloud Run pulls from Artifact Registry .* alone\.",
    ),
    (
        {"image_ref": f"us-docker.pkg.dev/acme-prod/api@sha256:{'a' * 64}"},
        r"an image there is named <location>-docker\.pkg\.dev/<project>/<repository>/<image>@sha256:<64",
    ),
    ({"model": ""}, r"model is missing"),
    ({"model": "file:models/mine"}, r"model is 'file:models/mine'; Cloud Run takes bundled:<name>"),
    (
        {"model": "gs://models/spam"},
        r"model is .* without a generation.*gcloud storage objects describe gs://models/spam",
    ),
    ({"model": "s3://models/spam"}, r"model is 's3://models/spam'; Cloud Run takes"),
    ({"model_volume": True}, r"model_volume is true with model 'bundled:sms-spam'; only gs://"),
    (
        {"model": "gs://models/spam@7", "model_volume": True},
        r"model is .*with model_volume; .*leave `@<generation>` out",
    ),
    (
        {"model": "gs://models/spam", "model_volume": True, **FRACTION},
        r"model_volume is true in the first generation",
    ),
    ({"env": {"K_SERVICE": "x"}}, r"env K_SERVICE is set by Cloud Run itself"),
    ({"env": {"PORT": "80"}}, r"env PORT is set by the service itself"),
    ({"env": {"BIG": "x" * 32769}}, r"env BIG has 32769 bytes; Cloud Run allows 32768\."),
    ({"env": {f"A{i}": "" for i in range(995)}}, r"there are 1001 environment variables, .*allows 1000\."),
    ({"env": {"A": "x\0y"}}, r"env A holds a NUL character"),
    ({"env": {"1st": "x"}}, r"env '1st' is no environment name"),
    ({"env": {"AUTH_TOKEN": "hush"}}, r"env AUTH_TOKEN looks like a secret .*pulumi config set --secret"),
    (
        {"env": {"A": "x"}, "secrets": {"A": "projects/p/secrets/s/versions/1"}},
        r"env A stands in `env` and in",
    ),
    ({"env": {"A": "x"}, "secret_values": {"A": "hush"}}, r"secret A stands twice"),
    ({"secret_values": {"a-b": "hush"}}, r"secret 'a-b' is no environment name"),
    (
        {"secret_values": {"MODEL_API_KEY": "hush"}},
        r"secret MODEL_API_KEY is set by the service itself; give it as `api_key`",
    ),
    ({"secret_values": {"HOST": "hush"}}, r"secret HOST is set by the service itself; leave it out\."),
    ({"secret_values": {"PORT": "hush"}}, r"secret PORT is set by the service itself; leave it out\."),
    ({"secret_values": {"K_REVISION": "hush"}}, r"env K_REVISION is set by Cloud Run itself"),
    ({"secret_values": {"A" * 252: "hush"}}, r"has 252 characters; with the service's name .*allows 255\."),
    (
        {"secrets": {"A": "projects/p/secrets/s/versions/latest"}},
        r"secret A is no reference .*'latest'.*gcloud secrets versions list s --project p",
    ),
    ({"secrets": {"A": "hush-hush"}}, r"secret A is no reference \(its value is not shown\)"),
    ({"labels": {"Team": "search"}}, r"label 'Team' is no label"),
    ({"labels": {"team": "Search"}}, r"label team is 'Search'; a value has at most 63"),
    ({"labels": {"run.googleapis.com/x": "y"}}, r"label 'run\.googleapis\.com/x' is in the namespace"),
    ({"labels": {f"a{i}": "" for i in range(64)}}, r"there are 64 labels; Google Cloud allows 63"),
    ({"invokers": ["allUsers"]}, r"invokers has allUsers, which is everybody; say `public`"),
    ({"invokers": ["ada@example.com"]}, r"invokers has 'ada@example\.com'; allowed are members of IAM"),
    ({"api_key": "short"}, r"api_key has 5 characters \(they are not shown\); allowed are 16 to 4096"),
    ({"vpc_egress": VpcEgress.ALL_TRAFFIC}, r"vpc_egress is ALL_TRAFFIC without a network"),
    ({"domain": "https://api.example.com"}, r"domain is 'https://api\.example\.com'; allowed is"),
    ({"ingress": "nowhere"}, r"ingress is 'nowhere'; allowed are INGRESS_TRAFFIC_ALL"),
    ({"memory_gb": 4}, r"memory_gb is no argument here; did you mean memory_gib\?"),
    ({"zzz": 4}, r"zzz is no argument here; leave it out\."),
    ({"cpu": "2"}, r"cpu is a str; it must be a number\."),
    ({"public": 1}, r"public is a int; it must be true or false\."),
    ({"env": ["A=1"]}, r"env is a list; it must be a map\."),
    ({"env": {"A": 1}}, r"env\.A is a int; it must be a text\."),
    ({"invokers": "user:ada@example.com"}, r"invokers is a str; it must be a list\."),
    ({"invokers": [1]}, r"invokers\[0\] is a int; it must be a text\."),
]
