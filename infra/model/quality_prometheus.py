"""Adds up what several instances counted of their model versions, from a Prometheus that scrapes them.

A counter begins anew with its process, and Prometheus sees it only at its scrapes. `increase` adds up what
came after a restart, but misses the first value of a counter that began within the window, such as that of a
new instance; it is added here. A counter that Prometheus merely found late, because the instance was older
than the window and could not be scraped at its start, adds nothing before it was found. The sums are right
but for what came between two scrapes, for each start of a process.
"""

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from slipway.infra.errors import Failed, Refused
from slipway.infra.model.json_answers import json_from, require_http
from slipway.infra.model.quality_counts import LabelCounts, VersionCounts

# The newest are not known; those with most instances are taken.
MOST_VERSIONS = 20
# service/metrics/quality_readings.py: of a model with more labels the later ones are counted together.
MOST_LABELS, OTHER_LABELS = 50, "other"
LEAST_SECONDS, MOST_SECONDS = 60, 366 * 86_400
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")  # of RE2's syntax
_INFO = "slipway_model_info"
_MATCHER = r'[A-Za-z_][A-Za-z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"'
_MATCHERS = re.compile(rf"\s*{_MATCHER}(?:\s*,\s*{_MATCHER})*\s*")


class VectorSample(NamedTuple):
    """One element of an instant vector."""

    labels: Mapping[str, str]
    value: float

    @property
    def version(self) -> str:
        return self.label("model_version")

    def label(self, name: str) -> str:
        """Return the value of a label; nothing if the series has none, as Prometheus means it."""
        return self.labels.get(name, "")


@dataclass(frozen=True, slots=True)
class DriftReading:
    """One signal of a version. drifted, instances: how many raise an alarm, of how many that are up."""

    instances: int
    drifted: int = 0
    psi: float | None = None


@dataclass(frozen=True, slots=True)
class VersionReading:
    """What is known of a version. instances: that were scraped in the window, also those that have ended."""

    counts: VersionCounts
    instances: int
    median_confidence: float | None = None
    median_tokens: float | None = None
    drift: Mapping[str, DriftReading] = field(default_factory=dict[str, DriftReading])


@dataclass(frozen=True, slots=True)
class FoundVersions:
    """The versions, those with most requests first. versions_in_all: also those that were left out."""

    versions: Sequence[VersionReading]
    versions_in_all: int


class Prometheus:
    """Asks a Prometheus, or what speaks its HTTP API, for instant vectors at one moment."""

    def __init__(self, url: str, token: str) -> None:
        """Ask at `url`, with a bearer token unless it is empty. Raises Refused for another than HTTP."""
        require_http("--prometheus", url)
        self._address = f"{url.rstrip('/')}/api/v1/query"
        self._token = token
        self.now = 0.0
        times = self.instant("vector(time())")
        self.now = times[0].value if times else time.time()
        """The server's own time, at which everything is asked."""

    def instant(self, query: str) -> list[VectorSample]:
        """Return the vector of a query. Raises Failed."""
        form = {"query": query} | ({"time": f"{self.now:.3f}"} if self.now else {})
        found = json_from(self._address, self._token, _hint, form)
        try:
            if found["status"] != "success" or found["data"]["resultType"] != "vector":
                raise KeyError
            if found.get("warnings"):
                raise Failed(f"{self._address} answered in part: {str(found['warnings'][0])[:300]}")
            return [VectorSample(each["metric"], float(each["value"][1])) for each in found["data"]["result"]]
        except (KeyError, IndexError, TypeError, ValueError):
            raise Failed(f"{self._address} did not answer as Prometheus does.") from None


def _hint(status: int, body: str) -> str:
    if status in (401, 403):
        return "Set PROMETHEUS_TOKEN to a token that may query it."
    found = re.search(r'"error"\s*:\s*"((?:[^"\\]|\\.)*)"', body)
    return f"It says: {found[1][:300]}" if found else "This address may be no Prometheus."


def readings_of(
    prometheus: Prometheus, start: Callable[[float], float], where: str, wanted: Sequence[str]
) -> FoundVersions:
    """Read the versions that were served since a moment.

    start: returns the moment in Unix seconds, given the server's time. where: matchers of PromQL that each
    series must have, or nothing. wanted: the only versions to read, or none: all. Raises Refused or Failed.
    """
    if where and not _MATCHERS.fullmatch(where):
        raise Refused(
            f'--where is {where!r}; allowed are matchers of PromQL, such as namespace="prod",job="slipway".'
        )
    seconds = round(prometheus.now - start(prometheus.now))
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise Refused(
            f"--since is {seconds} seconds before the time of Prometheus; allowed are {LEAST_SECONDS} to "
            f"{MOST_SECONDS}."
        )
    served = f"last_over_time({_INFO}{{{where}}}[{seconds}s])"
    in_all = prometheus.instant(f"count(count by (model_version) ({served}))")
    if not in_all:
        raise Failed(
            f"Prometheus has no {_INFO} of the last {seconds} seconds{' with ' + where if where else ''}: "
            "either it does not scrape the metrics page, or --where and --since leave nothing."
        )
    names = [*wanted] or [
        each.version
        for each in prometheus.instant(f"topk({MOST_VERSIONS}, count by (model_version) ({served}))")
    ]
    window = _Window(prometheus, seconds, where, names)
    found = [each for each in window.versions() if each.instances]
    if missing := {*names} - {each.counts.model_version for each in found}:
        raise Refused(f"Prometheus knows no model version {', '.join(sorted(missing))} since then.")
    found.sort(key=lambda each: (-each.counts.requests, each.counts.model_version))
    return FoundVersions(found, round(in_all[0].value))


