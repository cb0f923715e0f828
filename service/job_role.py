"""Whether a process has to do with jobs; what it needs for them is imported only then."""

from collections.abc import Awaitable, Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from .engine import Engine
from .faults import BadSettings
from .settings import Settings
from .tasks import Operation

if TYPE_CHECKING:
    from .jobs.role import ServerJobs


def jobs_of(
    settings: Settings,
    registry: CollectorRegistry,
    operations: Sequence[Operation],
    engine: Engine,
    model_version: str,
) -> "ServerJobs | None":
    """Return the jobs of this process by its role; None where they are off. Raises BadSettings."""
    if not settings.takes_jobs:
        if settings.role == "worker":
            raise BadSettings(
                "JOBS_DATABASE: not set; allowed with ROLE=worker: the address that the server has."
            )
        return None
    if find_spec("dbos") is None:
        raise BadSettings(
            "JOBS_DATABASE: set, but dbos, which keeps jobs, is not installed. Build the image with "
            "--build-arg JOBS=1, or install service/requirements-jobs.txt."
        )
    from .jobs.role import ServerJobs, Worker

    if settings.role == "worker":
        return Worker(settings, registry, operations, engine, model_version)
    return ServerJobs(settings, registry)


def take_jobs(jobs: "ServerJobs | None") -> None:
    """Let a worker take jobs; a server takes none."""
    if jobs is not None:
        jobs.begin()


def drain_of(jobs: "ServerJobs | None") -> Callable[[float], Awaitable[None]] | None:
    """Return what finishes a worker's jobs within so many seconds; None for a server, which has none."""
    return None if jobs is None else jobs.drain
