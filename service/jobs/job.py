"""What a job is: what a caller hands in, what becomes of it, and what is shown of it.

Times are seconds since 1970 by the database's clock. Bodies, results and problems are JSON as bytes: nothing
here reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class JobState(StrEnum):
    WAITING = "waiting"
    """Accepted, or handed back by a worker, and not begun."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Ended with a problem that another try would not change, or after the last try."""
    CANCELLED = "cancelled"
    SET_ASIDE = "set_aside"
    """Its worker ended while it ran, as often as JOBS_MAX_ATTEMPTS allows: nothing takes it up again."""

    @property
    def is_open(self) -> bool:
        return self in OPEN


OPEN = frozenset({JobState.WAITING, JobState.RUNNING})


@dataclass(frozen=True, slots=True)
class OneInput:
    """One body of the task's route; the result is the route's answer."""

    body: bytes


@dataclass(frozen=True, slots=True)
class ListInput:
    """Several bodies, computed one after the other.

    The result is a JSON list with an element for each in the order of the input: the route's answer, or
    `{"problem": …}` with the problem document of a body that was refused.
    """

    bodies: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class FileInput:
    """A file of rows, each a body; the answers are written to another file."""

    source: str
    """Address below one of JOBS_FILE_PREFIXES."""
    output: str
    """Address of the file with the answers, below one of JOBS_FILE_PREFIXES."""
    format: str = ""
    """`jsonl` or `csv`; empty: as the address ends."""


Input = OneInput | ListInput | FileInput


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as a caller hands it in, checked already."""

    caller: str
    route: str
    """Path of the task's operation, such as `/predict`."""
    input: Input
    priority: int = 0
    """0 is usual, 1 and above wait behind it, up to 100; the smaller goes first."""
    idempotency_key: str | None = None
    """The same key of the same caller is the same job."""
    webhook: str | None = None
    """https address that is told of the end; checked against JOBS_WEBHOOK_HOSTS already."""


@dataclass(frozen=True, slots=True)
class Accepted:
    id: str
    existed: bool
    """Whether the idempotency key had brought this job before."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its caller may see it."""

    id: str
    caller: str
    route: str
    state: JobState
    done: int
    """Bodies or rows that are computed."""
    total: int | None
    """Bodies or rows in all; None where a file is not counted yet."""
    attempts: int
    """How often a worker began it."""
    created: float
    started: float | None
    """When a worker last began it."""
    ended: float | None
    expires: float | None
    """When the job, its input and its result are deleted; None while it is open."""
    priority: int
    result: bytes | None = None
    """JSON of the answer, where it succeeded and is in the database."""
    result_file: str | None = None
    """Address of the answer, where it is in a file."""
    problem: bytes | None = None
    """Problem document (RFC 9457), where it failed or was set aside."""


@dataclass(frozen=True, slots=True)
class Page:
    jobs: Sequence[Job]
    """Without their results."""
    cursor: str | None
    """What to pass for the next page; None on the last."""


@dataclass(frozen=True, slots=True)
class JobCounts:
    """What is in the database now, of all callers."""

    waiting: int
    running: int
    set_aside: int
    oldest_seconds: float
    """Age of the job that has waited longest; 0 where none waits."""


@dataclass(frozen=True, slots=True)
class DueWebhook:
    """A job that has ended and whose caller has not been told, leased to who asked."""

    job: Job
    """With its result."""
    address: str
    tries: int
    """How often it was sent before."""
