"""Accepts jobs: their rows and DBOS's workflows are written in one transaction, a group of jobs at a time."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient
from sqlalchemy.exc import IntegrityError

from ..faults import KeyConflict, TooManyJobs
from .database import now
from .durable import QUEUE, WORKFLOW
from .encoding import encoded, fingerprint, size_of
from .job import Accepted, JobState, NewJob
from .schema import INPUTS, JOBS
from .transactions import writing

# Another server may bring the same key between this one's look and its write.
TRIES = 3
BUSY_RETRY_SECONDS = 10
# Any number that the other programs of a database do not lock by; next to it the caller.
CALLER_LOCKS = 714_152_702
_LOCK = sa.text("SELECT pg_advisory_xact_lock(CAST(:space AS integer), CAST(:caller AS integer))")


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    job: NewJob
    kind: str
    input: bytes
    fingerprint: bytes


def new_id() -> str:
    return f"job-{secrets.token_hex(16)}"


def _row_of(job: NewJob) -> _Row:
    kind, input = encoded(job.input)
    return _Row(new_id(), job, kind, input, fingerprint(job, kind, input))


class Acceptance:
    """Accepts groups of jobs on one database."""

    def __init__(self, engine: sa.Engine, client: DBOSClient, jobs_per_caller: int) -> None:
        self._engine = engine
        self._client = client
        self._jobs_per_caller = jobs_per_caller

    def accept(self, jobs: Sequence[NewJob]) -> Sequence[Accepted | Exception]:
        """Keep the jobs in one transaction; return for each what it became, or why it is refused."""
        rows = [_row_of(job) for job in jobs]
        for left in reversed(range(TRIES)):
            try:
                with writing(self._engine) as connection:
                    return self._accept(connection, rows)
            except IntegrityError:
                if not left:
                    raise
        raise AssertionError("unreachable")

    def _accept(self, connection: sa.Connection, rows: Sequence[_Row]) -> Sequence[Accepted | Exception]:
        _lock_callers(connection, {row.job.caller for row in rows})
        known = _known_keys(connection, rows)
        open_of = Counter(_open_jobs(connection, {row.job.caller for row in rows}))
        results: list[Accepted | Exception] = []
        fresh: list[_Row] = []
        for row in rows:
            caller, key = row.job.caller, row.job.idempotency_key
            if key is not None and (caller, key) in known:
                results.append(_again(row, *known[caller, key]))
            elif open_of[caller] >= self._jobs_per_caller:
                results.append(self._too_many(open_of[caller]))
            else:
                open_of[caller] += 1
                fresh.append(row)
                results.append(Accepted(row.id, existed=False))
                if key is not None:
                    known[caller, key] = (row.id, row.fingerprint)
        if fresh:
            self._insert(connection, fresh)
        return results

    def _insert(self, connection: sa.Connection, rows: Sequence[_Row]) -> None:
        connection.execute(sa.insert(JOBS).values(created=now()), [_columns(row) for row in rows])
        connection.execute(
            sa.insert(INPUTS), [{"id": row.id, "kind": row.kind, "input": row.input} for row in rows]
        )
        for row in rows:
            self._client.enqueue_in_transaction(
                connection,
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": row.id,
                    "priority": row.job.priority + 1,  # DBOS's begin at 1
                },
                row.id,
            )

    def _too_many(self, open_jobs: int) -> TooManyJobs:
        return TooManyJobs(
            f"you have {open_jobs} open jobs; at most {self._jobs_per_caller} are allowed",
            retry_after_seconds=BUSY_RETRY_SECONDS,
        )


def _lock_callers(connection: sa.Connection, callers: set[str]) -> None:
    """Let no other server count the open jobs of these callers until the commit; SQLite has one writer."""
    if connection.dialect.name == "postgresql":
        for lock in sorted(map(_lock_of, callers)):  # in one order: two servers never block each other
            connection.execute(_LOCK, {"space": CALLER_LOCKS, "caller": lock})


def _lock_of(caller: str) -> int:
    """Return a number of 32 bits; two callers that share one only wait for each other."""
    return int.from_bytes(hashlib.sha256(caller.encode()).digest()[:4], signed=True)


def _columns(row: _Row) -> dict[str, Any]:
    job = row.job
    return {
        "id": row.id,
        "caller": job.caller,
        "idempotency_key": job.idempotency_key,
        "fingerprint": row.fingerprint,
        "route": job.route,
        "state": JobState.WAITING.value,
        "priority": job.priority,
        "done": 0,
        "total": size_of(job.input),
        "attempts": 0,
        "webhook": job.webhook,
        "webhook_tries": 0,
    }


def _again(row: _Row, id: str, known: bytes) -> Accepted | KeyConflict:
    if known != row.fingerprint:
        return KeyConflict(
            "the idempotency key came before with another route or body; send another key for another job"
        )
    return Accepted(id, existed=True)


def _known_keys(connection: sa.Connection, rows: Sequence[_Row]) -> dict[tuple[str, str], tuple[str, bytes]]:
    keys = {row.job.idempotency_key for row in rows if row.job.idempotency_key is not None}
    if not keys:
        return {}
    query = sa.select(JOBS.c.caller, JOBS.c.idempotency_key, JOBS.c.id, JOBS.c.fingerprint).where(
        JOBS.c.caller.in_({row.job.caller for row in rows}), JOBS.c.idempotency_key.in_(keys)
    )
    return {(row[0], row[1]): (row[2], bytes(row[3])) for row in connection.execute(query)}


def _open_jobs(connection: sa.Connection, callers: set[str]) -> dict[str, int]:
    query = (
        sa.select(JOBS.c.caller, sa.func.count())
        .where(JOBS.c.caller.in_(callers), JOBS.c.state.in_(("waiting", "running")))
        .group_by(JOBS.c.caller)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
