"""Checks of jobs on Fargate, beyond those of every target: the workers' size, database, files. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from ...aws.secrets import SecretReference
from ...fault import Fault
from ...input_rules import unpinned_secret
from ...jobs.rules import AMAZON, jobs_faults
from ..args import Egress
from ..size_rules import task_faults
from ..spec import FargateSpec, SubnetIds
from .database import CONNECTIONS, ZONES
from .files import KEEP, READ
from .workers import workers_spec

# service/jobs/role.py: of a server; and of a worker, with those of the library that runs jobs.
_OF_A_SERVER, _OF_A_WORKER = 4, 9 + 5
_WORDS = {"cpu": "worker_cpu", "memory_gib": "worker_memory_gib"}


def worker_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield why jobs would not be taken, kept or worked on."""
    secrets = {*spec.service.secrets, *spec.secret_values}
    yield from (faults := list(jobs_faults(spec.jobs, secrets, (AMAZON,))))
    if not spec.jobs.jobs:
        if "worker_spot" in spec.given:
            yield Fault("worker_spot", "given", "set `jobs` to true, or leave it out", ", but there are none")
        return
    if not {fault.root for fault in faults} & {*_WORDS.values()}:
        yield from _size_faults(spec)
    yield from _database_faults(spec)
    if spec.own_network and spec.egress is Egress.ENDPOINTS:
        yield from _unreachable_faults(spec)


def _size_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield why Fargate has no worker of this size; one of the service's own size is its fault."""
    if not spec.given & {*_WORDS.values()}:
        return
    for fault in task_faults(workers_spec(spec)):
        reason = fault.reason
        for word, worker_word in _WORDS.items():
            reason = reason.replace(f"`{word}`", f"`{worker_word}`")
        yield replace(fault, argument=_WORDS.get(fault.argument, fault.argument), reason=reason)


def _database_faults(spec: FargateSpec) -> Iterator[Fault]:
    if not spec.jobs.jobs_database:
        yield from _subnet_faults(spec)
        return
    try:
        SecretReference.parse(spec.jobs.jobs_database)
    except ValueError as error:
        yield Fault("jobs_database", "no reference (its value is not shown)", f"{error}")


def _subnet_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield why RDS could not place a database; whether subnets are in two zones, AWS alone knows."""
    for name in ("task_subnet_ids", "subnet_ids"):
        given: SubnetIds = getattr(spec, name)
        if isinstance(given, tuple) and given:
            if len(given) < ZONES:
                allowed = "a database needs subnets of two zones: name another, or give `jobs_database`"
                yield Fault(name, "one subnet", allowed, "with `jobs`")
            return


def _unreachable_faults(spec: FargateSpec) -> Iterator[Fault]:
    """Yield what tasks could not reach from subnets without access to the internet."""
    allowed = "the internet cannot be reached from there: take public-address, or leave it out"
    if spec.jobs.webhook_hosts:
        yield Fault("egress", spec.egress.value, allowed, "with `webhook_hosts`")
    if spec.jobs.jobs_database:
        reason = "with `jobs_database`"
        yield Fault("egress", spec.egress.value, f"{allowed}, or give the database's `vpc_id`", reason)


def connections_of(spec: FargateSpec) -> int:
    """Return how many connections all tasks may hold at once; a rollout adds those of new ones."""
    workers = int(spec.jobs.max_workers) * _OF_A_WORKER
    return int(spec.service.max_replicas) * _OF_A_SERVER + workers


def worker_warnings(spec: FargateSpec) -> Iterator[str]:
    """Warn of what is allowed of jobs but needs attention."""
    jobs = spec.jobs
    if not jobs.jobs:
        return
    if jobs.jobs_database and not SecretReference.parse(jobs.jobs_database).is_pinned:
        yield unpinned_secret("the reference in `jobs_database`", "tasks")
    if not jobs.jobs_database and (needed := connections_of(spec)) > CONNECTIONS:
        yield (
            f"{spec.service.max_replicas} instances and {jobs.max_workers:g} workers hold up to {needed} "
            f"connections to the database of jobs; the one that is created takes {CONNECTIONS}. Lower "
            "`max_replicas` or `max_workers`, or give `jobs_database` of a larger one."
        )
    if jobs.jobs_database and spec.own_network:
        yield (
            "the database of `jobs_database` must let the tasks' public addresses in, which change: better "
            "run the service in the database's network, with `vpc_id`."
        )
    if jobs.prefixes and spec.task_role_arn is not None:
        yield (
            "`task_role_arn` is an existing role, whose rights are its owner's: for jobs it must allow "
            f"{' and '.join(READ)} below `job_files`, and {', '.join(KEEP)} below `job_results`."
        )
