"""What one process knows of its model's quality, from what it predicted since its start."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import Observation
from ..faults import BadModel
from ..manifest import Manifest
from .bins import EDGES, bin_of
from .drift import Sum, class_sums, range_sums, rank_sums, stability_index
from .feedback import Feedback

# The index is that of this many predictions, the newest.
RECENT = 1000
# Of one call so many texts are counted, the first: a call of a thousand would hold the event loop for long.
MOST_OF_A_CALL = 100
RANGE = "range"
BINS_OF_RANGE = 2  # rows inside, rows with a value outside
# An alarm stands for this many predictions.
ALARM_LASTS = 5000


class Signal:
    """One thing that is counted of each prediction, over bins."""

    def __init__(self, bins: int, reference: Sequence[int] | None, sums: Sequence[Sum]) -> None:
        self.counts = [0] * bins
        self.reference = reference
        self._sums = sums
        self._recent: deque[int] = deque(maxlen=RECENT)
        self.alarms = 0
        self._standing = 0

    def add(self, place: int) -> None:
        self.counts[place] += 1
        if self.reference is None:
            return
        self._recent.append(place)
        if self._standing:
            self._standing -= 1
        for each in self._sums:
            if each.add(place):
                self.alarms += 1
                self._standing = ALARM_LASTS

    @property
    def has_drifted(self) -> bool:
        """Return whether an alarm was raised a short while ago."""
        return self._standing > 0

    def stability_index(self) -> float | None:
        """Return the PSI of the newest predictions; None without a reference or predictions."""
        recent = list(self._recent)
        if self.reference is None or not recent:
            return None
        counts = [0] * len(self.counts)
        for place in recent:
            counts[place] += 1
        return stability_index(self.reference, counts)


class Quality:
    """Counts predictions on the event loop's thread; any thread may read."""

    def __init__(self, manifest: Manifest, feedback: Feedback) -> None:
        """Count for this model. Raises BadModel if its reference has other bins."""
        self.labels: Sequence[str] = getattr(manifest, "labels", ())
        self.feedback = feedback
        self.predictions = 0
        self._places = {label: place for place, label in enumerate(self.labels)}
        names = ["class", "confidence"] if self.labels else []
        names += ["length", "unknown"] if hasattr(manifest, "max_tokens") else []
        ranges = manifest.reference.columns if manifest.reference else {}
        names += [RANGE] if ranges else []
        self.out_of_range = dict.fromkeys(ranges, 0)
        """Values outside the reference's ranges, by column."""
        self.signals = {name: self._signal(name, manifest) for name in names}

    def _signal(self, name: str, manifest: Manifest) -> Signal:
        bins = {"class": len(self.labels), RANGE: BINS_OF_RANGE}.get(name) or len(EDGES[name])
        counts = manifest.reference.signals.get(name) if manifest.reference else None  # pyright: ignore[reportArgumentType, reportCallIssue]
        if not counts or not sum(counts):
            return Signal(bins, None, ())
        if len(counts) != bins:
            raise BadModel(
                f"the manifest's reference.signals.{name} has {len(counts)} counts; this model needs {bins}. "
                "Write the reference again: `slipway model reference`."
            )
        sums = {"class": class_sums, RANGE: range_sums}.get(name, rank_sums)
        return Signal(bins, counts, sums(counts))

    def observe(self, request_id: str, observations: Sequence[Observation]) -> None:
        """Count the predictions of one answered call."""
        for each in observations[:MOST_OF_A_CALL]:
            self._count(each)
        if self.labels and observations:
            self.feedback.keep(request_id, [each.label or "" for each in observations])

    def _count(self, seen: Observation) -> None:
        self.predictions += 1
        signals = self.signals
        if seen.label is not None and seen.confidence is not None and self.labels:
            signals["class"].add(self._places[seen.label])
            signals["confidence"].add(bin_of(EDGES["confidence"], seen.confidence))
        if seen.outside is not None and RANGE in signals:
            signals[RANGE].add(int(bool(seen.outside)))
            for column in seen.outside:
                self.out_of_range[column] += 1
        if seen.tokens and "length" in signals:
            signals["length"].add(bin_of(EDGES["length"], seen.tokens))
            signals["unknown"].add(bin_of(EDGES["unknown"], seen.unknown_tokens / seen.tokens))

    def report(self) -> dict[str, Any]:
        """Return everything as JSON."""
        return {
            "predictions": self.predictions,
            "labels": list(self.labels),
            "signals": {name: _signal_report(signal) for name, signal in self.signals.items()},
            "out_of_range": dict(self.out_of_range),
            "feedback": self._feedback_report(),
        }

    def _feedback_report(self) -> dict[str, Any]:
        outcomes = dict(self.feedback.outcomes)
        return {
            "waiting": self.feedback.waiting,
            "given": sum(outcomes.values()),
            "right": right_answers(outcomes),
            "labels": {label: _rates(label, outcomes) for label in self.labels},
        }


def right_answers(outcomes: Mapping[tuple[str, str], int]) -> int:
    """Return how many predictions were the true label. outcomes: (predicted, true) -> predictions."""
    return sum(count for (predicted, true), count in outcomes.items() if predicted == true)


def _signal_report(signal: Signal) -> dict[str, Any]:
    return {
        "counts": list(signal.counts),
        "psi": signal.stability_index(),
        "has_reference": signal.reference is not None,
        "has_drifted": signal.has_drifted,
        "alarms": signal.alarms,
    }


def _rates(label: str, outcomes: Mapping[tuple[str, str], int]) -> dict[str, float | int | None]:
    """Return precision and recall of a label; None where no feedback has it."""
    right = outcomes.get((label, label), 0)
    predicted = sum(count for (found, _), count in outcomes.items() if found == label)
    true = sum(count for (_, wanted), count in outcomes.items() if wanted == label)
    return {
        "predicted": predicted,
        "true": true,
        "right": right,
        "precision": right / predicted if predicted else None,
        "recall": right / true if true else None,
    }
