"""Counts the requests of a revision from Cloud Monitoring.

cloud.google.com/monitoring/api/metrics_gcp_p_z: run.googleapis.com/request_count and request_latencies (in
milliseconds) are deltas of a minute, for each revision and response code, visible up to three minutes later.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from slipway.components.rollouts.counts import DURATION, ServerCounts
from slipway.infra.targets.cloud_cli import at
from slipway.infra.targets.cloud_run_place import CloudRunPlace
from slipway.infra.targets.google_api import GoogleApi

_COUNT, _LATENCIES = "run.googleapis.com/request_count", "run.googleapis.com/request_latencies"
_TOO_MANY = 429


class RunCounts:
    """The counts of the revisions of one service."""

    def __init__(self, place: CloudRunPlace) -> None:
        self._place = place
        self._api = GoogleApi("MONITORING", "https://monitoring.googleapis.com/")

    def between(self, revision: str, start: float, end: float) -> ServerCounts:
        """Return what a revision answered in the minutes within these times. Raises Failed, Refused."""
        counts = ServerCounts()
        for labels, point in self._points(_COUNT, revision, start, end):
            value, code = int(at(point, "value").get("int64Value", 0)), int(labels.get("response_code", 0))
            counts.requests += value
            counts.failures += value if code == _TOO_MANY or code >= 500 else 0
        buckets: dict[float, float] = {}
        for labels, point in self._points(_LATENCIES, revision, start, end):
            if int(labels.get("response_code", 0)) < 400:
                for bound, count in _up_to(at(point, "value", "distributionValue")):
                    buckets[bound] = buckets.get(bound, 0) + count
        counts.buckets[DURATION] = _cumulative(buckets)
        return counts

    def _points(
        self, metric: str, revision: str, start: float, end: float
    ) -> Iterator[tuple[Mapping[str, Any], dict[str, Any]]]:
        """Yield the labels and the point of each minute that began and ended within these times."""
        place = self._place
        wanted = {
            "service_name": place.service,
            "location": place.region,
            "revision_name": revision,
        }
        words = [f'metric.type="{metric}"', 'resource.type="cloud_run_revision"']
        words += [f'resource.labels.{name}="{value}"' for name, value in wanted.items()]
        query = {
            "filter": " AND ".join(words),
            "interval.startTime": _time(start),
            "interval.endTime": _time(end),
            "view": "FULL",
        }
        token = ""
        while True:
            more = {"pageToken": token} if token else {}
            page = self._api("GET", f"v3/projects/{place.project}/timeSeries", {**query, **more})
            for series in page.get("timeSeries", []):
                for point in series.get("points", []):
                    if _seconds(at(point, "interval").get("startTime")) >= math.floor(start):
                        yield at(series, "metric", "labels"), point
            token = str(page.get("nextPageToken", ""))
            if not token:
                return


def _up_to(distribution: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Yield the upper bound of each bucket in seconds, and its count. RPC google.api.Distribution.

    Bucket 0 is what is below the first bound; trailing empty ones are left out.
    """
    bounds = _bounds(at(distribution, "bucketOptions"))
    for number, count in enumerate(distribution.get("bucketCounts", [])):
        yield (bounds[number] / 1000 if number < len(bounds) else math.inf), float(count)


def _bounds(options: Mapping[str, Any]) -> list[float]:
    if exponential := at(options, "exponentialBuckets"):
        scale, growth = float(exponential["scale"]), float(exponential["growthFactor"])
        return [scale * growth**power for power in range(int(exponential["numFiniteBuckets"]) + 1)]
    if linear := at(options, "linearBuckets"):
        offset, width = float(linear.get("offset", 0)), float(linear["width"])
        return [offset + width * step for step in range(int(linear["numFiniteBuckets"]) + 1)]
    return [float(bound) for bound in at(options, "explicitBuckets").get("bounds", [])]


def _cumulative(buckets: Mapping[float, float]) -> dict[float, float]:
    total, found = 0.0, dict[float, float]()
    for bound in sorted(buckets):
        total += buckets[bound]
        found[bound] = total
    return {**found, math.inf: total} if found else {}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds(text: object) -> float:
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return -math.inf
