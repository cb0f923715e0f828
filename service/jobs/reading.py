"""Reads jobs for their callers and counts them."""

from collections.abc import Collection, Sequence
from typing import Any

import orjson
import sqlalchemy as sa

from ..faults import InvalidInput
from .database import now
from .job import Job, JobCounts, JobState, Page
from .schema import JOBS

_SHOWN = (
    *(JOBS.c.id, JOBS.c.caller, JOBS.c.route, JOBS.c.state, JOBS.c.done, JOBS.c.total, JOBS.c.attempts),
    *(JOBS.c.created, JOBS.c.started, JOBS.c.ended, JOBS.c.expires, JOBS.c.priority),
    *(JOBS.c.result_file, JOBS.c.problem),
)
WHOLE = (*_SHOWN, JOBS.c.result)
MOST_IN_A_PAGE = 1000


def job_of(row: Any) -> Job:
    """Return the job of a row that has the columns WHOLE, or those without the result."""
    # SQLAlchemy names the mapping of a row with an underscore so that no column collides with it.
    values: dict[str, Any] = {**row._mapping, "state": JobState(row.state)}
    for name in ("result", "problem"):
        if values.get(name) is not None:
            values[name] = bytes(values[name])
    return Job(**values)


def found(connection: sa.Connection, caller: str, id: str) -> Job | None:
    """Return a caller's job with its result."""
    row = connection.execute(sa.select(*WHOLE).where(JOBS.c.id == id, JOBS.c.caller == caller)).first()
    return None if row is None else job_of(row)


def ended_of(connection: sa.Connection, ids: Collection[str]) -> set[str]:
    """Return which of these are not open any more, or gone."""
    query = sa.select(JOBS.c.id).where(JOBS.c.id.in_(ids), JOBS.c.state.in_(("waiting", "running")))
    return set(ids) - set(connection.execute(query).scalars())


def page(
    connection: sa.Connection, caller: str, state: JobState | None, cursor: str | None, limit: int
) -> Page:
    """Return a page of a caller's jobs, the newest first. Raises InvalidInput for a bad cursor."""
    limit = max(1, min(limit, MOST_IN_A_PAGE))
    query = sa.select(*_SHOWN).where(JOBS.c.caller == caller)
    if state is not None:
        query = query.where(JOBS.c.state == state.value)
    if cursor is not None:
        query = query.where(sa.tuple_(JOBS.c.created, JOBS.c.id) < sa.tuple_(*_place(cursor)))
    query = query.order_by(JOBS.c.created.desc(), JOBS.c.id.desc()).limit(limit + 1)
    jobs = [job_of(row) for row in connection.execute(query)]
    last = jobs[limit - 1] if len(jobs) > limit else None
    return Page(jobs[:limit], None if last is None else _cursor(last))


def _cursor(last: Job) -> str:
    return orjson.dumps([last.created, last.id]).hex()


def _place(cursor: str) -> Sequence[Any]:
    try:
        created, id = orjson.loads(bytes.fromhex(cursor))
        if not (isinstance(created, float | int) and isinstance(id, str) and "\0" not in id):
            raise TypeError
        return float(created), id
    except (ValueError, TypeError):
        raise InvalidInput("cursor is none of this list; take the one of the page before") from None


def counts(connection: sa.Connection) -> JobCounts:
    """Count the jobs of all callers that wait, run or are set aside."""
    query = sa.select(JOBS.c.state, sa.func.count(), now() - sa.func.min(JOBS.c.created)).where(
        JOBS.c.state.in_(("waiting", "running", "set_aside"))
    )
    rows = {row[0]: row for row in connection.execute(query.group_by(JOBS.c.state))}
    number = {state: row[1] for state, row in rows.items()}
    oldest = rows["waiting"][2] if "waiting" in rows else 0.0
    return JobCounts(
        number.get("waiting", 0), number.get("running", 0), number.get("set_aside", 0), max(0.0, oldest)
    )
