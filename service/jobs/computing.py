"""Computes a job's bodies with the engine, as requests of the job's route are."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import orjson

from ..api.bodies import SMALL_BODY_BYTES
from ..api.problems import CAUSES, INTERNAL, problem_json
from ..engine import Call, Engine
from ..faults import (
    FileUnavailable,
    InvalidInput,
    MemoryFull,
    NotReady,
    QueueFull,
    RequestFault,
    ResultTooLarge,
)
from ..logs import log
from ..tasks import Operation
from ..tasks.streams import StreamableWork
from .claims import Claim, Outcome
from .encoding import decoded
from .files import PROBLEM, Files, RowsWriter
from .job import FileInput, JobState, ListInput, OneInput

# Faults that another try may not meet; any other of a request is the same each time.
PASSING: tuple[type[RequestFault], ...] = (FileUnavailable, MemoryFull, NotReady, QueueFull)
# A body waits as long as it takes; a request's limit is for somebody who waits for the answer.
CALL_SECONDS = 86_400.0
# The engine's queue is for the calls of jobs alone, and each job has few in it.
FULL_WAIT_SECONDS = 0.1
ROWS_AT_ONCE = 256
# Above, a result goes to a file: a row of the database is read and written whole.
MOST_RESULT_BYTES = 1 << 20


@dataclass(slots=True)
class Headway:
    """How far a job is. Event loop's thread."""

    done: int = 0
    total: int | None = None
    is_handed_back: bool = False
    """Whether another worker goes on where this one is stopped."""


