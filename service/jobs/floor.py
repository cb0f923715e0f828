"""Lets a job that may have ended its worker before run with no other job in the process.

Otherwise the others that run by chance at the same time would count as many tries, and be set aside with it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Floor:
    """Many jobs at a time, or one alone. Event loop's thread."""

    def __init__(self) -> None:
        self._changed = asyncio.Condition()
        self._shared = 0
        self._is_alone = False
        self._want_alone = 0

    @asynccontextmanager
    async def place(self, alone: bool) -> AsyncGenerator[None]:
        """Hold a place while a job runs."""
        async with self._changed:
            await (self._alone() if alone else self._with_others())
        try:
            yield
        finally:
            async with self._changed:
                if alone:
                    self._is_alone = False
                else:
                    self._shared -= 1
                self._changed.notify_all()

    async def _alone(self) -> None:
        self._want_alone += 1
        try:
            await self._changed.wait_for(lambda: not self._is_alone and not self._shared)
        finally:
            self._want_alone -= 1
        self._is_alone = True

    async def _with_others(self) -> None:
        await self._changed.wait_for(lambda: not self._is_alone and not self._want_alone)
        self._shared += 1
