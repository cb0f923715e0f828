"""What was counted of one model version, whether one server reports it or Prometheus adds it up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from slipway.infra.model.sequential import Proportion


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Counts of one label. predicted, true, right: of the predictions whose true label was given."""

    predictions: int = 0
    predicted: int = 0
    true: int = 0
    right: int = 0

    @property
    def precision(self) -> Proportion:
        return Proportion(self.right, self.predicted)

    @property
    def recall(self) -> Proportion:
        return Proportion(self.right, self.true)


@dataclass(frozen=True, slots=True)
class VersionCounts:
    """Counts of a model version. judged: predictions whose true label was given; failed: 429 or 5xx."""

    model_version: str
    requests: int = 0
    failed: int = 0
    judged: int = 0
    right: int = 0
    labels: Mapping[str, LabelCounts] = field(default_factory=dict[str, LabelCounts])

    @property
    def labelled(self) -> int:
        """Return the number of predictions of all labels."""
        return sum(each.predictions for each in self.labels.values())

    @property
    def failures(self) -> Proportion:
        return Proportion(self.failed, self.requests)

    @property
    def accuracy(self) -> Proportion:
        return Proportion(self.right, self.judged)

    def share(self, label: str) -> Proportion:
        return Proportion(self._label(label).predictions, self.labelled)

    def precision(self, label: str) -> Proportion:
        return self._label(label).precision

    def recall(self, label: str) -> Proportion:
        return self._label(label).recall

    def _label(self, label: str) -> LabelCounts:
        return self.labels.get(label, LabelCounts())


def counts_of(report: Mapping[str, Any]) -> VersionCounts:
    """Return the counts in what a server answers at /quality."""
    answers: Mapping[str, int] = report.get("answers") or {}
    feedback: Mapping[str, Any] = report["feedback"]
    predictions = report["signals"].get("class", {}).get("counts", ())
    known: Mapping[str, Mapping[str, int]] = feedback["labels"]
    labels = {
        label: LabelCounts(
            count, known[label]["predicted"], known[label]["true"], known[label].get("right", 0)
        )
        for label, count in zip(report["labels"], predictions, strict=False)
    }
    return VersionCounts(
        report["model_version"],
        answers.get("requests", 0),
        answers.get("failed", 0),
        feedback["given"],
        feedback.get("right", 0),
        labels,
    )
