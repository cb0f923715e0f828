"""/jobs takes work that lasts longer than a request; /jobs/{id} shows it, waits for it and cancels it.

The handlers keep and read jobs; nothing here computes one. Each caller sees its own jobs alone: another's id
is answered as one that does not exist.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable

from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ..account import Holding
from ..faults import (
    ClientLeft,
    InvalidInput,
    JobUnknown,
    MemoryFull,
    NotReady,
)
from ..jobs import Job, JobState, JobStore
from ..lifecycle import Lifecycle
from .auth import Gate, Headers
from .bodies import Bodies, read_as, require_json
from .job_documents import accepted_json, job_json, page_json
from .job_request import JobReader

JOBS, JOB = "/jobs", "/jobs/{id}"
MAX_PAGE = 200
DEFAULT_PAGE = 50
# How long one look at a job lasts, after which a caller that has left, or a server that stops, is noticed.
LOOK_SECONDS = 1.0
# Before the request's own time is over, so that the answer still finds its caller.
SPARE_SECONDS = 1.0
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# draft-ietf-httpapi-idempotency-key-header-07, section 2.1: a string of structured fields, in quotes.
# Most clients send it without; both mean the same key.
_IDEMPOTENCY_KEY = re.compile(rb'"([ -!#-\[\]-~]{1,255})"|([!#-~]{1,255})')
_SECONDS = re.compile(r"\d{1,4}(\.\d{1,3})?")
Answer = Callable[[Request, str], Awaitable[Response]]


class JobRoutes:
    """The routes of jobs of one server."""

    def __init__(
        self,
        store: JobStore,
        reader: JobReader,
        gate: Gate,
        lifecycle: Lifecycle,
        bodies: Bodies,
        max_wait_seconds: float,
    ) -> None:
        """Answer for this store. max_wait_seconds: of a request for a job that has not ended."""
        self._store = store
        self._reader = reader
        self._gate = gate
        self._lifecycle = lifecycle
        self._bodies = bodies
        self._max_wait_seconds = max(0.0, max_wait_seconds - SPARE_SECONDS)

    def routes(self) -> list[Route]:
        return [
            Route(JOBS, _Methods(self._gate, {"GET": self._page, "POST": self._accept})),
            Route(JOB, _Methods(self._gate, {"GET": self._show, "DELETE": self._cancel})),
        ]

    async def _accept(self, request: Request, caller: str) -> Response:
        scope = request.scope
        headers: Headers = dict(scope["headers"])
        deadline = self._bodies.deadline()
        if not self._lifecycle.warm:
            raise NotReady("the model is still loading, and a job is checked by it", retry_after_seconds=1)
        require_json(headers)
        key = _idempotency_key(headers)
        own: Holding = scope["state"]["holding"].apart()  # the connection's own ends with it
        body = await self._bodies.received(scope, headers, request.receive, deadline)
        scope["state"]["request_bytes"] = len(body)
        job = await read_as(body, lambda json: self._reader.job(json, caller, key), deadline, own)
        del body
        if "has_left" in scope["state"]:
            raise ClientLeft("the client closed the connection while its request was read")
        accepted = await self._store.accept(job)
        location = {"Location": f"{JOBS}/{accepted.id}"}
        if not accepted.existed:
            return _json(accepted_json(accepted.id), 202, location)
        return self._document(scope, await self._store.get(caller, accepted.id), location)

    async def _show(self, request: Request, caller: str) -> Response:
        id = _id(request)
        seconds = min(_wait_seconds(request.query_params), self._max_wait_seconds)
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            left = end - loop.time()
            wait = 0.0 if self._lifecycle.phase == "draining" else max(0.0, min(left, LOOK_SECONDS))
            job = await self._store.get(caller, id, wait)
            if "has_left" in request.scope["state"]:
                raise ClientLeft("the client closed the connection while it waited for a job")
            if job is None or not job.state.is_open or wait == 0 or loop.time() >= end:
                return self._document(request.scope, job)

    async def _cancel(self, request: Request, caller: str) -> Response:
        return self._document(request.scope, await self._store.cancel(caller, _id(request)))

    async def _page(self, request: Request, caller: str) -> Response:
        query = request.query_params
        page = await self._store.page(caller, _state(query), query.get("cursor") or None, _limit(query))
        return _json(page_json(page))

    def _document(self, scope: Scope, job: Job | None, headers: dict[str, str] | None = None) -> Response:
        """Return the answer that shows a job. Raises JobUnknown, or MemoryFull for a result without room."""
        if job is None:
            raise JobUnknown("you have no job of this id: it never was, or its time to be kept is over")
        holding: Holding = scope["state"]["holding"]
        size = len(job.result or b"")
        if not holding.fits(2 * size):
            raise MemoryFull(
                f"the result has {size} bytes, and other requests hold the memory for it",
                retry_after_seconds=1,
            )
        holding.hold_answer(2 * size)
        return _json(job_json(job), headers=headers)


class _Methods:
    """One path with a handler for each of its methods, as an ASGI application.

    The key is required before anything of a request is judged.
    """

    def __init__(self, gate: Gate, answers: dict[str, Answer]) -> None:
        self._gate = gate
        self._answers = {"HEAD": answers["GET"], **answers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = self._answers.get(request.method)
        if answer is None:
            raise HTTPException(405, headers={"Allow": ", ".join(self._answers)})
        caller = self._gate.check(scope, dict(scope["headers"]))
        response = await answer(request, caller)
        await response(scope, receive, send)


def _idempotency_key(headers: Headers) -> str | None:
    sent = headers.get(b"idempotency-key")
    if sent is None:
        return None
    found = _IDEMPOTENCY_KEY.fullmatch(sent.strip())
    if found is None:
        raise InvalidInput("Idempotency-Key must be 1 to 255 printable ASCII characters, as a quoted string")
    return (found[1] or found[2]).decode()


def _id(request: Request) -> str:
    id = str(request.path_params["id"])
    if not _ID.fullmatch(id):
        raise JobUnknown("you have no job of this id: it never was, or its time to be kept is over")
    return id


def _wait_seconds(query: QueryParams) -> float:
    text = query.get("wait", "0")
    if not _SECONDS.fullmatch(text) or float(text) > 3600:
        raise InvalidInput("wait must be the seconds to wait at most, a number from 0 to 3600")
    return float(text)


def _state(query: QueryParams) -> JobState | None:
    text = query.get("state")
    if not text:
        return None
    try:
        return JobState(text)
    except ValueError:
        raise InvalidInput(f"state must be one of {', '.join(JobState)}") from None


def _limit(query: QueryParams) -> int:
    text = query.get("limit", str(DEFAULT_PAGE))
    if not re.fullmatch(r"\d{1,4}", text) or not 1 <= int(text) <= MAX_PAGE:
        raise InvalidInput(f"limit must be a whole number from 1 to {MAX_PAGE}")
    return int(text)


def _json(content: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    no_store = {"Cache-Control": "no-store"}
    return Response(content, status, {**no_store, **(headers or {})}, "application/json")
