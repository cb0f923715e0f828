"""What is recorded where it happens: the durations of requests and their phases, tokens and batches.

Names, units and buckets follow Prometheus' naming rules and OpenTelemetry's conventions for HTTP servers
(opentelemetry.io/docs/specs/semconv/http/http-metrics). Everything else is read at the scrape
(`readings.py`). Every label has a closed list of values, so no client can make the page grow.
"""

from collections.abc import Collection, Iterator
from math import inf
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from ..engine import Phases, Timing
from .durations import BOUNDS, Durations, DurationsFamily

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
METHODS = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS"})
# As OpenTelemetry names a method that it does not know.
OTHER_METHOD = "_OTHER"
REQUEST_LABELS = ("http_request_method", "http_route", "http_response_status_code", "error_type")
PHASES = ("queue", "compute", "encode")


def is_failure(status: int) -> bool:
    """Return whether an answer is the server's own failure: an error, or a refusal for want of room."""
    return status == 429 or status >= 500


def known_method(method: str) -> str:
    """Return a method of a closed list."""
    return method if method in METHODS else OTHER_METHOD


class Answers(NamedTuple):
    """How many requests were answered, and how many of them with a failure."""

    requests: int
    failed: int


class Instruments:
    """The instruments of one process, and the registry that the page shows."""

    def __init__(self) -> None:
        disable_created_metrics()  # a series more for each, which Prometheus asks for nowhere
        self.registry = CollectorRegistry(auto_describe=False)
        self._requests = DurationsFamily(
            "http_server_request_duration_seconds",
            "Seconds from the end of a request's head to its answer, also of requests that are refused.",
            REQUEST_LABELS,
            self.registry,
        )
        self._phases = DurationsFamily(
            "slipway_phase_duration_seconds",
            "Seconds of a call in a phase: waiting for its turn, being computed, being written as JSON.",
            ("http_route", "phase"),
            self.registry,
        )
        self._first_token = DurationsFamily(
            "slipway_time_to_first_token_seconds",
            "Seconds from a request's arrival to the first token of its answer.",
            ("http_route",),
            self.registry,
        )
        self._tokens = Counter(
            "slipway_tokens",
            "Tokens of the calls that were computed: of what was sent (input), and generated (output).",
            ("http_route", "direction"),
            registry=self.registry,
        )
        self._add_batches()
        # The series are kept here by what is at hand, because making their labels each time takes longer.
        self._of_request: dict[tuple[str, str, int, str], Durations] = {}
        self._of_route: dict[str, _RouteInstruments] = {}

    def _add_batches(self) -> None:
        self._batch_size = Histogram(
            "slipway_batch_size",
            "Texts that were computed together, where the model computes batches.",
            buckets=BATCH_SIZES,
            registry=self.registry,
        )
        self._batch_tokens = Counter(
            "slipway_batch_tokens", "Tokens that were computed in batches.", registry=self.registry
        )
        self._padding_tokens = Counter(
            "slipway_batch_padding_tokens",
            "Padding tokens that batches computed, because their texts were shorter than the longest.",
            registry=self.registry,
        )

    def request_ended(self, method: str, route: str, status: int, cause: str, seconds: float) -> None:
        """Record an answered request. route, cause: of a closed list; an answer has the cause ``."""
        key = (method, route, status, cause)
        series = self._of_request.get(key)
        if series is None:
            series = self._of_request[key] = self._requests.of(
                known_method(method), route, str(status), cause
            )
        series.observe(seconds)

    def counted(self) -> Iterator[tuple[str, int, dict[float, float]]]:
        """Yield route and status of each series of requests, with how many took up to each bound in seconds.

        Any thread.
        """
        for labels, series in self._requests.series():
            counts = dict(zip(BOUNDS, map(float, series.up_to_bounds()), strict=True))
            yield labels["http_route"], int(labels["http_response_status_code"]), counts

    def answers(self, routes: Collection[str]) -> "Answers":
        """Count the answers of these routes. Any thread."""
        counts = [
            (int(bounds[inf]), is_failure(status))
            for route, status, bounds in self.counted()
            if route in routes
        ]
        return Answers(sum(count for count, _ in counts), sum(count for count, failed in counts if failed))

    def call_ended(self, route: str, timing: Timing, phases: Phases, received: float) -> None:
        """Record the phases and the tokens of a call. received: the `time.perf_counter()` of its arrival."""
        instruments = self._of_route.get(route)
        if instruments is None:
            instruments = self._of_route[route] = _RouteInstruments(
                [self._phases.of(route, phase) for phase in PHASES],
                self._tokens.labels(route, "input"),
            )
        instruments.record(timing, phases)
        usage = timing.facts
        if usage is None or not usage.output_tokens:  # nearly always: only generation has more
            return
        self._tokens.labels(route, "output").inc(usage.output_tokens)
        if usage.first_token_at is not None:
            self._first_token.of(route).observe(usage.first_token_at - received)

    def batch_computed(self, texts: int, tokens: int, padded_tokens: int) -> None:
        """Record a batch. Any thread. padded_tokens: its texts times the longest of them."""
        self._batch_size.observe(texts)
        self._batch_tokens.inc(tokens)
        self._padding_tokens.inc(padded_tokens - tokens)


class _RouteInstruments:
    __slots__ = ("_input", "_phases")

    def __init__(self, phases: list[Durations], input_tokens: Counter) -> None:
        self._phases = phases
        self._input = input_tokens

    def record(self, timing: Timing, phases: Phases) -> None:
        for phase, seconds in zip(self._phases, phases, strict=True):
            if seconds is not None:
                phase.observe(seconds)
        if timing.facts is not None:
            self._input.inc(timing.facts.input_tokens)
