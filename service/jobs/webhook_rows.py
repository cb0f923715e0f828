"""Which ended jobs have a webhook to be sent; the row keeps when, so that a restart forgets none."""

from collections.abc import Sequence

import sqlalchemy as sa

from .database import now
from .job import DueWebhook
from .reading import WHOLE, job_of
from .schema import JOBS


def lease(connection: sa.Connection, limit: int, lease_seconds: float) -> Sequence[DueWebhook]:
    """Take up to `limit` that are due; each is due again after the lease."""
    due = (
        sa.select(JOBS.c.id)
        .where(JOBS.c.webhook_due <= now())
        .order_by(JOBS.c.webhook_due)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = connection.execute(due).scalars().all()
    if not ids:
        return ()
    is_taken = JOBS.c.id.in_(ids)
    connection.execute(sa.update(JOBS).where(is_taken).values(webhook_due=now() + lease_seconds))
    rows = connection.execute(sa.select(*WHOLE).where(is_taken))
    jobs = {row.id: job_of(row) for row in rows}
    webhooks = connection.execute(sa.select(JOBS.c.id, JOBS.c.webhook, JOBS.c.webhook_tries).where(is_taken))
    return [DueWebhook(jobs[row.id], row.webhook, row.webhook_tries) for row in webhooks]


def settle(connection: sa.Connection, id: str, again_after_seconds: float | None) -> None:
    """Count a try of a webhook and plan the next one, if there is to be one."""
    due = None if again_after_seconds is None else now() + again_after_seconds
    update = sa.update(JOBS).where(JOBS.c.id == id)
    connection.execute(update.values(webhook_due=due, webhook_tries=JOBS.c.webhook_tries + 1))
