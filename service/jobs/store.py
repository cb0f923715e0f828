"""What the server and the workers can do with jobs; the same on SQLite and on PostgreSQL."""

from collections.abc import Sequence
from typing import Protocol

from .job import Accepted, DueWebhook, Job, JobCounts, JobState, NewJob, Page


class JobStore(Protocol):
    """Keeps jobs in a database. Its methods belong to the event loop's thread and do not block it.

    Each raises JobsUnavailable (503 with Retry-After) while the database does not answer or its disk is full.
    """

    async def accept(self, job: NewJob) -> Accepted:
        """Keep a job; when this returns, it is committed.

        Raises KeyConflict where the caller's idempotency key brought another route or input before, and
        TooManyJobs where the caller has JOBS_PER_CALLER open jobs.
        """
        ...

    async def get(self, caller: str, id: str, wait_seconds: float = 0) -> Job | None:
        """Return the job with its result; None if this caller has none of that id.

        wait_seconds: return when the job has ended, or after so long.
        """
        ...

    async def cancel(self, caller: str, id: str) -> Job | None:
        """Cancel an open job and return it; one that has ended is returned as it is."""
        ...

    async def page(
        self, caller: str, state: JobState | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        """Return the caller's jobs, the newest first. Raises InvalidInput for a cursor that is none."""
        ...

    async def counts(self) -> JobCounts: ...

    async def due_webhooks(self, limit: int, lease_seconds: float) -> Sequence[DueWebhook]:
        """Lease ended jobs whose caller is to be told; they come again after the lease unless settled."""
        ...

    async def webhook_tried(self, id: str, again_after_seconds: float | None) -> None:
        """Settle a leased webhook: it was delivered or is given up (None), or is to be tried again later."""
        ...
