"""What is read at a scrape: the queue, connections, threads, memory, the model.

The counts of refusals and cuts are kept by `Connections`, so a request under way pays for none of this.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from ..connections import Connections
from ..engine import Engine
from ..lifecycle import Lifecycle
from ..logs import dropped_lines
from ..machine import usable_memory_bytes, used_memory_bytes
from ..manifest import Manifest

STATES = ("loading", "ready", "draining")


@dataclass(eq=False, slots=True)  # the registry keeps it by identity
class Readings(Collector):
    """Reads the parts of the server. Any thread.

    active: returns the number of requests under way.
    """

    engine: Engine
    connections: Connections
    lifecycle: Lifecycle
    manifest: Manifest
    service_version: str
    active: Callable[[], int]

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        yield from self._queue()
        yield from self._connections()
        yield from self._threads()
        yield from self._process()
        yield from self._identity()

    def _queue(self) -> Iterator[Metric]:
        queue = self.engine.queue()
        account = self.connections.account
        yield _gauge("http_server_active_requests", "Requests under way.", self.active())
        yield _gauge("slipway_queue_calls", "Calls in the queue.", queue.calls)
        yield _gauge("slipway_queue_calls_limit", "Calls above which others get 429.", queue.max_calls)
        yield _gauge("slipway_queue_tokens", "Tokens of the calls in the queue, estimated.", queue.tokens)
        yield _gauge("slipway_queue_tokens_limit", "Tokens above which others get 429.", queue.max_tokens)
        yield _gauge(
            "slipway_queue_oldest_seconds", "Age of the oldest call in the queue.", queue.oldest_seconds
        )
        yield _gauge(
            "slipway_held_bytes", "Bytes that requests and answers hold in memory.", account.held_bytes
        )
        yield _gauge("slipway_held_bytes_limit", "Bytes above which others get 429.", account.limit_bytes)

    def _connections(self) -> Iterator[Metric]:
        places = self.connections
        yield _gauge("slipway_open_connections", "Open connections.", places.count)
        yield _gauge("slipway_open_connections_limit", "Places for connections.", places.limits.most)
        yield _counters(
            "slipway_early_refusals",
            "Requests that were refused while they were read, and so have no route.",
            "error_type",
            places.refusals,
        )
        yield _counters(
            "slipway_cut_connections",
            "Connections that were closed without an answer, or in the middle of one.",
            "reason",
            places.cuts,
        )

    def _threads(self) -> Iterator[Metric]:
        threads = self.engine.threads.reading()
        yield _gauge("slipway_inference_threads", "Threads that tokenise and compute.", threads.alive)
        yield _gauge("slipway_dead_threads", "Such threads that have ended.", threads.dead)
        yield CounterMetricFamily(
            "slipway_thread_restarts", "Restarts of such threads after a fault.", value=threads.restarts
        )
        yield _gauge(
            "slipway_longest_turn_seconds",
            "How long the longest turn in progress has lasted.",
            threads.longest_turn_seconds,
        )

    def _process(self) -> Iterator[Metric]:
        lifecycle = self.lifecycle
        yield _gauge(
            "slipway_memory_used_bytes", "Memory of the process that no file backs.", used_memory_bytes()
        )
        yield _gauge("slipway_memory_limit_bytes", "Memory that it may use.", usable_memory_bytes())
        yield CounterMetricFamily(
            "slipway_dropped_log_lines", "Log lines that could not be written.", value=dropped_lines()
        )
        state = GaugeMetricFamily("slipway_state", "1 for the state of the server.", labels=("state",))
        for name in STATES:
            state.add_metric((name,), float(lifecycle.phase == name))
        yield state
        if lifecycle.load_seconds is not None:
            yield _gauge("slipway_model_load_seconds", "Seconds that loading took.", lifecycle.load_seconds)

    def _identity(self) -> Iterator[Metric]:
        manifest, device = self.manifest, self.lifecycle.device
        yield InfoMetricFamily("slipway_build", "The deployed version.", {"version": self.service_version})
        model = {"model": manifest.name, "model_version": manifest.model_version, "task": manifest.task}
        yield InfoMetricFamily("slipway_model", "The model that is served.", model)
        if device is not None:
            found = {"device": device.kind, "gpu": device.gpu or ""}
            yield InfoMetricFamily("slipway_device", "What the model computes on.", found)


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=value)


def _counters(name: str, documentation: str, label: str, counts: Mapping[str, int]) -> Metric:
    family: Any = CounterMetricFamily(name, documentation, labels=(label,))
    for value, count in sorted(dict(counts).items()):
        family.add_metric((value,), count)
    return family
