"""What a caller sees of a job, as JSON. Results are passed on as they were written, without reading them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from pydantic import BaseModel, Field

from ..jobs import Job, JobState, Page
from .problems import Problem

State = Literal["waiting", "running", "succeeded", "failed", "cancelled", "set_aside"]


class JobProgress(BaseModel):
    """How far a job is."""

    done: int = Field(ge=0, description="Requests or rows that are answered.", examples=[120])
    total: int | None = Field(description="Of how many; null while a file is not counted.", examples=[500])


class JobDocument(BaseModel):
    """A job as its caller sees it."""

    id: str = Field(description="Names the job in `/jobs/{id}`.", examples=["01JEXAMPLE"])
    state: State = Field(
        description="`waiting`, `running`; or how it ended: `succeeded`, `failed`, `cancelled`, or "
        "`set_aside`, because each worker that tried it ended.",
        examples=["succeeded"],
    )
    path: str = Field(description="Route whose requests these are.", examples=["/predict"])
    priority: int = Field(description="The smaller goes first; 0 is usual.")
    attempts: int = Field(ge=0, description="How often a worker has begun it.", examples=[1])
    progress: JobProgress
    created_at: str = Field(description="In ISO 8601, UTC.", examples=["2026-11-30T16:00:00.000Z"])
    started_at: str | None = Field(description="When a worker last began it; null before.")
    ended_at: str | None = Field(description="Null while it is open.")
    expires_at: str | None = Field(
        description="When the job is deleted with its input and its result; null while it is open."
    )
    result: Any = Field(
        default=None,
        description="Of one request, the route's answer; of a list, a list with the answer of each, or its "
        "`problem`; of a file, what was written. Absent without one.",
    )
    result_file: str | None = Field(
        default=None,
        description="Address of the result where it is larger than the database holds. Else absent.",
    )
    problem: Problem | None = Field(default=None, description="Why it failed. Else absent.")


class JobPage(BaseModel):
    """Some of a caller's jobs, the newest first, without their results."""

    jobs: list[JobDocument]
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last.")


class AcceptedDocument(BaseModel):
    """A job that was just accepted."""

    id: str = Field(description="Names the job in `/jobs/{id}`.", examples=["01JEXAMPLE"])
    state: State = Field(examples=["waiting"])


def accepted_json(id: str) -> bytes:
    return orjson.dumps({"id": id, "state": JobState.WAITING.value})


def job_json(job: Job) -> bytes:
    return orjson.dumps(_document(job))


def page_json(page: Page) -> bytes:
    return orjson.dumps({"jobs": _documents(page.jobs), "next_cursor": page.cursor})


def _documents(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    return [_document(job) for job in jobs]


def _document(job: Job) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": job.id,
        "state": job.state.value,
        "path": job.route,
        "priority": job.priority,
        "attempts": job.attempts,
        "progress": {"done": job.done, "total": job.total},
        "created_at": _time(job.created),
        "started_at": _time(job.started),
        "ended_at": _time(job.ended),
        "expires_at": _time(job.expires),
    }
    if job.result is not None:
        document["result"] = orjson.Fragment(job.result)
    if job.result_file is not None:
        document["result_file"] = job.result_file
    if job.problem is not None:
        document["problem"] = orjson.Fragment(job.problem)
    return document


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
