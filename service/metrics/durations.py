"""Histograms of seconds that the event loop's thread alone fills.

An observation is a search among the bounds and two additions: the library's own locks and checks for each,
several times a request, took more of the event loop's time than all else that is recorded.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString  # pyright: ignore[reportUnknownVariableType]

# From what a small model takes to the longest that a request may take by default.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
BOUNDS = (*SECONDS, float("inf"))
NAMES_OF_BOUNDS = tuple(floatToGoString(bound) for bound in BOUNDS)


class Durations:
    """One series. Filled by one thread, read by any."""

    __slots__ = ("_counts", "sum")

    def __init__(self) -> None:
        self._counts = [0] * len(BOUNDS)
        self.sum = 0.0

    def observe(self, seconds: float) -> None:
        self._counts[bisect_left(SECONDS, seconds)] += 1
        self.sum += seconds

    def up_to_bounds(self) -> list[int]:
        """Return how many took up to each of BOUNDS."""
        return list(accumulate(self._counts))


class DurationsFamily(Collector):
    """The series of one name, one for each combination of labels."""

    def __init__(self, name: str, text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._name = name
        self._text = text
        self._labels = tuple(labels)
        self._series: dict[tuple[str, ...], Durations] = {}
        registry.register(self)

    def of(self, *values: str) -> Durations:
        """Return the series with these values of the labels, in their order; it is made where it is new."""
        return self._series.setdefault(values, Durations())

    def series(self) -> Iterator[tuple[dict[str, str], Durations]]:
        """Yield the labels of each series, and the series. Any thread."""
        for values, series in list(self._series.items()):
            yield dict(zip(self._labels, values, strict=True)), series

    def describe(self) -> list[Metric]:
        return [self._family()]

    def collect(self) -> Iterator[Metric]:
        family: Any = self._family()
        for values, series in list(self._series.items()):
            total = series.sum
            buckets = list(zip(NAMES_OF_BOUNDS, series.up_to_bounds(), strict=True))
            family.add_metric(values, buckets=buckets, sum_value=total)
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._text, labels=self._labels)
