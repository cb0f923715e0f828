"""Counts the requests, failures and times of one version, from samples of the server's metrics. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DURATION = "http_server_request_duration_seconds"
FIRST_TOKEN = "slipway_time_to_first_token_seconds"  # noqa: S105 of a text, not of a login
# service/api/access.py: what the commands, a supervisor and an open page request themselves.
UNCOUNTED = frozenset({"/alive", "/ready", "/health", "/live", "/metrics", "/page-link"})
# service/api/problems.py: the causes of early refusals that are the server's own.
FULL = frozenset({"memory-full", "connections-full"})


@dataclass
class ServerCounts:
    """What a page has counted. buckets: histogram -> upper bound in seconds -> answers up to it.

    failures: answers with 429 or 5xx; what a client sent wrong is none. gauges: the values without labels.
    """

    requests: float = 0
    failures: float = 0
    buckets: dict[str, dict[float, float]] = field(default_factory=dict[str, dict[float, float]])
    gauges: dict[str, float] = field(default_factory=dict[str, float])

    def add(self, name: str, labels: Mapping[str, str], value: float) -> None:
        if not labels:
            self.gauges[name] = value
        elif name == "slipway_drift":
            self.gauges[name] = max(value, self.gauges.get(name, 0))
        elif name == "slipway_early_refusals_total" and labels["error_type"] in FULL:
            self.requests, self.failures = self.requests + value, self.failures + value
        elif name.startswith(DURATION) and labels["http_route"] not in UNCOUNTED:
            status = int(labels["http_response_status_code"])
            if name == f"{DURATION}_count":
                self.requests += value
                self.failures += value if status == 429 or status >= 500 else 0
            elif name == f"{DURATION}_bucket" and status < 400:
                self._count(DURATION, labels, value)
        elif name == f"{FIRST_TOKEN}_bucket":
            self._count(FIRST_TOKEN, labels, value)

    def _count(self, histogram: str, labels: Mapping[str, str], value: float) -> None:
        counts = self.buckets.setdefault(histogram, {})
        bound = float(labels["le"])
        counts[bound] = counts.get(bound, 0) + value

    def since(self, before: "ServerCounts") -> "ServerCounts":
        """Return what came after; gauges as they are now."""
        buckets = {
            name: {
                bound: count - before.buckets.get(name, {}).get(bound, 0) for bound, count in counts.items()
            }
            for name, counts in self.buckets.items()
        }
        return ServerCounts(
            self.requests - before.requests, self.failures - before.failures, buckets, self.gauges
        )
