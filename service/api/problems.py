"""Problem details (RFC 9457): the one table from a cause to its HTTP status, and their JSON."""

import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from .. import faults
from ..faults import RequestFault

MEDIA_TYPE = "application/problem+json"
URN = "urn:slipway:problem:"
# Routes of every service that takes jobs: api/job_routes.py.
_JOBS = re.compile(r"/jobs(/[^/]+)?")


@dataclass(frozen=True, slots=True)
class Cause:
    status: int
    slug: str
    title: str


INTERNAL = Cause(500, "internal", "Internal error")
CAUSES: dict[type[RequestFault], Cause] = {
    faults.InvalidJson: Cause(400, "invalid-json", "Invalid JSON"),
    faults.MalformedHttp: Cause(400, "malformed-http", "Malformed HTTP"),
    faults.KeyMissing: Cause(401, "key-missing", "Key missing"),
    faults.KeyWrong: Cause(401, "key-wrong", "Key wrong"),
    faults.PathUnknown: Cause(404, "path-unknown", "Path unknown"),
    faults.PredictionUnknown: Cause(404, "prediction-unknown", "Prediction unknown"),
    faults.JobUnknown: Cause(404, "job-unknown", "Job unknown"),
    faults.MethodNotAllowed: Cause(405, "method-not-allowed", "Method not allowed"),
    faults.HeadTimeout: Cause(408, "head-timeout", "Request head did not arrive in time"),
    faults.BodyTimeout: Cause(408, "body-timeout", "Body did not arrive in time"),
    faults.FeedbackRepeated: Cause(409, "feedback-repeated", "Feedback repeated"),
    faults.BodyTooLarge: Cause(413, "body-too-large", "Body too large"),
    faults.UnsupportedMedia: Cause(415, "unsupported-media-type", "Unsupported media type"),
    faults.ExpectationFailed: Cause(417, "expectation-failed", "Expectation failed"),
    faults.InvalidInput: Cause(422, "invalid-input", "Invalid input"),
    faults.TextTooLong: Cause(422, "text-too-long", "Text too long for the model"),
    faults.KeyConflict: Cause(422, "idempotency-key-conflict", "Idempotency key used for another job"),
    faults.QueueFull: Cause(429, "queue-full", "Too many texts are waiting"),
    faults.TooManyJobs: Cause(429, "too-many-jobs", "Too many open jobs"),
    faults.MemoryFull: Cause(429, "memory-full", "Too many bytes are held for requests"),
    faults.HeadTooLarge: Cause(431, "head-too-large", "Request head too large"),
    faults.ClientLeft: Cause(499, "client-left", "The client has left"),
    faults.ResultTooLarge: Cause(500, "result-too-large", "Result too large for the database"),
    faults.WorkerLost: Cause(500, "worker-lost", "Workers ended while they computed the job"),
    faults.CodingUnsupported: Cause(501, "transfer-coding-unsupported", "Transfer coding not supported"),
    faults.NotReady: Cause(503, "not-ready", "Not ready"),
    faults.JobsUnavailable: Cause(503, "jobs-unavailable", "Jobs cannot be accepted or read now"),
    faults.FileUnavailable: Cause(503, "file-unavailable", "File cannot be read or written now"),
    faults.ConnectionsFull: Cause(503, "connections-full", "Too many connections"),
    faults.DrainCut: Cause(503, "shutting-down", "Shutting down"),
    faults.DeadlineExceeded: Cause(504, "deadline-exceeded", "Deadline exceeded"),
    faults.VersionUnsupported: Cause(505, "http-version-unsupported", "HTTP version not supported"),
}
CHALLENGES: dict[type[RequestFault], str] = {
    faults.KeyMissing: 'Bearer realm="slipway"',
    faults.KeyWrong: 'Bearer realm="slipway", error="invalid_token"',
}


class ProblemError(BaseModel):
    pointer: str = Field(
        description="JSON pointer to the faulty part of the request body.", examples=["#/text/3"]
    )
    detail: str = Field(description="What is wrong with it.", examples=["is empty"])


