"""The settings of jobs, with the same keys, checks and words on every target."""

from dataclasses import dataclass

from slipway.stacks.settings import checks
from slipway.stacks.settings.setting import Declared, setting


@dataclass(frozen=True, kw_only=True)
class JobSettings(Declared):
    """The settings of jobs on every target."""

    jobs: bool | None = setting(
        "jobs", checks.flag(), "Whether the service takes jobs, which workers run after the request ended."
    )
    worker_memory_gib: float | None = setting(
        "workerMemory",
        checks.size("a Kubernetes quantity from 64Mi to 1Ti, such as 512Mi or 2Gi"),
        "Memory limit of one worker.",
        unit="bytes",
        unset="`memory`",
    )
    job_ttl_days: float | None = setting(
        "jobTtlDays",
        checks.number(0.001, 365),
        "How long a job lives after its end, with its input and its result.",
        unit="days",
    )
    jobs_per_caller: int | None = setting(
        "jobsPerCaller", checks.whole(1, 1_000_000), "Open jobs that one caller may have.", unit="jobs"
    )
    job_files: tuple[str, ...] = setting(
        "jobFiles",
        checks.texts('prefixes of files, each with a / at its end, such as ["gs://bucket/input/"]'),
        "Where files are that a job may name.",
        unset="nowhere",
    )
    job_results: str = setting(
        "jobResults",
        checks.like(
            r"(gs://|s3://|file:/)[!-~]*", "a prefix with a / at its end, such as gs://bucket/results/"
        ),
        "Where results go that are too large for the database.",
        unset="nowhere: their jobs fail",
    )
    webhook_hosts: tuple[str, ...] = setting(
        "webhookHosts",
        checks.texts('host names, such as ["hooks.example.com"]'),
        "Hosts that the service may report a job's end to, over https.",
        unset="none",
    )


@dataclass(frozen=True, kw_only=True)
class WorkerSettings(JobSettings):
    """The settings of jobs in a cloud, where workers are a service of their own."""

    jobs_database: str = setting(
        "jobsDatabase",
        checks.like(r"[!-~]+", "`projects/<project>/secrets/<name>/versions/<number>`, or a secret's ARN"),
        "Existing secret with the address of the PostgreSQL database that keeps jobs.",
        unset="a database is created",
    )
    min_workers: int | None = setting(
        "minWorkers", checks.whole(0, 1000), "Workers that always run.", unit="workers"
    )
    max_workers: int | None = setting(
        "maxWorkers", checks.whole(1, 1000), "Maximum number of workers.", unit="workers"
    )
    worker_cpu: float | None = setting(
        "workerCpu", checks.number(0.08, 64), "CPU of one worker.", unit="vCPU", unset="`cpu`"
    )
