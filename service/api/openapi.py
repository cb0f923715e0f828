"""The OpenAPI document: FastAPI's, with the model's routes described from the models that validate them."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute

from .. import faults
from ..tasks import Operation, Task
from .job_openapi import JOB_MODELS, job_paths
from .job_request import job_request_model
from .problems import CAUSES, INTERNAL, MEDIA_TYPE, URN, Cause, Problem

TITLE = "Slipway inference service"
REF = "#/components/schemas/{model}"
PROBLEM = {"$ref": REF.format(model="Problem")}
# One event of a stream, in the form of OpenAPI 3.2's itemSchema.
EVENT: dict[str, Any] = {
    "type": "object",
    "description": "Where `stream` is true: server-sent events, of which this is one.",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "string",
            "description": "A JSON object, a part of the answer; at the end `[DONE]`.",
            "examples": ["[DONE]"],
        },
        "event": {
            "type": "string",
            "description": "`error`: what went wrong after the first part is in `data` as "
            '`{"error": {"message", "type", "code"}}`, and the stream ends without `[DONE]`.',
            "examples": ["error"],
        },
    },
}
# Answered below the routes, to requests that are not yet a call of the model.
NOT_OF_A_CALL = {404, 409, 431, 499}
OF_JOBS = (
    faults.JobUnknown,
    faults.KeyConflict,
    faults.TooManyJobs,
    faults.ResultTooLarge,
    faults.WorkerLost,
    faults.JobsUnavailable,
    faults.FileUnavailable,
)


def openapi_document(
    task: Task, version: str, routes: list[BaseRoute], has_jobs: bool = False
) -> dict[str, Any]:
    document = get_openapi(title=TITLE, version=version, routes=routes)
    models: list[type[BaseModel]] = [Problem]
    for operation in task.operations:
        models += [operation.request_model, *operation.answer_models]
    job_request = job_request_model(task.operations)
    models += [job_request, *JOB_MODELS] if has_jobs else []
    refs, definitions = models_json_schema([(model, "validation") for model in models], ref_template=REF)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(definitions["$defs"])
    components["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "A caller's key, such as the value of MODEL_API_KEY.",
        }
    }
    described = {operation.path: {"post": _described(operation, refs)} for operation in task.operations}
    if has_jobs:
        example = next(iter(task.operations[0].request_examples.values()))
        described |= job_paths(job_request, refs, example, _problems)
    document["paths"] = described | document["paths"]
    return document


def _described(operation: Operation, refs: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    schemas = [refs[model, "validation"] for model in operation.answer_models]
    answers = {"oneOf": schemas} if len(schemas) > 1 else schemas[0]
    return {
        "tags": ["model"],
        "operationId": operation.operation_id,
        "summary": operation.summary,
        "description": operation.description,
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": _json(refs[operation.request_model, "validation"], operation.request_examples),
        },
        "responses": {
            "200": {
                "description": "The answer.",
                "content": _json(answers, operation.answer_examples) | _stream(operation),
            }
        }
        | _problems(_of_a_call()),
    }


def _stream(operation: Operation) -> dict[str, Any]:
    if operation.stream_example is None:
        return {}
    return {"text/event-stream": {"schema": EVENT, "example": operation.stream_example}}


def _json(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    named = {name: {"value": value} for name, value in examples.items()}
    return {"application/json": {"schema": schema, "examples": named}}


def _of_a_call() -> list[Cause]:
    """Return the causes for which a call of the model may get no answer."""
    causes = [cause for fault, cause in CAUSES.items() if fault not in OF_JOBS]
    return [cause for cause in (*causes, INTERNAL) if cause.status not in NOT_OF_A_CALL]


def _problems(causes: Sequence[Cause]) -> dict[str, Any]:
    """Describe the answers of these causes, by their status."""
    by_status: dict[int, list[Cause]] = {}
    for cause in causes:
        by_status.setdefault(cause.status, []).append(cause)
    return {
        str(status): {
            "description": ", or: ".join(cause.title for cause in causes) + ".",
            "content": {MEDIA_TYPE: {"schema": PROBLEM, "examples": dict(map(_example, causes))}},
        }
        | _headers(status)
        for status, causes in sorted(by_status.items())
    }


def _example(cause: Cause) -> tuple[str, dict[str, Any]]:
    problem = {"type": URN + cause.slug, "title": cause.title, "status": cause.status}
    return cause.slug, {"value": problem | {"detail": "What was wrong with this very request."}}


def _headers(status: int) -> dict[str, Any]:
    described = {
        401: ("WWW-Authenticate", "How to send the key.", {"type": "string"}),
        405: ("Allow", "The methods of this path.", {"type": "string"}),
        429: ("Retry-After", "Seconds until the queue is likely to have room.", {"type": "integer"}),
    }
    if status not in described:
        return {}
    name, description, schema = described[status]
    return {"headers": {name: {"description": description, "schema": schema}}}
