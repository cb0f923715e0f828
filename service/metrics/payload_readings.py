"""What is read of the sampled payloads when the page is asked for."""

from collections.abc import Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from ..payload.sampler import Sampler


class PayloadReadings(Collector):
    """Reads a sampler. Any thread."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        family: Any = CounterMetricFamily(
            "slipway_payload_samples",
            "Sampled payloads that were written to the log, or dropped.",
            labels=("outcome",),
        )
        for outcome, count in self._sampler.counts.items():
            family.add_metric((outcome,), count)
        yield family
