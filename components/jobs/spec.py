"""What a service does with jobs, complete, and the environment by which its processes know. Pure.

Memory is in GiB, times are in days as far as a person writes them.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Self

from ..declared import argument, read_into
from ..spec import InferenceServiceSpec
from .args import WorkersArgs

_DAY_SECONDS = 86_400
# service/settings.py: the address of the database, which is a secret on every target.
DATABASE = "JOBS_DATABASE"
# The key that signs webhooks; the one who runs the receiver knows it too.
WEBHOOK_SECRET = "JOBS_WEBHOOK_SECRET"  # noqa: S105  its name
WORKER, SERVER = "worker", "server"


@dataclass(frozen=True, slots=True)
class JobsSpec:
    """The arguments of jobs, checked by rules.jobs_faults.

    given: names of the arguments that were given. jobs: whether the service takes any.
    """

    given: frozenset[str]
    worker_cpu: float
    worker_memory_gib: float
    jobs: bool = argument(default=False)
    jobs_database: str = argument("")
    min_workers: float = argument(1)
    max_workers: float = argument(3)
    job_ttl_days: float = argument(7)
    jobs_per_caller: float = argument(1000)
    job_files: tuple[str, ...] = argument(())
    job_results: str = argument("")
    webhook_hosts: tuple[str, ...] = argument(())

    @classmethod
    def read(
        cls,
        args: Mapping[str, Any],
        service: InferenceServiceSpec,
        given: Set[str] | None = None,
    ) -> Self:
        """Fill in the defaults, a worker's size from the service's; the caller has checked the types.

        given: names of the arguments that were given, where a target has defaults of its own among `args`.
        """
        names = args.keys() if given is None else given
        return read_into(
            cls,
            args,
            given=frozenset(names & WorkersArgs.__annotations__.keys()),
            worker_cpu=args.get("worker_cpu", service.cpu),
            worker_memory_gib=args.get("worker_memory_gib", service.memory_gib),
        )

    @property
    def scales(self) -> bool:
        """Return whether the number of workers can follow the queue."""
        return self.max_workers > self.min_workers

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return every prefix below which files are read or written."""
        return (*self.job_files, *filter(None, [self.job_results]))

    def buckets(self, scheme: str) -> tuple[str, ...]:
        """Return the names of the buckets of one cloud, each once. scheme: `gs://` or `s3://`."""
        found = (prefix.removeprefix(scheme) for prefix in self.prefixes if prefix.startswith(scheme))
        return tuple(dict.fromkeys(place.partition("/")[0] for place in found))

    @property
    def environment(self) -> dict[str, str]:
        """Return the plain variables of every process that works with jobs; {} without jobs."""
        if not self.jobs:
            return {}
        found = {
            "JOBS_TTL_SECONDS": f"{round(self.job_ttl_days * _DAY_SECONDS)}",
            "JOBS_PER_CALLER": f"{self.jobs_per_caller:.0f}",
            "JOBS_FILE_PREFIXES": ",".join(self.job_files),
            "JOBS_RESULT_PREFIX": self.job_results,
            "JOBS_WEBHOOK_HOSTS": ",".join(self.webhook_hosts),
        }
        return {name: value for name, value in found.items() if value}

    @property
    def worker_environment(self) -> dict[str, str]:
        """Return the plain variables of a worker, in addition to those of the service."""
        return {"ROLE": WORKER}
