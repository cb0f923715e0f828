"""What is read of the model's quality at a scrape."""

from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, product
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from ..quality import Quality
from ..quality.bins import EDGES
from ..quality.quality import right_answers
from .instruments import Answers

# A model may have thousands of labels: the later ones are counted together.
MOST_LABELS = 50
OTHER_LABELS = "other"
MOST_COLUMNS = MOST_LABELS
# Pairs of labels that are shown before their first feedback, from where Prometheus can tell a restart.
MOST_PAIRS_AT_0 = 100
# A column has a name, and so cannot be mistaken for it.
OTHER_COLUMNS = ""
# The bins of lengths are narrower than a graph can show.
MOST_BUCKETS = 17
NAMES = {
    "confidence": ("slipway_confidence", "Probability of the predicted label."),
    "length": ("slipway_input_tokens", "Tokens of a text."),
    "unknown": ("slipway_unknown_tokens_ratio", "Share of a text's tokens that the tokenizer does not know."),
}


class QualityReadings(Collector):
    """Reads a model's quality. Any thread."""

    def __init__(self, quality: Quality, model_version: str, answers: Callable[[], Answers]) -> None:
        """Show them under this version. answers: of the model's own routes."""
        self._quality = quality
        self._version = model_version
        self._answers = answers
        self._labels = [*quality.labels[:MOST_LABELS]]

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        signals = self._quality.signals
        yield self._requests()
        if "class" in signals:
            yield self._predictions(signals["class"].counts)
            yield self._feedback()
            yield self._judged()
        for name, (metric, documentation) in NAMES.items():
            if name in signals:
                yield self._histogram(metric, documentation, EDGES[name], signals[name].counts)
        if self._quality.out_of_range:
            yield self._out_of_range()
        yield from self._drift()

    def _requests(self) -> Metric:
        family: Any = CounterMetricFamily(
            "slipway_model_requests",
            "Requests to the model by outcome; failed ones got 429 or 5xx.",
            labels=("model_version", "outcome"),
        )
        requests, failed = self._answers()
        family.add_metric((self._version, "answered"), requests - failed)
        family.add_metric((self._version, "failed"), failed)
        return family

    def _judged(self) -> Metric:
        """Show from the start what feedback said in all: the pairs of labels appear one by one."""
        family: Any = CounterMetricFamily(
            "slipway_judged_predictions",
            "Predictions whose true label was given, by whether it was predicted.",
            labels=("model_version", "outcome"),
        )
        outcomes = dict(self._quality.feedback.outcomes)
        right = right_answers(outcomes)
        family.add_metric((self._version, "right"), right)
        family.add_metric((self._version, "wrong"), sum(outcomes.values()) - right)
        return family

    def _out_of_range(self) -> Metric:
        family: Any = CounterMetricFamily(
            "slipway_out_of_range_values",
            "Values of a column that the reference did not have.",
            labels=("model_version", "column"),
        )
        counts = list(self._quality.out_of_range.items())
        for column, count in counts[:MOST_COLUMNS]:
            family.add_metric((self._version, column), count)
        if len(counts) > MOST_COLUMNS:
            rest = sum(count for _, count in counts[MOST_COLUMNS:])
            family.add_metric((self._version, OTHER_COLUMNS), rest)
        return family

    def _shown(self, label: str) -> str:
        return label if label in self._labels else OTHER_LABELS

    def _predictions(self, counts: list[int]) -> Metric:
        family: Any = CounterMetricFamily(
            "slipway_predictions", "Predictions by label.", labels=("model_version", "label")
        )
        for label, count in zip(self._labels, counts, strict=False):
            family.add_metric((self._version, label), count)
        if rest := sum(counts[MOST_LABELS:]):
            family.add_metric((self._version, OTHER_LABELS), rest)
        return family

    def _feedback(self) -> Metric:
        family: Any = CounterMetricFamily(
            "slipway_feedback",
            "Predictions whose true label was given.",
            labels=("model_version", "predicted", "label"),
        )
        few = self._labels if len(self._labels) ** 2 <= MOST_PAIRS_AT_0 else ()
        sums: dict[tuple[str, str], int] = dict.fromkeys(product(few, few), 0)
        for (predicted, label), count in dict(self._quality.feedback.outcomes).items():
            key = (self._shown(predicted), self._shown(label))
            sums[key] = sums.get(key, 0) + count
        for (predicted, label), count in sums.items():
            family.add_metric((self._version, predicted, label), count)
        return family

    def _histogram(
        self, name: str, documentation: str, edges: tuple[float, ...], counts: list[int]
    ) -> Metric:
        family: Any = HistogramMetricFamily(name, documentation, labels=("model_version",))
        totals = list(accumulate(counts))
        shown = range(0, len(edges) - 1, max(1, len(edges) // MOST_BUCKETS))
        buckets = [(f"{edges[place]:g}", totals[place]) for place in shown]
        family.add_metric((self._version,), [*buckets, ("+Inf", totals[-1])], sum_value=None)
        return family

    def _drift(self) -> Iterator[Metric]:
        labels = ("model_version", "signal")
        index: Any = GaugeMetricFamily(
            "slipway_drift_psi", "Population stability index of the newest predictions.", labels=labels
        )
        drifted: Any = GaugeMetricFamily(
            "slipway_drift", "1 while an alarm of drift from the reference stands.", labels=labels
        )
        alarms: Any = CounterMetricFamily("slipway_drift_alarms", "Alarms of drift.", labels=labels)
        for name, signal in self._quality.signals.items():
            if signal.reference is None:
                continue
            if (value := signal.stability_index()) is not None:
                index.add_metric((self._version, name), value)
            drifted.add_metric((self._version, name), float(signal.has_drifted))
            alarms.add_metric((self._version, name), signal.alarms)
        yield from (index, drifted, alarms)
