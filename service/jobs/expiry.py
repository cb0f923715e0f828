"""Deletes jobs whose time is over, with their input, their result and their workflow."""

from collections.abc import Callable

import sqlalchemy as sa
from dbos import DBOSClient

from ..logs import fields, log
from . import durable
from .database import now
from .files import Files
from .schema import INPUTS, JOBS
from .transactions import writing

AT_ONCE = 500


class Expiry:
    """Deletes what has expired in one database. One thread. expired: told how many were deleted."""

    def __init__(
        self, engine: sa.Engine, client: DBOSClient, files: Files | None, expired: Callable[[int], object]
    ) -> None:
        self._engine = engine
        self._client = client
        self._files = files
        self._expired = expired

    def look(self) -> None:
        """Delete all that has expired, some at a time."""
        while self._delete_some() == AT_ONCE:
            pass

    def _delete_some(self) -> int:
        query = sa.select(JOBS.c.id, JOBS.c.result_file).where(JOBS.c.expires <= now()).limit(AT_ONCE)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return 0
        for row in rows:
            self._delete_file(row.result_file)
        ids = [row.id for row in rows]
        durable.forget(self._client, ids)  # first: what is left of a job that goes halfway is its row
        with writing(self._engine) as connection:
            connection.execute(sa.delete(INPUTS).where(INPUTS.c.id.in_(ids)))
            deleted = connection.execute(sa.delete(JOBS).where(JOBS.c.id.in_(ids))).rowcount
        self._expired(deleted)
        log.info("Deleted jobs whose time is over", extra=fields(jobs=deleted))
        return len(rows)

    def _delete_file(self, address: str | None) -> None:
        if address is None:
            return
        if self._files is None:
            log.warning("The result of an expired job stays: JOBS_RESULT_PREFIX is not set any more")
            return
        self._files.delete_result(address)
