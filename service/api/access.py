"""The outermost layer: a request id, a record of each request, and the last catch for every error."""

import asyncio
import re
import time
from collections.abc import Collection, Mapping
from random import getrandbits

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..clients import trace_context
from ..engine import Timing
from ..faults import DrainCut, QueueFull, RequestFault
from ..lifecycle import Lifecycle
from ..logs import fields, log
from ..redaction import REDACTION
from .ended import NO_PHASES, EndedRequest, EndedRequests
from .predict import Predict
from .problems import (
    CAUSES,
    INTERNAL,
    MEDIA_TYPE,
    fault_response,
    internal_response,
    name_cause,
    problem_json,
)

OTHER_ROUTE = "other"
SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
Headers = list[tuple[bytes, bytes]]
NOSNIFF = (b"x-content-type-options", b"nosniff")


class AccessLog:
    def __init__(
        self,
        app: ASGIApp,
        posts: Mapping[str, Predict],
        lifecycle: Lifecycle,
        paths: Collection[str],
        ended: EndedRequests,
    ) -> None:
        """Wrap `app`.

        posts: path -> handler of its POST requests, which skips the app's layers and their 0.1 ms.
        paths: those of all routes; any other is the route OTHER_ROUTE. ended: records what is answered.
        """
        self._routes = {path: path for path in paths}
        self._requests = ended
        self._app = app
        self._posts = posts
        self._lifecycle = lifecycle

    def refused_at_once(self, scope: Scope) -> tuple[Headers, bytes] | None:
        """Return headers and body of a 429 if a POST finds no place in the queue; None if it may go on.

        Called when only the head has arrived. Under overload most requests end here: a task and an exchange
        for each would take the CPUs from the model.
        """
        started = time.perf_counter()
        post = self._posts.get(scope["path"])
        if post is None or self._lifecycle.phase == "draining" or (full := post.refusal(scope)) is None:
            return None
        request_id = _request_id(scope)
        body = problem_json(CAUSES[QueueFull], full.detail)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"retry-after", b"%d" % (full.retry_after_seconds or 1)),
            (b"x-request-id", request_id),
            NOSNIFF,
        ]
        name_cause(scope["state"], CAUSES[QueueFull])
        self._ended(scope, CAUSES[QueueFull].status, started, request_id, len(body))
        return headers, body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = response_bytes = 0

        async def send_tagged(message: Message) -> None:
            nonlocal status, response_bytes
            if message["type"] == "http.response.body":
                response_bytes += len(message.get("body", b""))
            elif message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id),
                    NOSNIFF,
                    *([(b"connection", b"close")] if self._lifecycle.ends_connections else []),
                ]
            await send(message)

        try:
            app = self._posts.get(scope["path"], self._app) if scope["method"] == "POST" else self._app
            await app(scope, receive, send_tagged)
        except RequestFault as fault:
            if not status:
                name_cause(scope["state"], CAUSES[type(fault)])
                await fault_response(fault)(scope, receive, send_tagged)
            # Its frames hold the call, and the call holds it: all would wait for the garbage collector.
            fault.__traceback__ = None
        except asyncio.CancelledError:
            if not status:
                name_cause(scope["state"], CAUSES[DrainCut])
                await fault_response(DrainCut("the server shut down before the answer was ready"))(
                    scope, receive, send_tagged
                )
        except Exception:
            log.exception("Unexpected error", extra=fields(request_id=request_id.decode()))
            if not status:
                name_cause(scope["state"], INTERNAL)
                await internal_response()(scope, receive, send_tagged)
        finally:
            self._ended(scope, status, started, request_id, response_bytes)

    def _ended(
        self, scope: Scope, status: int, started: float, request_id: bytes, response_bytes: int
    ) -> None:
        """Leave what is recorded of a request that is answered."""
        ended = time.perf_counter()
        state, client, headers = scope["state"], scope.get("client"), scope["headers"]
        timing: Timing | None = state.get("timing")
        route = self._route_of(scope["path"])
        if "sample" in state:
            state["sample"].ended(route, status, request_id, timing and timing.facts)
        self._requests.add(
            EndedRequest(
                method=scope["method"],
                route=route,
                status=status,
                cause=state.get("cause", ""),
                cut=state.get("cut", ""),
                started=started,
                ended=ended,
                at=time.time(),
                request_id=request_id.decode(),
                texts=state.get("texts", 0),
                request_bytes=state.get("request_bytes", 0),
                response_bytes=response_bytes,
                client=self._requests.clients.address(client[0], headers) if client else None,
                caller=trace_context(headers),
                timing=timing,
                phases=timing.phases() if timing is not None else NO_PHASES,
            )
        )

    def _route_of(self, path: str) -> str:
        """Return the route of a path, with `{id}` for the last part of one that names a thing."""
        return self._routes.get(path) or self._routes.get(f"{path.rpartition('/')[0]}/{{id}}", OTHER_ROUTE)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_ID.fullmatch(value) and REDACTION.is_harmless(value.decode()):
            return value
    return b"%032x" % getrandbits(128)  # only has to differ from the others
