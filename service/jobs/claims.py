"""What a worker reads and writes of the jobs that it has.

A job belongs to one attempt of one worker: each write names both, so that a worker which has lost a job,
because it did not show for a while, changes nothing of it. So no job gets a second result.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from .database import now
from .job import JobState
from .schema import INPUTS, JOBS


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job as a worker finds it before it begins it."""

    attempts: int
    is_taken: bool
    """Whether another worker computes it now."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker computes. attempt: counts from 1."""

    id: str
    executor: str
    attempt: int
    route: str
    kind: str
    input: bytes
    """As `encoding` writes it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended. Exactly one of result, result_file and problem is set."""

    state: JobState
    result: bytes | None = None
    result_file: str | None = None
    problem: bytes | None = None
    done: int = 0
    total: int | None = None


def waiting(connection: sa.Connection, ids: Collection[str], executor: str) -> dict[str, Waiting]:
    """Return which of these jobs are open. taken: by another worker than this."""
    query = sa.select(JOBS.c.id, JOBS.c.attempts, JOBS.c.state, JOBS.c.owner).where(
        JOBS.c.id.in_(ids), JOBS.c.state.in_(("waiting", "running"))
    )
    return {
        row.id: Waiting(row.attempts, is_taken=row.state == "running" and row.owner != executor)
        for row in connection.execute(query)
    }


def begin(connection: sa.Connection, id: str, executor: str) -> int | None:
    """Take a job that waits; return the number of the attempt, or None if it does not wait any more.

    A job that this worker has already is returned as well: the answer to its first try may have been lost.
    """
    update = (
        sa.update(JOBS)
        .where(JOBS.c.id == id, JOBS.c.state == "waiting")
        .values(
            state=JobState.RUNNING.value,
            owner=executor,
            attempts=JOBS.c.attempts + 1,
            started=now(),
            done=0,
        )
    )
    connection.execute(update)
    query = sa.select(JOBS.c.attempts).where(
        JOBS.c.id == id, JOBS.c.state == "running", JOBS.c.owner == executor
    )
    return connection.execute(query).scalar()


def claimed(connection: sa.Connection, id: str, executor: str, attempt: int) -> Claim | None:
    """Return what is to be computed; None if the job was deleted meanwhile."""
    query = sa.select(JOBS.c.route, INPUTS.c.kind, INPUTS.c.input).where(
        JOBS.c.id == id, INPUTS.c.id == JOBS.c.id
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Claim(id, executor, attempt, row.route, row.kind, bytes(row.input))


def _held(claim: Claim) -> sa.ColumnElement[bool]:
    return sa.and_(
        JOBS.c.id == claim.id,
        JOBS.c.state == "running",
        JOBS.c.owner == claim.executor,
        JOBS.c.attempts == claim.attempt,
    )


def again(connection: sa.Connection, claim: Claim) -> bool:
    """Count another attempt of the same worker; return False if it has lost the job."""
    update = sa.update(JOBS).where(_held(claim))
    return connection.execute(update.values(attempts=JOBS.c.attempts + 1, done=0)).rowcount == 1


def end(connection: sa.Connection, claim: Claim, outcome: Outcome, ttl_seconds: float) -> bool:
    """Record how a job ended; return False if it is this attempt's no more, and nothing was recorded."""
    update = (
        sa.update(JOBS)
        .where(_held(claim))
        .values(
            state=outcome.state.value,
            owner=None,
            result=outcome.result,
            result_file=outcome.result_file,
            problem=outcome.problem,
            done=outcome.done,
            total=sa.func.coalesce(sa.literal(outcome.total, sa.BigInteger), JOBS.c.total),
            ended=now(),
            expires=now() + ttl_seconds,
            webhook_due=sa.case((JOBS.c.webhook.isnot(None), now()), else_=None),
        )
    )
    return connection.execute(update).rowcount == 1


def hand_back(connection: sa.Connection, claims: Iterable[Claim]) -> None:
    """Let jobs wait again for another worker, without counting the attempt."""
    for claim in claims:
        update = sa.update(JOBS).where(_held(claim))
        connection.execute(update.values(state="waiting", owner=None, attempts=JOBS.c.attempts - 1))


def show_progress(connection: sa.Connection, progress: Mapping[Claim, tuple[int, int | None]]) -> None:
    """Record how far jobs are."""
    for claim, (done, total) in progress.items():
        connection.execute(sa.update(JOBS).where(_held(claim)).values(done=done, total=total))


def held(connection: sa.Connection, executor: str) -> dict[str, int]:
    """Return the jobs that this worker has, with the number of the attempt."""
    query = sa.select(JOBS.c.id, JOBS.c.attempts).where(JOBS.c.owner == executor, JOBS.c.state == "running")
    return {row.id: row.attempts for row in connection.execute(query)}
