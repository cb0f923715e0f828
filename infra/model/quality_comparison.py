"""Compares two model versions, rate by rate, with intervals that hold together and at all looks."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slipway.infra.model.quality_counts import VersionCounts
from slipway.infra.model.sequential import Difference, Proportion, difference

# The probability that any interval of a comparison ever misses the true difference.
ERROR = 0.05
# So many labels are shown, the most frequent.
MOST_LABELS = 20
# Rates of both versions, and of each label.
_OF_BOTH, _OF_A_LABEL = 2, 3


@dataclass(frozen=True, slots=True)
class ComparedRate:
    """One rate of both versions. difference: None if one of them has no observation."""

    name: str
    label: str | None
    first: Proportion
    second: Proportion
    difference: Difference | None


def compared(first: VersionCounts, second: VersionCounts) -> list[ComparedRate]:
    """Compare two versions, the second with the first.

    The error is divided by the number of rates (Bonferroni), of which the labels alone decide: neither which
    have counts already, nor which are shown.
    """
    labels = {*first.labels, *second.labels}
    error = ERROR / (_OF_BOTH + _OF_A_LABEL * len(labels)) if labels else ERROR
    return [ComparedRate(*rate, difference(rate[2], rate[3], error)) for rate in _rates(first, second)]


def _rates(
    first: VersionCounts, second: VersionCounts
) -> Iterator[tuple[str, str | None, Proportion, Proportion]]:
    yield "failed", None, first.failures, second.failures
    labels = _shown_labels(first, second)
    if not labels:
        return
    yield "accuracy", None, first.accuracy, second.accuracy
    for label in labels:
        yield "share", label, first.share(label), second.share(label)
        yield "precision", label, first.precision(label), second.precision(label)
        yield "recall", label, first.recall(label), second.recall(label)


def _shown_labels(first: VersionCounts, second: VersionCounts) -> Sequence[str]:
    def predictions(label: str) -> int:
        return sum(each.labels[label].predictions for each in (first, second) if label in each.labels)

    return sorted({*first.labels, *second.labels}, key=lambda label: (-predictions(label), label))[
        :MOST_LABELS
    ]


def comparison_json(first: VersionCounts, second: VersionCounts) -> dict[str, Any]:
    """Return the comparison as JSON."""
    return {
        "versions": [first.model_version, second.model_version],
        "confidence": 1 - ERROR,
        "rates": [_rate_json(each) for each in compared(first, second)],
    }


def _rate_json(row: ComparedRate) -> dict[str, Any]:
    found = row.difference
    return {
        "name": row.name,
        "label": row.label,
        "first": asdict(row.first) | {"value": row.first.value},
        "second": asdict(row.second) | {"value": row.second.value},
        "difference": None if found is None else asdict(found) | {"is_shown": found.is_shown},
    }


def comparison_lines(first: VersionCounts, second: VersionCounts) -> Iterator[str]:
    """Yield the comparison for people; differences are in points of a percent."""
    yield f"{second.model_version} compared with {first.model_version}"
    for row in compared(first, second):
        name = f"{row.name} {row.label}" if row.label is not None else row.name
        yield f"  {name:<22} {_percent(row.first)} -> {_percent(row.second)}  {_verdict(row)}"
    yield f"  All intervals hold together, and at every look, with {1 - ERROR:.0%}."


def _percent(rate: Proportion) -> str:
    return "no data" if rate.value is None else f"{rate.value:.2%} of {rate.total:.0f}"


def _verdict(row: ComparedRate) -> str:
    found = row.difference
    if found is None:
        return ""
    low, high = (100 * min(1.0, max(-1.0, bound)) for bound in (found.low, found.high))
    said = ("higher" if found.value > 0 else "lower") if found.is_shown else "no difference shown"
    return f"{100 * found.value:+.2f} points, between {low:+.2f} and {high:+.2f}: {said}"
