"""Services with jobs that Kubernetes takes, and for each rule of jobs arguments that it would not."""

from typing import Any

from tests.contract.kubernetes_cases import BUCKET, GOOGLE, GPU, POOL, RIGHT

JOBS: dict[str, Any] = {"jobs": True}
EVERYTHING_OF_JOBS: dict[str, Any] = {
    **GOOGLE,
    "jobs": True,
    "kubeconfig": "{}",
    "monitoring": "google",
    "min_workers": 0,
    "max_workers": 8,
    "worker_cpu": 2,
    "worker_memory_gib": 4,
    "job_files": ["gs://acme-jobs/input/"],
    "job_results": "gs://acme-jobs/results/",
    "webhook_hosts": ["hooks.example.com"],
    "secret_values": {"JOBS_WEBHOOK_SECRET": "hush"},
}

RIGHT_WITH_JOBS: dict[str, dict[str, Any]] = {
    "jobs": JOBS,
    "jobs with a fixed number of workers": {**JOBS, "min_workers": 3.0},
    "jobs that scale workers": {**JOBS, "min_workers": 2, "max_workers": 9},
    "jobs whose workers sleep": {**JOBS, "min_workers": 0},
    "jobs next to a service that KEDA scales": {**JOBS, "monitoring": "operator", "scale_on": "requests"},
    "jobs of a service that sleeps": {**JOBS, "scale_on": "interceptor", "min_replicas": 0},
    "jobs in a database elsewhere": {
        **JOBS,
        "jobs_database": "jobs.database/url_1",
        "min_workers": 1,
        "max_workers": 2,
    },
    "jobs in one instance": {**JOBS, "jobs_database_instances": 1, "jobs_database_gib": 2.5},
    "jobs in three instances": {**JOBS, "jobs_database_instances": 3.0},
    "jobs on a GPU": {**JOBS, **GPU, **POOL, "max_replicas": 3},
    "jobs with small workers": {**JOBS, "worker_cpu": 0.25, "worker_memory_gib": 0.5},
    "jobs with a fetched model": {**JOBS, "model": BUCKET, **GOOGLE},
    "jobs with a shared volume": {**JOBS, "model": BUCKET, "model_storage_class": "rwx"},
    "jobs with threads that were chosen": {**JOBS, "worker_cpu": 4, "env": {"INFERENCE_THREADS": "3"}},
    "jobs without a policy": {**JOBS, "network_policy": False},
    "jobs with a canary": {**JOBS, "rollout": "canary", "min_available": 1},
    "jobs while a canary runs": {**JOBS, "rollout": "canary", "rollout_step": "share"},
    "jobs while the second version starts": {**JOBS, "rollout": "blue-green", "rollout_step": "start"},
    "jobs with files, webhooks and alarms": EVERYTHING_OF_JOBS,
    "jobs with files of S3": {**JOBS, "job_files": ["s3://acme-jobs/"], "monitoring": "operator"},
}
EVERY_RIGHT: dict[str, dict[str, Any]] = {**RIGHT, **RIGHT_WITH_JOBS}

WRONG_WITH_JOBS: list[tuple[dict[str, Any], str]] = [
    ({"max_workers": 3}, r"max_workers is given, but the service takes no jobs; set `jobs` to true"),
    ({"jobs_database_gib": 20}, r"jobs_database_gib is 20, but the service takes no jobs; leave it out"),
    (
        {**JOBS, "jobs_database": "a/b", "jobs_database_instances": 3},
        r"jobs_database_instances is 3 with `jobs_database`, which is its owner's; leave it out",
    ),
    ({**JOBS, "jobs_database": "hush"}, r"jobs_database is given, which is no reference .*<secret>/<key>"),
    ({**JOBS, "jobs_database_instances": 1.5}, r"jobs_database_instances is 1\.5; it must be from 1 to 9"),
    (
        {**JOBS, "jobs_database_gib": 0.5},
        r"jobs_database_gib is 0\.5; it must be from 1 to 16384; nearest: 1",
    ),
    ({**JOBS, "min_workers": 4, "max_workers": 2}, r"max_workers is 2, below `min_workers` 4; raise the one"),
    (
        {**JOBS, "min_workers": 0, "max_workers": 0},
        r"max_workers is 0; it must be from 1 to 1000; nearest: 1",
    ),
    ({**JOBS, "min_workers": float("nan")}, r"min_workers is nan; it must be a whole number"),
    ({**JOBS, "worker_cpu": 0.01}, r"worker_cpu is 0\.01; it must be from 0\.08 to 256 vCPU; nearest: 0\.08"),
    ({**JOBS, "worker_memory_gib": float("inf")}, r"worker_memory_gib is inf; it must be from 0\.03125"),
    (
        {**JOBS, **POOL, "worker_cpu": 16},
        r"worker_cpu is 16, and a node of the pool offers its pods 7\.5 vCPU",
    ),
    (
        {**JOBS, **GPU, **POOL, "max_replicas": 4},
        r"max_replicas is 4 with `jobs`, whose workers take the room of 1 more, and the pool holds 4 at its "
        r"maximum: .*; lower it to 3, or raise the pool's maximum, `max_nodes`, to 5 nodes",
    ),
    ({**JOBS, "job_ttl_days": 0}, r"job_ttl_days is 0; it must be from 0\.001 to 365 days; nearest: 0\.001"),
    ({**JOBS, "jobs_per_caller": 2.5}, r"jobs_per_caller is 2\.5; it must be a whole number"),
    (
        {**JOBS, "job_files": ["gs://acme-jobs/in"]},
        r"job_files has 'gs://acme-jobs/in'; a prefix of files ends in /, .*; nearest: gs://acme-jobs/in/",
    ),
    (
        {**JOBS, "job_files": ["file:/srv/"]},
        r"job_files has 'file:/srv/'; a prefix of files ends in /, such as",
    ),
    ({**JOBS, "job_files": ["gs://acme-jobs/../other/"]}, r"job_files has 'gs://acme-jobs/\.\./other/'"),
    (
        {**JOBS, "job_results": "gs://acme-jobs"},
        r"job_results is 'gs://acme-jobs'; .*; nearest: gs://acme-jobs/",
    ),
    (
        {**JOBS, "webhook_hosts": ["https://hooks.example.com"]},
        r"webhook_hosts has 'https://hooks\.example\.com'; name a host alone",
    ),
    ({**JOBS, "webhook_hosts": ["10.0.0.1"]}, r"webhook_hosts has '10\.0\.0\.1'; name a host alone"),
    (
        {**JOBS, "webhook_hosts": ["hooks.example.com"]},
        r"webhook_hosts is given, but nothing signs what is sent; give JOBS_WEBHOOK_SECRET in `secrets`",
    ),
    ({**JOBS, "serving": "kserve"}, r"jobs is true with KServe, whose pods are its own; set `serving`"),
    ({"env": {"JOBS_DATABASE": "sqlite:////a"}}, r"env has JOBS_DATABASE, which the service itself sets"),
]