class Computing:
    """Computes for the workers of one process. Event loop's thread."""

    def __init__(
        self, operations: Sequence[Operation], engine: Engine, files: Files | None, calls_of_a_job: int
    ) -> None:
        """Compute with these. calls_of_a_job: how many bodies of one job are in the engine at once."""
        self._operations: Mapping[str, Operation] = {each.path: each for each in operations}
        self._engine = engine
        self._files = files
        self._calls_of_a_job = calls_of_a_job

    async def outcome(self, claim: Claim, progress: Headway) -> Outcome:
        """Compute the job. Raises a fault of PASSING, or an unknown error, that another try may not meet."""
        try:
            return await self._computed(claim, progress)
        except RequestFault as fault:
            if isinstance(fault, PASSING):
                raise
            return failed(fault, progress)

    async def _computed(self, claim: Claim, progress: Headway) -> Outcome:
        operation = self._operations.get(claim.route)
        if operation is None:
            raise InvalidInput(
                f"the model of the workers has no route {claim.route}; it has {', '.join(self._operations)}"
            )
        match decoded(claim.kind, claim.input):
            case OneInput(body):
                result = await self._answer(operation, body)
                progress.done = progress.total = 1
            case ListInput(bodies):
                progress.total = len(bodies)
                answers = [each async for each in self._answers(operation, _in_turn(bodies), progress)]
                result = b"[" + b",".join(answers) + b"]"
            case FileInput() as file:
                result = await self._file(operation, claim, file, progress)
        return await self._kept(claim, result, progress)

    async def _kept(self, claim: Claim, result: bytes, progress: Headway) -> Outcome:
        if len(result) <= MOST_RESULT_BYTES:
            return Outcome(JobState.SUCCEEDED, result=result, done=progress.done, total=progress.total)
        if self._files is None:
            raise ResultTooLarge(
                f"the result has {len(result)} bytes; the database holds {MOST_RESULT_BYTES}, and this "
                "service has no other place for it (JOBS_RESULT_PREFIX): hand in less at once, or a file"
            )
        address = await asyncio.to_thread(self._files.keep_result, claim.id, claim.attempt, result)
        return Outcome(JobState.SUCCEEDED, result_file=address, done=progress.done, total=progress.total)

    def _required_files(self) -> Files:
        if self._files is None:
            raise InvalidInput("the workers of this service read and write no files (JOBS_FILE_PREFIXES)")
        return self._files

    async def _answer(self, operation: Operation, body: bytes) -> bytes:
        """Return the answer to one body. Cancelled, it leaves the engine between two texts or tokens."""
        received = time.perf_counter()
        deadline = asyncio.get_running_loop().time() + CALL_SECONDS
        if len(body) <= SMALL_BODY_BYTES:
            work = operation.work(body, received)
        else:
            work = await asyncio.to_thread(operation.work, body, received)
        if isinstance(work, StreamableWork) and work.is_streamed:
            raise InvalidInput("stream is true; a job's answer is not sent as it is made")
        while True:
            try:
                call = self._engine.submit(work, deadline)
                break
            except QueueFull:
                await asyncio.sleep(FULL_WAIT_SECONDS)
        return await _settled(call)

    async def _answer_or_problem(self, operation: Operation, body: bytes | RequestFault) -> bytes:
        try:
            if isinstance(body, RequestFault):
                raise body
            return await self._answer(operation, body)
        except RequestFault as fault:
            if isinstance(fault, PASSING):
                raise
            return PROBLEM + problem_json(CAUSES[type(fault)], fault.detail, fault) + b"}"

    async def _answers(
        self, operation: Operation, bodies: AsyncIterator[bytes | RequestFault], progress: Headway
    ) -> AsyncIterator[bytes]:
        """Yield the answers in the order of the bodies, some of which are computed at the same time."""
        under_way: deque[asyncio.Task[bytes]] = deque()
        try:
            async for body in bodies:
                under_way.append(asyncio.create_task(self._answer_or_problem(operation, body)))
                if len(under_way) >= self._calls_of_a_job:
                    yield await under_way[0]
                    under_way.popleft()
                    progress.done += 1
            while under_way:
                yield await under_way[0]
                under_way.popleft()
                progress.done += 1
        finally:
            for task in under_way:
                task.cancel()

    async def _file(self, operation: Operation, claim: Claim, file: FileInput, progress: Headway) -> bytes:
        files = self._required_files()
        progress.total = await asyncio.to_thread(files.count, file)
        writer = await asyncio.to_thread(files.writer, file, claim.id)
        progress.done = writer.rows
        rows = islice(files.rows(file, operation), writer.rows, None)
        try:
            refused = writer.refused + await self._write_rows(operation, _rows(rows), writer, progress)
            await asyncio.to_thread(writer.finish)
        except BaseException:
            end = writer.leave if progress.is_handed_back else writer.discard
            await asyncio.shield(asyncio.to_thread(end))
            raise
        return orjson.dumps({"rows": progress.done, "refused": refused, "output": file.output})

    async def _write_rows(
        self,
        operation: Operation,
        rows: AsyncIterator[bytes | RequestFault],
        writer: RowsWriter,
        progress: Headway,
    ) -> int:
        """Write the answers; return how many rows were refused, each with its problem in its place."""
        refused = 0
        held: list[bytes] = []
        async for answer in self._answers(operation, rows, progress):
            refused += answer.startswith(PROBLEM)
            held.append(answer)
            if len(held) == ROWS_AT_ONCE:
                await asyncio.to_thread(_write_all, writer, held)
                held = []
        await asyncio.to_thread(_write_all, writer, held)
        return refused


async def _settled(call: Call) -> bytes:
    try:
        return await call.answer
    except asyncio.CancelledError:
        call.abandon()
        raise


async def _in_turn(bodies: Sequence[bytes]) -> AsyncIterator[bytes]:
    for body in bodies:
        yield body


async def _rows(rows: Iterator[bytes | RequestFault]) -> AsyncIterator[bytes | RequestFault]:
    """Read rows on a thread, some at once."""
    while some := await asyncio.to_thread(lambda: list(islice(rows, ROWS_AT_ONCE))):
        for row in some:
            yield row


def _write_all(writer: RowsWriter, rows: Sequence[bytes]) -> None:
    for row in rows:
        writer.write(row)


def failed(error: BaseException, progress: Headway) -> Outcome:
    """Return the end of a job by an error; one that is no fault of a request is told to the log alone."""
    if isinstance(error, RequestFault):
        problem = problem_json(CAUSES[type(error)], error.detail, error)
    else:
        log.error("A job failed", exc_info=error)
        problem = problem_json(INTERNAL, "The worker failed; its log has the reason under the job's id.")
    return Outcome(JobState.FAILED, problem=problem, done=progress.done, total=progress.total)
