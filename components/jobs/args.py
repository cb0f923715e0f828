"""The arguments of a service that takes jobs, and of the workers that run them."""

from typing import NotRequired, TypedDict


class JobsArgs(TypedDict):
    """The arguments of jobs on every target."""

    jobs: NotRequired[bool]
    """Whether the service takes jobs, which workers run. The image needs the build argument JOBS. Default
    false."""
    worker_memory_gib: NotRequired[float]
    """Memory per worker in GiB. Default that of an instance."""
    job_ttl_days: NotRequired[float]
    """Days that a job lives after its end, with its input and its result. Default 7."""
    jobs_per_caller: NotRequired[int]
    """Open jobs that one caller may have. Default 1000."""
    job_files: NotRequired[list[str]]
    """Prefixes below which a job may name files, each with a / at its end, such as `gs://bucket/input/`.
    Default none."""
    job_results: NotRequired[str]
    """Such a prefix for results that are too large for the database. Default none: their jobs fail."""
    webhook_hosts: NotRequired[list[str]]
    """Hosts that the service may report a job's end to, over https; the secret JOBS_WEBHOOK_SECRET signs what
    they get. Default none."""


class WorkersArgs(JobsArgs):
    """The arguments of jobs in a cloud, where workers are a service of their own."""

    jobs_database: NotRequired[str]
    """The cloud's own reference to an existing secret with the address of a PostgreSQL database, which is not
    changed. Default: a database is created."""
    min_workers: NotRequired[int]
    """Workers that always run. Default 1."""
    max_workers: NotRequired[int]
    """Maximum number of workers. Default 3."""
    worker_cpu: NotRequired[float]
    """vCPU per worker. Default that of an instance."""
