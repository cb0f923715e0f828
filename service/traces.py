"""Spans of sampled requests, sent to a collector over OTLP.

Its libraries are loaded only where a collector is set. Spans are made once their request has ended, so one
that is not sampled costs a comparison. A collector that hangs or refuses costs spans, and lines in the log;
requests never wait for it. Attributes are those of the metrics: nothing that was sent.
"""

import threading
import time
from itertools import pairwise
from random import random
from typing import Any

from .clients import TraceContext
from .engine import Timing
from .faults import BadSettings

EXPORT_SECONDS = 5.0
# At the end of the process, the last spans have so long to leave.
LAST_SECONDS = 2.0
MOST_WAITING_SPANS = 2048
NAMES = ("validate", "queue", "compute", "encode")


class Traces:
    """Records spans on the event loop's thread; a thread of its own sends them."""

    def __init__(self, endpoint: str, share: float, service_version: str, model_version: str) -> None:
        """Send to `endpoint`. share: of the requests whose caller has not decided. Raises BadSettings."""
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ALWAYS_ON
        except ImportError:
            raise BadSettings(
                "OTEL_EXPORTER_OTLP_ENDPOINT: set, but this installation has no client for it. Build the "
                "image with --build-arg OTLP=1, or install service/requirements-otlp.txt."
            ) from None
        self._share = share
        self._api: Any = trace
        about = {"service.version": service_version, "model.version": model_version}
        resource = Resource.create(about)  # with what OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES name
        if "unknown_service" in str(resource.attributes.get("service.name")):
            resource = resource.merge(Resource({"service.name": "slipway"}))
        self._provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
        try:
            exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        except Exception as error:  # of a login, which OpenTelemetry loads by name
            raise BadSettings(
                f"OTEL_EXPORTER_OTLP_ENDPOINT: its client does not start: {type(error).__name__}: {error}. "
                "For Google's own endpoint the image needs --build-arg OTLP=google, and the machine an "
                "identity of Google Cloud."
            ) from None
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter,
                max_queue_size=MOST_WAITING_SPANS,
                schedule_delay_millis=1000,
                export_timeout_millis=EXPORT_SECONDS * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("slipway", service_version)

    def samples(self, caller: TraceContext | None) -> bool:
        """Return whether to record a request: as its caller decided, else by chance."""
        return caller.is_sampled if caller is not None else random() < self._share  # noqa: S311 - a sample

    def record(
        self,
        method: str,
        route: str,
        status: int,
        cause: str,
        lasted: tuple[float, float],
        timing: Timing | None,
        caller: TraceContext | None,
    ) -> str:
        """Record a request; return its trace id. lasted: its beginning and end, of `time.perf_counter()`."""
        api, now, wall = self._api, time.perf_counter(), time.time_ns()
        started, ended = lasted

        def at(moment: float) -> int:
            return wall - round((now - moment) * 1e9)

        attributes = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        span = self._tracer.start_span(
            f"{method} {route}",
            context=self._remote(caller),
            kind=api.SpanKind.SERVER,
            start_time=at(started),
            attributes=attributes | ({"error.type": cause} if cause else {}),
        )
        if status >= 500:
            span.set_status(api.StatusCode.ERROR)
        inside = api.set_span_in_context(span)
        for name, begins, ends in _phases(started, timing):
            self._tracer.start_span(name, context=inside, start_time=at(begins)).end(end_time=at(ends))
        span.end(end_time=at(ended))
        return f"{span.get_span_context().trace_id:032x}"

    def _remote(self, caller: TraceContext | None) -> Any:
        """Return the caller's context; an empty one begins a trace."""
        api = self._api
        if caller is None:
            return api.set_span_in_context(api.INVALID_SPAN)
        context = api.SpanContext(
            int(caller.trace_id, 16),
            int(caller.parent_id, 16),
            is_remote=True,
            trace_flags=api.TraceFlags(api.TraceFlags.SAMPLED),
        )
        return api.set_span_in_context(api.NonRecordingSpan(context))

    def stop(self) -> None:
        """Send what waits, but not for long: the process is ending."""
        last = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(LAST_SECONDS)


def _phases(started: float, timing: Timing | None) -> list[tuple[str, float, float]]:
    """Return the phases that ended: name, beginning and end."""
    if timing is None:
        return []
    moments = [started, timing.submitted, timing.computing, timing.computed, timing.encoded]
    ended = [moment for moment in moments if moment]
    return [(name, *pair) for name, pair in zip(NAMES, pairwise(ended), strict=False)]
