"""Runs the jobs of one worker, from DBOS's start of a workflow to the recorded end of its job.

A workflow returns only when its job has ended in the database: what returns is never started again. So it
waits where another worker has the job, tries again after any error, and never returns where the job is handed
back.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Never

from ..faults import RequestFault
from ..logs import fields, log
from .claims import Claim, Outcome
from .computing import Computing, Headway, failed
from .floor import Floor
from .job import JobState
from .records import Records
from .transactions import Away

# A job that another worker has is looked at again after so long, and one whose try failed by surprise.
LOOK_AGAIN_SECONDS = 1.0
LEAVE_SECONDS = 1.0
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 1.0, 60.0
# A job that ended its worker so often runs alone from then on.
TRIES_WITH_OTHERS = 2
# Told of each end: its state, and the seconds since the job was begun.
Ended = Callable[[JobState, float], object]


@dataclass(slots=True)
class Held:
    """A job that this worker computes."""

    claim: Claim
    progress: Headway
    computing: "asyncio.Task[Outcome]"


class Runner:
    """Runs jobs; event loop's thread."""

    def __init__(self, records: Records, computing: Computing, max_attempts: int, ended: Ended) -> None:
        self._records = records
        self._computing = computing
        self._max_attempts = max_attempts
        self._ended = ended
        self._tries_with_others = min(TRIES_WITH_OTHERS, max(1, max_attempts - 1))
        self._floor = Floor()
        self._running: dict[str, int] = {}
        self._held: dict[str, Held] = {}
        self._resting: dict[str, Claim] = {}
        self._reserved: set[str] = set()
        self._begins_no_more = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def running(self) -> frozenset[str]:
        """The jobs whose workflows this process runs."""
        return frozenset(self._running)

    @property
    def held(self) -> Mapping[str, Held]:
        """The jobs that are computed now."""
        return self._held

    async def run(self, id: str) -> None:
        """Run a job until it has ended; of a job that is handed back, never return."""
        self._running[id] = self._running.get(id, 0) + 1
        try:
            while not await self._tried(id):
                pass
        finally:
            self._running[id] -= 1
            if not self._running[id]:
                del self._running[id]

    async def _tried(self, id: str) -> bool:
        """Try a job once; return whether it has ended."""
        try:
            return await self._looked_and_tried(id)
        except Away:
            await _for_ever()
        except Exception:
            log.error("A job is tried again after an error of the worker itself", exc_info=True)
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
        return False

    async def _looked_and_tried(self, id: str) -> bool:
        if self._begins_no_more:
            await _for_ever()
        found = await self._records.look(id)
        if found is None:
            return True
        if found.is_taken:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            return False
        async with self._floor.place(alone=found.attempts >= self._tries_with_others):
            if self._begins_no_more:
                await _for_ever()
            return await self._begun_and_computed(id)

    async def _begun_and_computed(self, id: str) -> bool:
        if id in self._reserved:  # the queue gave it twice
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            return False
        self._reserved.add(id)
        try:
            claim = await self._records.begin(id)
            return claim is not None and await self._computed(claim)
        finally:
            self._reserved.discard(id)

    async def _computed(self, claim: Claim) -> bool:
        """Compute a job, again after errors that may pass; return whether its end is recorded."""
        while True:
            progress = Headway()
            task = asyncio.create_task(self._computing.outcome(claim, progress))
            self._held[claim.id] = Held(claim, progress, task)
            self._idle.clear()
            started = asyncio.get_running_loop().time()
            try:
                outcome = await self._outcome(claim, progress, task)
                if outcome is not None:
                    return await self._recorded(claim, outcome, started)
            finally:
                self._let_go(claim.id)
            if task.cancelled():
                return False
            following = await self._next_attempt(claim)
            if following is None:
                return False
            claim = following

    async def _outcome(
        self, claim: Claim, progress: Headway, task: "asyncio.Task[Outcome]"
    ) -> Outcome | None:
        """Return how the attempt ended; None if it is to be made again, or is no more this worker's."""
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            return None
        error = task.exception()
        if error is None:
            return task.result()
        if claim.attempt >= self._max_attempts:
            return failed(error, progress)
        reason = {"cause": type(error).__name__, "attempt": claim.attempt, "job": claim.id}
        log.warning(
            "A job is tried again",
            extra=fields(**reason),
            exc_info=None if isinstance(error, RequestFault) else error,
        )
        return None

    async def _recorded(self, claim: Claim, outcome: Outcome, started: float) -> bool:
        if not await self._records.end(claim, outcome):
            return False
        self._ended(outcome.state, asyncio.get_running_loop().time() - started)
        return True

    async def _next_attempt(self, claim: Claim) -> Claim | None:
        backoff = min(LONGEST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** (claim.attempt - 1))
        self._resting[claim.id] = claim
        await asyncio.sleep(backoff)
        if self._begins_no_more:  # it is among those that are handed back
            await _for_ever()
        del self._resting[claim.id]
        return await self._records.again(claim)

    def _let_go(self, id: str) -> None:
        del self._held[id]
        if not self._held:
            self._idle.set()

    def lost(self, held: Mapping[str, Held]) -> None:
        """Stop computing jobs that were cancelled, or that another worker has."""
        for id, each in held.items():
            if self._held.get(id) is each:
                each.computing.cancel()

    def begin_no_more(self) -> None:
        """Finish what is computed now and begin nothing."""
        self._begins_no_more = True

    async def idle(self) -> None:
        """Return when nothing is computed."""
        await self._idle.wait()

    async def hand_back(self) -> Sequence[str]:
        """Give all that has not ended to other workers; return the jobs whose workflows are to be resumed."""
        self._begins_no_more = True
        held = list(self._held.values())
        for each in held:
            each.progress.is_handed_back = True
            each.computing.cancel()
        if held:  # what they leave in files is there when another worker begins
            await asyncio.wait([each.computing for each in held], timeout=LEAVE_SECONDS)
        await self._records.hand_back([*(each.claim for each in held), *self._resting.values()])
        return sorted(self._running)


async def _for_ever() -> Never:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("unreachable")
