"""A worker's reads and writes, in groups, which wait for a database that is away."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa

from . import claims
from .claims import Claim, Outcome, Waiting
from .grouping import Grouped
from .transactions import Patience, writing

T = TypeVar("T")


class Records:
    """The jobs of one worker in the database. Event loop's thread.

    Its methods raise Away if the process ends before the database is back.
    """

    def __init__(self, engine: sa.Engine, executor: str, ttl_seconds: float, patience: Patience) -> None:
        self._engine = engine
        self._executor = executor
        self._ttl_seconds = ttl_seconds
        self._patience = patience
        self._looks = Grouped[str, Waiting | None]("looking at jobs", self._looked)
        self._begins = Grouped[str, Claim | None]("beginning jobs", self._begun)
        self._ends = Grouped[tuple[Claim, Outcome], bool]("ending jobs", self._ended)

    async def look(self, id: str) -> Waiting | None:
        """Return an open job; None if it has ended or is gone."""
        return await self._looks.do(id)

    async def begin(self, id: str) -> Claim | None:
        """Take a job; None if it does not wait any more."""
        return await self._begins.do(id)

    async def end(self, claim: Claim, outcome: Outcome) -> bool:
        """Record how a job ended; False if it is this attempt's no more."""
        return await self._ends.do((claim, outcome))

    async def again(self, claim: Claim) -> Claim | None:
        """Begin another attempt; None if the job is lost."""
        is_held = await asyncio.to_thread(self._write, lambda connection: claims.again(connection, claim))
        return replace(claim, attempt=claim.attempt + 1) if is_held else None

    async def hand_back(self, held: Sequence[Claim]) -> None:
        """Let jobs wait for another worker."""
        await asyncio.to_thread(self._write, lambda connection: claims.hand_back(connection, held))

    def _write(self, act: Callable[[sa.Connection], T]) -> T:
        def once() -> T:
            with writing(self._engine) as connection:
                return act(connection)

        return self._patience.until_back(once)

    def _looked(self, ids: Sequence[str]) -> Sequence[Waiting | None]:
        def once() -> dict[str, Waiting]:
            with self._engine.connect() as connection:
                return claims.waiting(connection, set(ids), self._executor)

        found = self._patience.until_back(once)
        return [found.get(id) for id in ids]

    def _begun(self, ids: Sequence[str]) -> Sequence[Claim | None]:
        return self._write(lambda connection: [self._begin(connection, id) for id in ids])

    def _begin(self, connection: sa.Connection, id: str) -> Claim | None:
        attempt = claims.begin(connection, id, self._executor)
        return None if attempt is None else claims.claimed(connection, id, self._executor, attempt)

    def _ended(self, ends: Sequence[tuple[Claim, Outcome]]) -> Sequence[bool]:
        return self._write(
            lambda connection: [
                claims.end(connection, claim, outcome, self._ttl_seconds) for claim, outcome in ends
            ]
        )
