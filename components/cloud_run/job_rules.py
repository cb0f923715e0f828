"""Checks of jobs on Cloud Run: the number and size of workers, and where the database is. Pure."""

import math
import re
from collections.abc import Iterator

from ..fault import Fault
from ..google.cloud_sql import base_name, fits_a_socket
from ..google.limits import PROJECT, REGION
from ..google.secrets import SecretReference
from ..input_rules import unpinned_secret
from ..jobs.rules import AMAZON, GOOGLE, jobs_faults
from ..model_address import AWS_CREDENTIALS
from ..sizes import CLOUD_RUN_MIB, MIB_OF_A_GIB
from . import limits
from .spec import CloudRunSpec

# cloud.google.com/sql/docs/postgres/connect-run: the connection name. A project may have a domain before it.
_INSTANCE = re.compile(rf"({PROJECT.pattern}):({REGION.pattern}):[a-z]([a-z0-9-]*[a-z0-9])?")
_DRAWN = "-" + "0" * 8


def job_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    """Yield what is wrong with the arguments of jobs."""
    yield from jobs_faults(spec.jobs, {*spec.service.secrets, *spec.secret_values})
    if not spec.jobs.jobs:
        if spec.jobs_database_instance:
            allowed = "set `jobs` to true, or leave it out"
            yield Fault("jobs_database_instance", "given", allowed, ", but the service takes no jobs")
        return
    yield from _number_faults(spec)
    yield from _size_faults(spec)
    yield from _reference_faults(spec)
    yield from _instance_faults(spec)


def _number_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    """Yield why a range of workers is refused: docs/adr/20261130-workers-on-cloud-run.md."""
    jobs = spec.jobs
    if jobs.scales and "max_workers" in jobs.given:
        least = max(jobs.min_workers, 1)
        allowed = (
            "a worker pool of Cloud Run has a fixed number of instances, and no autoscaler of its own: set "
            "`min_workers` to the number that is to run, and leave this out; GKE scales workers by the queue"
        )
        reason = f", above `min_workers` {jobs.min_workers:g}"
        if jobs.max_workers > least:
            yield Fault("max_workers", f"{jobs.max_workers:g}", allowed, reason, least)


def _size_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    cpu, gib = spec.jobs.worker_cpu, spec.jobs.worker_memory_gib
    gpu = limits.GPUS.get(spec.service.gpu)
    if not (math.isfinite(cpu) and math.isfinite(gib)) or (spec.service.gpu and gpu is None):
        return  # named by other checks
    mib = gib * MIB_OF_A_GIB
    if mib != int(mib):
        allowed, nearest = "it must be whole MiB", max(round(mib), limits.WORKER_MIB) / MIB_OF_A_GIB
        yield Fault("worker_memory_gib", f"{gib:.10g}", allowed, f", which is {mib:.10g} MiB", nearest)
    if gpu is not None:
        yield from _gpu_size_faults(spec, gpu, mib)
    if spec.service.gpu == limits.LARGE_GPU:
        return
    if cpu not in CLOUD_RUN_MIB:
        allowed = f"a worker on Cloud Run has {', '.join(map(str, CLOUD_RUN_MIB))} vCPU"
        nearest = min(CLOUD_RUN_MIB, key=lambda whole: abs(whole - cpu))
        yield Fault("worker_cpu", f"{cpu:g}", allowed, nearest=nearest)
        return
    least, most = CLOUD_RUN_MIB[int(cpu)]
    least = max(least, limits.WORKER_MIB)
    if not least <= mib <= most:
        allowed = f"a worker has from {least / MIB_OF_A_GIB:g} to {most / MIB_OF_A_GIB:g} GiB"
        nearest = (most if mib > most else least) / MIB_OF_A_GIB
        yield Fault("worker_memory_gib", f"{gib:.10g}", allowed, f"with `worker_cpu` {cpu:g}", nearest)


def _gpu_size_faults(spec: CloudRunSpec, gpu: limits.Gpu, mib: float) -> Iterator[Fault]:
    reason, cpu = f"with `gpu` {spec.service.gpu}, which a worker has too", spec.jobs.worker_cpu
    if cpu < gpu.cpu:
        yield Fault("worker_cpu", f"{cpu:g}", f"it takes at least {gpu.cpu} vCPU", reason, gpu.cpu)
    if mib < gpu.memory_mib:
        least = gpu.memory_mib / MIB_OF_A_GIB
        given = f"{spec.jobs.worker_memory_gib:.10g}"
        yield Fault("worker_memory_gib", given, f"it takes at least {least:g} GiB", reason, least)


def _reference_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    if not spec.jobs.jobs_database:
        return
    try:
        SecretReference.parse(spec.jobs.jobs_database)
    except ValueError as error:
        yield Fault("jobs_database", "no reference", str(error), "(its value is not shown)")


def _instance_faults(spec: CloudRunSpec) -> Iterator[Fault]:
    named = spec.jobs_database_instance
    if named and not spec.jobs.jobs_database:
        allowed = "name the secret with the address in `jobs_database` too, or leave this out"
        yield Fault("jobs_database_instance", repr(named), allowed, ", whose user and password are unknown")
    elif named and not _INSTANCE.fullmatch(named):
        allowed = "allowed is the connection name, such as acme-ml:europe-west4:shared"
        yield Fault("jobs_database_instance", repr(named), allowed)
    elif named and not fits_a_socket(named):
        yield Fault("jobs_database_instance", repr(named), "the path of its socket must have 107 bytes")
    elif not spec.jobs.jobs_database and isinstance(spec.project, str):
        made = f"{spec.project}:{spec.region}:{base_name(spec.name)}{_DRAWN}"
        if not fits_a_socket(made):
            allowed = (
                "with it the path of the database's socket is longer than 107 bytes: name an existing "
                "database by its network address in `jobs_database`"
            )
            yield Fault("project", repr(spec.project), allowed)


def job_warnings(spec: CloudRunSpec) -> Iterator[str]:
    """Yield what jobs may lack, for reasons outside the arguments."""
    jobs = spec.jobs
    if not jobs.jobs:
        return
    if jobs.min_workers == 0:
        yield "no worker runs, with `min_workers` 0: jobs are kept, and wait until there is one."
    if jobs.jobs_database and not SecretReference.parse(jobs.jobs_database).is_pinned:
        yield unpinned_secret("the reference in `jobs_database`", "instances")
    given = {*spec.service.env, *spec.service.secrets, *spec.secret_values}
    if any(prefix.startswith(AMAZON) for prefix in jobs.prefixes) and not given.issuperset(AWS_CREDENTIALS):
        yield f"files of jobs in S3 need AWS credentials; give {' and '.join(AWS_CREDENTIALS)} in `secrets`."
    for bucket in jobs.buckets(GOOGLE):
        yield (
            f"workers are let into parts of the bucket {bucket}, which takes uniform bucket-level access: "
            f"`gcloud storage buckets update gs://{bucket} --uniform-bucket-level-access`."
        )
    if spec.service.gpu and jobs.min_workers:
        yield (
            f"each worker has a GPU of its own: the quota must hold {jobs.min_workers:g} {spec.service.gpu} "
            "more."
        )
