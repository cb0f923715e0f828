"""What is recorded of requests once they are answered: metrics, the model's quality, spans, and a log line.

Several are recorded together, a moment later. At full load the CPUs' caches have forgotten this code by the
next request, so that one by one it took the event loop several times as long.

A line holds nothing that a client can write freely: no text, no path that is not a route's, no query string,
and of the headers its request id and its trace context, in the form that they must have.
"""

import asyncio
import logging
import threading
from typing import Any, NamedTuple

from ..clients import Clients, TraceContext
from ..engine import Phases, Timing
from ..logs import RequestLine, log, log_requests
from ..metrics import Instruments
from ..metrics.instruments import known_method
from ..quality import Quality
from ..traces import Traces
from .live_routes import LIVE
from .probes import PROBES

# So many, or for so long, wait to be recorded together.
HELD_REQUESTS, HELD_SECONDS = 64, 0.05
# Who reads what is recorded waits for an event loop that is full at most this long.
SETTLE_SECONDS = 0.25
# What comes every few seconds as long as somebody looks: its lines would hide the others.
FREQUENT = PROBES | {LIVE}
PHASE_FIELDS = ("queue_ms", "compute_ms", "encode_ms")
NO_PHASES: Phases = (None, None, None)


class EndedRequest(NamedTuple):
    """An answered request. started, ended: of `time.perf_counter()`; at: its end in seconds since 1970.

    cause: why it was refused or failed, of a closed list; cut: why its answer is not whole; else empty.
    """

    method: str
    route: str
    status: int
    cause: str
    cut: str
    started: float
    ended: float
    at: float
    request_id: str
    texts: int
    request_bytes: int
    response_bytes: int
    client: str | None
    caller: TraceContext | None
    timing: Timing | None
    phases: Phases


class EndedRequests:
    """Records requests. Event loop's thread only, but for `settle`."""

    def __init__(
        self,
        instruments: Instruments,
        quality: Quality,
        clients: Clients,
        traces: Traces | None = None,
        is_counted: bool = True,
    ) -> None:
        """Record with these.

        clients: reads the clients' addresses. traces: None sends no spans. is_counted: whether the
        instruments count requests.
        """
        self.instruments = instruments
        self._is_counted = is_counted
        self.quality = quality
        self.clients = clients
        self._traces = traces
        self._waiting: list[EndedRequest] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def add(self, request: EndedRequest) -> None:
        """Record a request soon."""
        self._waiting.append(request)
        if len(self._waiting) >= HELD_REQUESTS:
            self.record()
        elif len(self._waiting) == 1:
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(HELD_SECONDS, self.record)

    def record(self) -> None:
        """Record what waits now."""
        waiting, self._waiting = self._waiting, []
        lines: list[RequestLine] = []
        for request in waiting:
            try:
                self._record(request, lines)
            except Exception:  # the others are recorded
                log.exception("A request could not be recorded")
        log_requests(lines)

    def settle(self) -> None:
        """Wait until what waits is recorded, but not for long. Any thread but the event loop's."""
        loop, done = self._loop, threading.Event()
        if loop is None or not self._waiting:
            return

        def record() -> None:
            self.record()
            done.set()

        try:
            loop.call_soon_threadsafe(record)
        except RuntimeError:  # the loop has ended
            return
        done.wait(SETTLE_SECONDS)

    def _record(self, request: EndedRequest, lines: list[RequestLine]) -> None:
        timing, seconds = request.timing, request.ended - request.started
        if self._is_counted:
            cause = request.cause or request.cut
            self.instruments.request_ended(request.method, request.route, request.status, cause, seconds)
            if timing is not None:
                self.instruments.call_ended(request.route, timing, request.phases, request.started)
        if timing is not None and timing.facts is not None:
            self.quality.observe(request.request_id, timing.facts.observations)
        level = logging.DEBUG if request.route in FREQUENT else logging.INFO
        trace_id = self._trace(request)
        if log.isEnabledFor(level):
            lines.append((level, request.at, _line(request, seconds, trace_id)))

    def _trace(self, request: EndedRequest) -> str:
        """Return the id of the request's trace; empty without one."""
        caller = request.caller
        if self._traces is not None and request.route not in FREQUENT and self._traces.samples(caller):
            return self._traces.record(
                known_method(request.method),
                request.route,
                request.status,
                request.cause or request.cut,
                (request.started, request.ended),
                request.timing,
                caller,
            )
        return caller.trace_id if caller is not None else ""


def _line(request: EndedRequest, seconds: float, trace_id: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "method": known_method(request.method),
        "route": request.route,
        "status": request.status,
        "latency_ms": round(seconds * 1000, 3),
        "texts": request.texts,
        "request_bytes": request.request_bytes,
        "response_bytes": request.response_bytes,
        "request_id": request.request_id,
    }
    if trace_id:
        values["trace_id"] = trace_id
    if request.caller is not None:
        values["parent_id"] = request.caller.parent_id
    if request.cause:
        values["cause"] = request.cause
    if request.cut:
        values["cut"] = request.cut
    for name, phase in zip(PHASE_FIELDS, request.phases, strict=True):
        if phase is not None:
            values[name] = round(phase * 1000, 3)
    if request.client is not None:
        values["client"] = request.client
    return values
