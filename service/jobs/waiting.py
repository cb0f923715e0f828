"""Requests that wait for the end of a job share one look at the database."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection

# What a client that waits may notice; one look for all who wait.
LOOK_SECONDS = 0.2


class Ends:
    """Tells who waits for a job that it has ended. Event loop's thread.

    look: returns which of these jobs are not open any more; an error of it is nobody's end.
    """

    def __init__(self, look: Callable[[Collection[str]], Awaitable[set[str]]]) -> None:
        self._look = look
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._looking: asyncio.Task[None] | None = None

    async def wait(self, id: str, seconds: float) -> None:
        """Return when the job has ended, or after so long."""
        event = asyncio.Event()
        self._waiting.setdefault(id, set()).add(event)
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_while_waited_for())
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()
        finally:
            waiting = self._waiting.get(id, set())
            waiting.discard(event)
            if not waiting:
                self._waiting.pop(id, None)

    def ended(self, id: str) -> None:
        """Wake who waits for this job."""
        for event in self._waiting.get(id, ()):
            event.set()

    async def _look_while_waited_for(self) -> None:
        try:
            while self._waiting:
                with contextlib.suppress(Exception):  # the request itself tells what is wrong when it reads
                    for id in await self._look(tuple(self._waiting)):
                        self.ended(id)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._looking = None