class Problem(BaseModel):
    """Why a request got no answer (RFC 9457)."""

    type: str = Field(description="Names the cause; stable.", examples=[f"{URN}invalid-input"])
    title: str = Field(description="The cause in words; the same each time.", examples=["Invalid input"])
    status: int = Field(ge=400, le=599, description="The HTTP status, again.", examples=[422])
    detail: str = Field(description="What was wrong with this request.", examples=["text[3] is empty"])
    errors: list[ProblemError] = Field(
        default=[],
        description="Each fault in the request body, at most 20; absent where the body is not at fault.",
        examples=[[{"pointer": "#/text/3", "detail": "is empty"}]],
    )


def problem_json(cause: Cause, detail: str, fault: RequestFault | None = None) -> bytes:
    content: dict[str, object] = {
        "type": URN + cause.slug,
        "title": cause.title,
        "status": cause.status,
        "detail": detail,
    }
    if fault is not None and fault.errors:
        content["errors"] = [{"pointer": error.pointer, "detail": error.detail} for error in fault.errors]
    return orjson.dumps(content)


def fault_response(fault: RequestFault, headers: Mapping[str, str] | None = None) -> Response:
    cause = CAUSES[type(fault)]
    extra = dict(headers or {})
    if type(fault) in CHALLENGES:
        extra["WWW-Authenticate"] = CHALLENGES[type(fault)]
    if fault.retry_after_seconds is not None:
        extra["Retry-After"] = str(fault.retry_after_seconds)
    return Response(problem_json(cause, fault.detail, fault), cause.status, extra, MEDIA_TYPE)


def internal_response() -> Response:
    detail = "The server failed; its log has the reason under this answer's X-Request-ID."
    return Response(problem_json(INTERNAL, detail), INTERNAL.status, media_type=MEDIA_TYPE)


def name_cause(state: MutableMapping[str, Any], cause: Cause) -> None:
    """Leave the cause of an answer for the request's log line and its metrics."""
    state["cause"] = cause.slug


async def on_request_fault(request: Request, error: Exception) -> Response:
    return _answered(request, cast(RequestFault, error))


def _answered(request: Request, fault: RequestFault, headers: Mapping[str, str] | None = None) -> Response:
    name_cause(request.scope["state"], CAUSES[type(fault)])
    return fault_response(fault, headers)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Answer what FastAPI and Starlette raise themselves, such as an unknown path or a wrong method."""
    exception = cast(HTTPException, error)
    if exception.status_code == 405:
        allowed = ", ".join(sorted((exception.headers or {}).get("Allow", "").split(", ")))
        detail = f"{request.method} is not allowed here; allowed: {allowed}."
        return _answered(request, faults.MethodNotAllowed(detail), {"Allow": allowed})
    if exception.status_code == 404:
        has_docs = request.app.openapi_url is not None
        detail = "There is nothing at this path" + ("; /docs lists what there is." if has_docs else ".")
        if _JOBS.fullmatch(request.url.path):  # both are routes wherever jobs are on
            detail = "This service takes no jobs; `jobs: true` in its stack's file turns them on."
        return _answered(request, faults.PathUnknown(detail))
    cause = Cause(exception.status_code, f"http-{exception.status_code}", str(exception.detail))
    name_cause(request.scope["state"], cause)
    return Response(problem_json(cause, str(exception.detail)), cause.status, exception.headers, MEDIA_TYPE)


async def on_validation_error(request: Request, error: Exception) -> Response:
    names = {".".join(map(str, fault["loc"])) for fault in cast(RequestValidationError, error).errors()}
    return _answered(request, faults.InvalidInput(f"not valid: {', '.join(sorted(names))}"))


async def on_unknown_error(request: Request, error: Exception) -> Response:
    del error
    name_cause(request.scope["state"], INTERNAL)
    return internal_response()
