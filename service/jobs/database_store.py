"""The store of jobs on SQLite or PostgreSQL, through DBOS."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOSClient

from ..faults import JobsDatabaseUnusable, JobsUnavailable
from ..job_settings import JobVariables
from . import durable, reading, webhook_rows
from .accepting import Acceptance
from .cancelling import cancelled
from .database import address_of, engine_of, is_refused, passes, reason_of, unavailable
from .grouping import Grouped
from .job import Accepted, DueWebhook, Job, JobCounts, JobState, NewJob, Page
from .schema import prepare
from .transactions import writing
from .waiting import Ends

T = TypeVar("T")
Connect = Callable[[], AbstractContextManager[sa.Connection]]

# Of the pool: one for what is accepted, the others for what is read.
READERS = 3


class DatabaseStore:
    """The store of one process; see JobStore."""

    def __init__(self, url: sa.URL, engine: sa.Engine, jobs_per_caller: int, ttl_seconds: int) -> None:
        self._url = url
        self._engine = engine
        self._is_prepared = False
        self._preparing = threading.Lock()
        self._ttl_seconds = ttl_seconds
        self._client = durable.client_of(engine)
        accepting = Acceptance(engine, self._client, jobs_per_caller)
        self._accepting = Grouped("accepting jobs", partial(self._all_or_unavailable, accepting.accept))
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="reading jobs")
        self._ends = Ends(lambda ids: self._read(lambda connection: reading.ended_of(connection, ids)))
        self.accepted = 0
        """Jobs that were accepted, without those that were there."""
        self.cancelled = 0

    @property
    def engine(self) -> sa.Engine:
        return self._engine

    @property
    def client(self) -> DBOSClient:
        return self._client

    async def accept(self, job: NewJob) -> Accepted:
        accepted = await self._accepting.do(job)
        self.accepted += not accepted.existed
        return accepted

    async def get(self, caller: str, id: str, wait_seconds: float = 0) -> Job | None:
        job = await self._read(lambda connection: reading.found(connection, caller, id))
        if job is None or not job.state.is_open or wait_seconds <= 0:
            return job
        await self._ends.wait(id, wait_seconds)
        return await self._read(lambda connection: reading.found(connection, caller, id))

    async def cancel(self, caller: str, id: str) -> Job | None:
        job, was_open = await self._write(
            lambda connection: cancelled(connection, caller, id, self._ttl_seconds)
        )
        self.cancelled += was_open
        self._ends.ended(id)
        return job

    async def page(
        self, caller: str, state: JobState | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        return await self._read(lambda connection: reading.page(connection, caller, state, cursor, limit))

    async def counts(self) -> JobCounts:
        return await self._read(reading.counts)

    async def due_webhooks(self, limit: int, lease_seconds: float) -> Sequence[DueWebhook]:
        return await self._write(lambda connection: webhook_rows.lease(connection, limit, lease_seconds))

    async def webhook_tried(self, id: str, again_after_seconds: float | None) -> None:
        await self._write(lambda connection: webhook_rows.settle(connection, id, again_after_seconds))

    def close(self) -> None:
        """Let go of the database; what has been accepted is committed."""
        self._accepting.stop()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._client.destroy()

    def prepare(self) -> None:
        """Create the tables, or bring them up to date. It blocks, and is done later where it raises.

        Raises JobsDatabaseUnusable, and JobsUnavailable while the database does not answer.
        """
        with self._preparing:
            if self._is_prepared:
                return
            try:
                durable.migrate(self._url)
                prepare(self._engine)
            except Exception as error:
                if is_refused(error):
                    raise JobsDatabaseUnusable(f"JOBS_DATABASE: {reason_of(error)}") from None
                if passes(error):
                    raise unavailable(error) from error
                raise
            self._is_prepared = True

    async def _read(self, act: Callable[[sa.Connection], T]) -> T:
        return await self._on_thread(self._engine.connect, act)

    async def _write(self, act: Callable[[sa.Connection], T]) -> T:
        return await self._on_thread(partial(writing, self._engine), act)

    async def _on_thread(self, connect: Connect, act: Callable[[sa.Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._done, connect, act)

    def _done(self, connect: Connect, act: Callable[[sa.Connection], T]) -> T:
        self.prepare()
        try:
            with connect() as connection:
                return act(connection)
        except Exception as error:
            if passes(error):
                raise unavailable(error) from error
            raise

    def _all_or_unavailable(
        self, accept: Callable[[Sequence[NewJob]], Sequence[Accepted | Exception]], jobs: Sequence[NewJob]
    ) -> Sequence[Accepted | Exception]:
        """Accept a group; a database that is away refuses all of it, so that they are not tried singly."""
        try:
            self.prepare()
            return accept(jobs)
        except JobsUnavailable as fault:
            return [fault] * len(jobs)
        except Exception as error:
            if not passes(error):
                raise
            return [unavailable(error)] * len(jobs)


def store_of(settings: JobVariables, connections: int = READERS + 1) -> DatabaseStore:
    """Return the store that the settings name; nothing connects yet. Raises BadSettings.

    connections: maximum of the database that it, and what shares its engine, has open.
    """
    url = url_of(settings)
    return DatabaseStore(
        url, engine_of(url, connections), settings.jobs_per_caller, settings.jobs_ttl_seconds
    )


def url_of(settings: JobVariables) -> sa.URL:
    """Return the address of the database. Raises BadSettings if it cannot be read."""
    password = settings.jobs_database_password.get_secret_value()
    return address_of(settings.jobs_database.get_secret_value(), password)
