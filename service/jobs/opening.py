"""Opens the store of jobs while the server runs: a database that is away keeps nobody from starting.

Until it is open, and while it does not answer, only the routes of jobs say so; the model's go on.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from ..faults import BadSettings, JobsDatabaseUnusable, JobsUnavailable
from ..job_settings import JobSettings
from ..logs import fields, log
from .job import Accepted, Counts, DueWebhook, Job, JobState, NewJob, Page
from .store import JobStore

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 15.0
RETRY_AFTER_SECONDS = 5


class ClosableStore(JobStore, Protocol):
    def close(self) -> None: ...


class OpeningStore:
    """A store that is opened as soon as its database answers; see JobStore."""

    def __init__(
        self,
        open_: Callable[[], ClosableStore],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin without a store. open_: opens it, on a thread. pause: waits between tries."""
        self._open = open_
        self._pause = pause
        self._store: ClosableStore | None = None
        self._opening: asyncio.Task[None] | None = None
        self._reason = "the database of jobs was not reached yet"

    async def begin(self) -> None:
        """Open the store if its database answers; else go on trying. Raises JobsDatabaseUnusable."""
        try:
            self._store = await asyncio.to_thread(self._open)
        except JobsUnavailable as error:
            self._note(error)
            self._opening = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        seconds = FIRST_PAUSE_SECONDS
        while self._store is None:
            await self._pause(seconds)
            seconds = min(2 * seconds, LONGEST_PAUSE_SECONDS)
            try:
                self._store = await asyncio.to_thread(self._open)
            except (JobsUnavailable, JobsDatabaseUnusable) as error:
                self._note(error)
        log.info("The database of jobs answers")

    def _note(self, error: JobsUnavailable | JobsDatabaseUnusable) -> None:
        self._reason = error.detail if isinstance(error, JobsUnavailable) else str(error)
        log.error("Jobs cannot be accepted: %s", self._reason, extra=fields(cause="jobs_unavailable"))

    @property
    def _opened(self) -> ClosableStore:
        if self._store is None:
            raise JobsUnavailable(
                "the database of jobs does not answer; try again", retry_after_seconds=RETRY_AFTER_SECONDS
            )
        return self._store

    async def accept(self, job: NewJob) -> Accepted:
        return await self._opened.accept(job)

    async def get(self, caller: str, id: str, wait_seconds: float = 0) -> Job | None:
        return await self._opened.get(caller, id, wait_seconds)

    async def cancel(self, caller: str, id: str) -> Job | None:
        return await self._opened.cancel(caller, id)

    async def page(
        self, caller: str, state: JobState | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page:
        return await self._opened.page(caller, state, cursor, limit)

    async def counts(self) -> Counts:
        return await self._opened.counts()

    async def due_webhooks(self, limit: int, lease_seconds: float) -> Sequence[DueWebhook]:
        return await self._opened.due_webhooks(limit, lease_seconds)

    async def webhook_tried(self, id: str, again_after_seconds: float | None) -> None:
        await self._opened.webhook_tried(id, again_after_seconds)

    async def end(self) -> None:
        """Stop opening, and let go of the database."""
        if self._opening is not None:
            self._opening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._opening
        if self._store is not None:
            self._store.close()


async def job_store(settings: JobSettings) -> OpeningStore | None:
    """Return the store that the settings name; None without jobs. Raises StartFault."""
    if not settings.takes_jobs:
        return None
    try:
        from .database_store import open_store
    except ModuleNotFoundError as error:
        raise BadSettings(
            f"JOBS_DATABASE is set, but {error.name}, which keeps jobs, is not installed. Build the image "
            "with --build-arg JOBS=1, or install service/requirements-jobs.txt."
        ) from None
    store = OpeningStore(lambda: open_store(settings))
    await store.begin()
    return store
