"""Cancels a job; a worker that computes it notices and stops."""

import sqlalchemy as sa

from . import reading
from .database import now
from .job import Job, JobState
from .schema import JOBS


def cancelled(connection: sa.Connection, caller: str, id: str, ttl_seconds: float) -> tuple[Job | None, bool]:
    """Cancel a caller's open job; return what is there then, and whether it was open."""
    is_open = JOBS.c.state.in_(("waiting", "running"))
    update = (
        sa.update(JOBS)
        .where(JOBS.c.id == id, JOBS.c.caller == caller, is_open)
        .values(
            state=JobState.CANCELLED.value,
            owner=None,
            ended=now(),
            expires=now() + ttl_seconds,
            webhook_due=sa.case((JOBS.c.webhook.isnot(None), now()), else_=None),
        )
    )
    was_open = connection.execute(update).rowcount == 1
    return reading.found(connection, caller, id), was_open
