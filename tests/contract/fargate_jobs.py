"""Services on Fargate that take jobs: valid ones, those that are refused, and their parts for the judges."""

from collections.abc import Iterable
from functools import cache
from typing import Any

from slipway.infra.resources.reading import Resource
from tests.contract.fargate_calls import Made
from tests.contract.fargate_cases import EXISTING, PLAIN, REFERENCE, ROLE, SECRET
from tests.contract.fargate_services import services

JOBS: dict[str, Any] = {"jobs": True}
FILES: dict[str, Any] = {
    "job_files": ["s3://acme-input/texts/", "s3://acme-input/archive/2026/"],
    "job_results": "s3://acme-results/",
}

RIGHT_JOBS: dict[str, dict[str, Any]] = {
    "jobs": {},
    "an existing database": {"jobs_database": REFERENCE, **EXISTING},
    "private subnets": {**EXISTING, "task_subnet_ids": ["subnet-0123456789abcdef2", "subnet-0a1b2c3d"]},
    "endpoints": {"egress": "endpoints"},
    "three zones": {"zones": ["eu-west-1a", "eu-west-1b", "eu-west-1c"]},
    "files": FILES,
    "files with an existing role": {**FILES, "task_role_arn": ROLE},
    "webhooks": {
        "webhook_hosts": ["hooks.example.com"],
        "secrets": {"JOBS_WEBHOOK_SECRET": REFERENCE},
    },
    "none while there is nothing to do": {"min_workers": 0, "max_workers": 40},
    "a fixed number": {"min_workers": 2, "max_workers": 2},
    "large workers on Spot": {"worker_cpu": 4, "worker_memory_gib": 16, "worker_spot": True},
    "numbers of other languages": {"min_workers": 0.0, "max_workers": 5.0, "job_ttl_days": 1.5},
    "a canary": {"rollout": "canary", "request_seconds": 0.05},
    "traces": {"traces": "cloud"},
    "a fetched model": {"model": "s3://models/spam/v2@3sL4kqtJlcpXroDTDmJ", "memory_gib": 4},
    "not watched": {"observability": "off"},
    "watched in full": {"observability": "full", "alert_email": "oncall@example.com"},
    "nothing protected": {"deletion_protection": False},
    "a name with two hyphens": {},
}

WRONG_JOBS: list[tuple[dict[str, Any], str]] = [
    ({"jobs": False, "worker_spot": True}, r"worker_spot is given, but there are none; set `jobs` to true"),
    ({"jobs": False, "min_workers": 1}, r"min_workers is given, but the service takes no jobs"),
    (
        {"worker_cpu": 3},
        r"worker_cpu is 3 with `worker_memory_gib` 2 GiB; Fargate has no 3 vCPU with 2 GiB; nearest: ",
    ),
    (
        {"worker_memory_gib": 64},
        r"worker_memory_gib is 64 with `worker_cpu` 1; Fargate has no 1 vCPU with 64",
    ),
    ({"max_workers": 0}, r"max_workers is 0; it must be from 1 to 1000"),
    ({"min_workers": 5}, r"max_workers is 3, below `min_workers` 5"),
    (
        {"jobs_database": "hush"},
        r"jobs_database is no reference \(its value is not shown\); it must be arn:aws",
    ),
    (
        {"jobs_database": SECRET, "egress": "endpoints"},
        r"egress is endpoints with `jobs_database`; .*or give the database's `vpc_id`",
    ),
    (
        {
            "webhook_hosts": ["hooks.example.com"],
            "secret_values": {"JOBS_WEBHOOK_SECRET": "hush"},
            "egress": "endpoints",
        },
        r"egress is endpoints with `webhook_hosts`; the internet cannot be reached",
    ),
    ({"webhook_hosts": ["hooks.example.com"]}, r"webhook_hosts is given, but nothing signs what is sent"),
    ({"job_files": ["gs://acme/input/"]}, r"job_files has 'gs://acme/input/'; .*such as s3://bucket/input/"),
    ({"job_results": "s3://acme/out"}, r"job_results is 's3://acme/out'; .*nearest: s3://acme/out/"),
    (
        {**EXISTING, "task_subnet_ids": ["subnet-0a1b2c3d"]},
        r"task_subnet_ids is one subnet with `jobs`; a database needs subnets of two zones",
    ),
    ({"env": {"ROLE": "worker"}}, r"env has ROLE, which the service itself sets"),
]


def _of_workers(resource: Resource) -> bool:
    return "-workers-" in resource.name


def _of_jobs(resource: Resource) -> bool:
    return _of_workers(resource) or "-database" in resource.name


class Parts:
    """What a service with jobs creates, as its judges read it.

    service: all that a service without jobs has too. workers: what is theirs. every: all.
    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        all_ = tuple(resources)
        self.service = Made.of(tuple(each for each in all_ if not _of_jobs(each)))
        self.workers = Made.of(tuple(each for each in all_ if _of_workers(each)))
        self.every = Made.of(all_)


@cache
def parts(case: str) -> Parts:
    name = "api--2" if "two hyphens" in case else "api"
    return Parts(services(name, args={**PLAIN, **JOBS, **RIGHT_JOBS[case]}).resources)
