"""The part of the OpenAPI document that describes jobs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from .. import faults
from .job_documents import AcceptedDocument, JobDocument, JobPage
from .problems import CAUSES, INTERNAL, Cause

JOB_MODELS: tuple[type[BaseModel], ...] = (AcceptedDocument, JobDocument, JobPage)
Problems = Callable[[Sequence[Cause]], dict[str, Any]]
_ALWAYS = (faults.KeyMissing, faults.KeyWrong, faults.JobsUnavailable, faults.DrainCut)
_OF_ACCEPTING = (
    *_ALWAYS,
    faults.InvalidJson,
    faults.BodyTimeout,
    faults.BodyTooLarge,
    faults.UnsupportedMedia,
    faults.InvalidInput,
    faults.TextTooLong,
    faults.KeyConflict,
    faults.TooManyJobs,
    faults.NotReady,
)
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "Of the answer to `POST /jobs`.",
}


def job_paths(
    request: type[BaseModel], refs: Mapping[Any, dict[str, Any]], example: Any, problems: Problems
) -> dict[str, Any]:
    """Return the paths. example: a request of the route; problems: describes the answers of causes."""

    def schema(model: type[BaseModel]) -> dict[str, Any]:
        return refs[model, "validation"]

    def described(causes: Sequence[type[faults.RequestFault]]) -> dict[str, Any]:
        return problems([*(CAUSES[each] for each in causes), INTERNAL])

    shown = {"200": _answer("The job.", schema(JobDocument))}
    of_one = described((*_ALWAYS, faults.JobUnknown, faults.MemoryFull))
    of_waiting = described((*_ALWAYS, faults.JobUnknown, faults.InvalidInput, faults.MemoryFull))
    return {
        "/jobs": {
            "post": _accepting(schema(request), example)
            | {"responses": _accepted(schema) | described(_OF_ACCEPTING)},
            "get": _listing(schema(JobPage), described((*_ALWAYS, faults.InvalidInput))),
        },
        "/jobs/{id}": {
            "get": _operation("show_job", "Show a job, or wait for it")
            | {
                "description": "The state, how far it is, and its result or problem.",
                "parameters": [_ID, _WAIT],
                "responses": shown | of_waiting,
            },
            "delete": _operation("cancel_job", "Cancel a job")
            | {
                "description": "Cancels one that waits or runs. One that has ended is shown as it is.",
                "parameters": [_ID],
                "responses": shown | of_one,
            },
        },
    }


_WAIT = {
    "name": "wait",
    "in": "query",
    "schema": {"type": "number", "minimum": 0, "maximum": 3600, "default": 0},
    "description": "Seconds after which it is answered at the latest, if the job has not ended before; at "
    "most what a request may take.",
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Chosen by the caller: the same key with the same body is the same job.",
}


def _accepting(request: dict[str, Any], example: Any) -> dict[str, Any]:
    examples = {
        "one request": {"request": example},
        "a list": {"requests": [example, example], "priority": 10},
        "a file": {
            "file": "gs://texts/inbox/monday.jsonl",
            "output": "gs://texts/answers/monday.jsonl",
            "webhook": "https://hooks.example.com/slipway",
        },
    }
    named = {name: {"value": value} for name, value in examples.items()}
    return _operation("accept_job", "Hand in work that lasts longer than a request") | {
        "description": "The job is in the database when this is answered, and computed by a worker. Every "
        "request in the body is checked at once; the rows of a file are checked as they are read.",
        "parameters": [_KEY],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": request, "examples": named}},
        },
    }


def _accepted(schema: Callable[[type[BaseModel]], dict[str, Any]]) -> dict[str, Any]:
    location = {"Location": {"description": "Path of the job.", "schema": {"type": "string"}}}
    return {
        "200": _answer("The job that the idempotency key has brought before.", schema(JobDocument))
        | {"headers": location},
        "202": _answer("Accepted.", schema(AcceptedDocument)) | {"headers": location},
    }


def _listing(page: dict[str, Any], problems: dict[str, Any]) -> dict[str, Any]:
    states = ["waiting", "running", "succeeded", "failed", "cancelled", "set_aside"]
    parameters = [
        {"name": "state", "in": "query", "schema": {"type": "string", "enum": states}},
        {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": "Of the page before."},
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
        },
    ]
    return _operation("list_jobs", "List your jobs") | {
        "description": "The newest first, without their results.",
        "parameters": parameters,
        "responses": {"200": _answer("A page of jobs.", page)} | problems,
    }


def _operation(id: str, summary: str) -> dict[str, Any]:
    return {"tags": ["jobs"], "operationId": id, "summary": summary, "security": [{"key": []}]}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