def added(series: str, by: Sequence[str], where: str, seconds: int, now: float) -> tuple[str, str]:
    """Return two queries whose sum is what counters were increased by in the last seconds.

    The first adds up increases, across restarts. The second adds the first values of counters that began:
    they were not there at the window's start, and their instance was, or its process is younger than that.
    """
    window, before = f"[{seconds}s]", f"offset {seconds}s"
    began = (
        f"(min_over_time({series}{window}) unless {series} {before}) and on (job, instance) "
        f"({_INFO}{{{where}}} {before} or "
        f"last_over_time(process_start_time_seconds{{{where}}}{window}) >= {now - seconds:.3f})"
    )
    labels = ", ".join(by)
    return f"sum by ({labels}) (increase({series}{window}))", f"sum by ({labels}) ({began})"


class _Window:
    """Reads metrics of some versions over the last seconds."""

    def __init__(self, prometheus: Prometheus, seconds: int, where: str, versions: Sequence[str]) -> None:
        pattern = "|".join(_SPECIAL.sub(r"\\\g<0>", version) for version in versions)
        # A string of PromQL has the escapes of Go's, of which JSON's are a part.
        quoted = json.dumps(pattern, ensure_ascii=False)
        self._matchers = f"{where + ',' if where else ''}model_version=~{quoted}"
        self._where = where
        self._prometheus = prometheus
        self._seconds = seconds
        self._names = versions

    def versions(self) -> list[VersionReading]:
        """Return what is known of each version."""
        counts = self._counts()
        served = f"last_over_time({_INFO}{{{self._matchers}}}[{self._seconds}s])"
        instances = self._by_version(f"count by (model_version) ({served})")
        confidence, tokens = (self._medians(f"slipway_{name}") for name in ("confidence", "input_tokens"))
        drift = self._drift()
        return [
            VersionReading(
                counts[name],
                round(instances.get(name, 0)),
                confidence.get(name),
                tokens.get(name),
                drift.get(name, {}),
            )
            for name in self._names
        ]

    def _counts(self) -> dict[str, VersionCounts]:
        requests = self._added("slipway_model_requests_total", "outcome")
        judged = self._added("slipway_judged_predictions_total", "outcome")
        predictions = self._added("slipway_predictions_total", "label")
        pairs = self._added("slipway_feedback_total", "predicted", "label")
        found: dict[str, VersionCounts] = {}
        for name in self._names:
            failed = requests.get((name, "failed"), 0)
            right = judged.get((name, "right"), 0)
            shares = {label: count for (version, label), count in predictions.items() if version == name}
            outcomes = {key[1:]: count for key, count in pairs.items() if key[0] == name}
            found[name] = VersionCounts(
                name,
                failed + requests.get((name, "answered"), 0),
                failed,
                right + judged.get((name, "wrong"), 0),
                right,
                _labels(shares, outcomes),
            )
        return found

    def _added(self, metric: str, *by: str) -> dict[tuple[str, ...], int]:
        """Return what was counted in the window, by version and these labels."""
        names = ("model_version", *by)
        series = f"{metric}{{{self._matchers}}}"
        sums: dict[tuple[str, ...], float] = {}
        for query in added(series, names, self._where, self._seconds, self._prometheus.now):
            for each in self._prometheus.instant(query):
                key = tuple(each.label(name) for name in names)
                sums[key] = sums.get(key, 0) + each.value
        return {key: round(value) for key, value in sums.items() if math.isfinite(value)}

    def _medians(self, metric: str) -> dict[str, float]:
        buckets = f"increase({metric}_bucket{{{self._matchers}}}[{self._seconds}s])"
        return self._by_version(f"histogram_quantile(0.5, sum by (model_version, le) ({buckets}))")

    def _by_version(self, query: str) -> dict[str, float]:
        found = self._prometheus.instant(query)
        return {each.version: each.value for each in found if math.isfinite(each.value)}

    def _drift(self) -> dict[str, dict[str, DriftReading]]:
        by, of = "by (model_version, signal)", f"{{{self._matchers}}}"
        queries = (f"count {by} (slipway_drift{of})", f"sum {by} (slipway_drift{of})")
        instances, drifted, psi = (
            {(each.version, each.label("signal")): each.value for each in self._prometheus.instant(query)}
            for query in (*queries, f"max {by} (slipway_drift_psi{of})")
        )
        found: dict[str, dict[str, DriftReading]] = {}
        for key, count in sorted(instances.items()):
            reading = DriftReading(round(count), round(drifted.get(key, 0)), psi.get(key))
            found.setdefault(key[0], {})[key[1]] = reading
        return found


def _labels(
    predictions: Mapping[str, int], outcomes: Mapping[tuple[str, ...], int]
) -> dict[str, LabelCounts]:
    """Return the counts of each label. outcomes: (predicted, true) -> predictions."""
    found: dict[str, LabelCounts] = {}
    for label in sorted({*predictions, *(each for pair in outcomes for each in pair)}):
        count = predictions.get(label, 0)
        if label == OTHER_LABELS and len(predictions) > MOST_LABELS:
            found[label] = LabelCounts(count)  # which of them is right is not known
            continue
        predicted = sum(number for (first, _), number in outcomes.items() if first == label)
        true = sum(number for (_, second), number in outcomes.items() if second == label)
        found[label] = LabelCounts(count, predicted, true, outcomes.get((label, label), 0))
    return found
