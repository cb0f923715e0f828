"""The outermost layer: a request id, one log line per request, and the last catch for every error.

The line holds nothing that a client can write freely: no text, no path that is not a route's, no query
string, and of the headers its request id and its trace context, in the form that they must have.
"""

import asyncio
import logging
import re
import time
from collections.abc import Collection, Mapping
from random import getrandbits
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..clients import Clients, trace_context
from ..engine import Phases, Timing
from ..faults import DrainCut, QueueFull, RequestFault
from ..lifecycle import Lifecycle
from ..logs import fields, log, log_request
from ..metrics import Instruments
from ..metrics.instruments import known_method
from ..quality import Quality
from ..redaction import REDACTION
from ..traces import Traces
from .live_routes import LIVE
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

PROBES = frozenset({"/alive", "/ready", "/health"})
# What comes every few seconds as long as somebody looks: its lines would hide the others.
FREQUENT = PROBES | {LIVE}
OTHER_ROUTE = "other"
PHASE_FIELDS = ("queue_ms", "compute_ms", "encode_ms")
NO_PHASES: Phases = (None, None, None)
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
        instruments: Instruments | None,
        quality: Quality,
        clients: Clients,
        traces: Traces | None = None,
    ) -> None:
        """Wrap `app`.

        posts: path -> handler of its POST requests, which skips the app's layers and their 0.1 ms.
        paths: those of all routes; any other is the route OTHER_ROUTE. clients: reads their addresses.
        instruments, traces: None records nothing.
        """
        self._routes = {path: path for path in paths}
        self._instruments = instruments
        self._quality = quality
        self._clients = clients
        self._traces = traces
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
                    *([(b"connection", b"close")] if self._lifecycle.phase == "draining" else []),
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
        """Record a request that is answered, and log its line."""
        seconds = time.perf_counter() - started
        state = scope["state"]
        route = self._routes.get(scope["path"], OTHER_ROUTE)
        cause: str = state.get("cause") or state.get("cut", "")
        timing: Timing | None = state.get("timing")
        phases = timing.phases() if timing is not None else NO_PHASES
        if self._instruments is not None:
            self._instruments.request_ended(scope["method"], route, status, cause, seconds)
            if timing is not None:
                self._instruments.call_ended(route, timing, phases, started)
        if timing is not None and timing.facts is not None:
            self._quality.observe(request_id.decode(), timing.facts.observations)
        if "sample" in state:
            state["sample"].ended(route, status, request_id, timing and timing.facts)
        caller = trace_context(scope["headers"])
        trace_id = caller.trace_id if caller is not None else ""
        if self._traces is not None and route not in FREQUENT and self._traces.samples(caller):
            method = known_method(scope["method"])
            trace_id = self._traces.record(method, route, status, cause, started, timing, caller)
        level = logging.DEBUG if route in FREQUENT else logging.INFO
        if log.isEnabledFor(level):
            values: dict[str, Any] = {
                "method": known_method(scope["method"]),
                "route": route,
                "status": status,
                "latency_ms": round(seconds * 1000, 3),
                "texts": state.get("texts", 0),
                "request_bytes": state.get("request_bytes", 0),
                "response_bytes": response_bytes,
                "request_id": request_id.decode(),
            }
            if trace_id:
                values["trace_id"] = trace_id
            if caller is not None:
                values["parent_id"] = caller.parent_id
            self._complete(values, scope, phases)
            log_request(level, values)

    def _complete(self, values: dict[str, Any], scope: Scope, phases: Phases) -> None:
        """Add what not every line has."""
        state, headers, client = scope["state"], scope["headers"], scope["client"]
        for name in ("cause", "cut"):
            if name in state:
                values[name] = state[name]
        for name, seconds in zip(PHASE_FIELDS, phases, strict=True):
            if seconds is not None:
                values[name] = round(seconds * 1000, 3)
        if client and (address := self._clients.address(client[0], headers)) is not None:
            values["client"] = address


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_ID.fullmatch(value) and REDACTION.is_harmless(value.decode()):
            return value
    return b"%032x" % getrandbits(128)  # only has to differ from the others
