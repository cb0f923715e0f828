"""Reads the golden signals of a server on this machine from its metrics page.

Rates and quantiles are of the time since the last look, which the run folder keeps, or since the start.
Failures are answers with 429 or 5xx; what a client sent wrong is none. Latency is that of good answers.
"""

import math
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

from slipway.components.local.metrics_page import metrics_port, page_of, samples_of
from slipway.components.local.record import LOOK, RecordError, read_json, write_json
from slipway.components.rollouts.counts import DURATION, FULL, UNCOUNTED

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Look:
    """What a page had counted. at, started: seconds since the epoch. buckets: answers up to each bound."""

    at: float
    started: float
    requests: float = 0
    failures: float = 0
    buckets: dict[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the last look; None without one that can be read."""
        with suppress(RecordError, TypeError):
            content = read_json(folder / LOOK)
            return cls(**content) if content is not None else None
        return None

    def since(self, before: Self | None) -> "Window":
        """Return what was counted after the look before; all of it if that was at another process."""
        if before is None or before.started != self.started or before.at >= self.at:
            return Window("start", self.at - self.started, self.requests, self.failures, self.buckets)
        return Window(
            "last-look",
            self.at - before.at,
            self.requests - before.requests,
            self.failures - before.failures,
            {bound: count - before.buckets.get(bound, 0) for bound, count in self.buckets.items()},
        )


@dataclass(frozen=True, slots=True)
class Window:
    """What was counted in a time. since: `start` or `last-look`."""

    since: str
    seconds: float
    requests: float
    failures: float
    buckets: dict[str, float]


def signals_of(
    folder: Path, server: psutil.Process | None, url: str, limit_bytes: int
) -> dict[str, Any] | None:
    """Return the signals as JSON and keep this look; None where no metrics page answers."""
    port = metrics_port(server, int(url.rpartition(":")[2])) if server else None
    text = page_of(port) if port else None
    if text is None:
        return None
    samples = samples_of(text)
    look, before = look_at(samples, time.time()), Look.read(folder)
    if look is None:
        return None
    with suppress(RecordError, OSError):  # a full disk keeps nobody from looking
        write_json(folder / LOOK, asdict(look))
    return _report(look.since(before), samples, limit_bytes)


def look_at(samples: Iterable[Any], now: float) -> Look | None:
    """Add up a page's samples; None for a page that is not the server's."""
    requests = failures = 0.0
    started, buckets = None, dict[str, float]()
    for each in samples:
        labels: Mapping[str, str] = each.labels
        if each.name == "process_start_time_seconds":
            started = each.value
        elif each.name == "slipway_early_refusals_total" and labels["error_type"] in FULL:
            requests, failures = requests + each.value, failures + each.value
        elif each.name.startswith(DURATION) and labels["http_route"] not in UNCOUNTED:
            status = int(labels["http_response_status_code"])
            if each.name == f"{DURATION}_count":
                requests += each.value
                failures += each.value if status == 429 or status >= 500 else 0
            elif each.name == f"{DURATION}_bucket" and status < 400:
                buckets[labels["le"]] = buckets.get(labels["le"], 0) + each.value
    return None if started is None else Look(now, started, requests, failures, buckets)


def quantile_ms(buckets: Mapping[str, float], share: float) -> float | None:
    """Return a quantile as histogram_quantile of Prometheus does: linear within a bucket."""
    bounds = sorted((float(bound), count) for bound, count in buckets.items())
    if not bounds or not bounds[-1][1]:
        return None
    wanted, low, below = share * bounds[-1][1], 0.0, 0.0
    for bound, count in bounds:
        if count >= wanted and count > below:
            inside = 0.0 if math.isinf(bound) else (bound - low) * (wanted - below) / (count - below)
            return round((low + inside) * 1000, 2)
        low, below = bound, count
    return None


def _report(counted: Window, samples: Iterable[Any], limit_bytes: int) -> dict[str, Any]:
    values = {each.name: each.value for each in samples if not each.labels}
    drift: dict[str, dict[str, Any]] = {}
    for each in samples:
        if each.name == "slipway_drift":
            drift.setdefault(each.labels["signal"], {})["has_drifted"] = each.value > 0
        elif each.name == "slipway_drift_alarms_total":
            drift.setdefault(each.labels["signal"], {})["alarms"] = int(each.value)
    limit = min(limit_bytes, values.get("slipway_memory_limit_bytes", limit_bytes))
    return {
        "since": counted.since,
        "seconds": round(counted.seconds, 1),
        "requests": int(counted.requests),
        "requests_per_second": round(counted.requests / counted.seconds, 2) if counted.seconds > 0 else None,
        "error_share": round(counted.failures / counted.requests, 4) if counted.requests else None,
        "p50_ms": quantile_ms(counted.buckets, 0.5),
        "p99_ms": quantile_ms(counted.buckets, 0.99),
        "queue_calls": int(values.get("slipway_queue_calls", 0)),
        "queue_calls_limit": int(values.get("slipway_queue_calls_limit", 0)),
        "memory_mib": round(values.get("slipway_memory_used_bytes", 0) / _MIB, 1),
        "memory_limit_mib": round(limit / _MIB),
        "drift": drift,
    }


def signal_lines(signals: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the signals for people, as names and values."""
    since = "since the last look" if signals["since"] == "last-look" else "since the start"
    rate, share, p50, p99 = (
        signals[name] for name in ("requests_per_second", "error_share", "p50_ms", "p99_ms")
    )
    failed = "" if share is None else f", {share:.1%} failed"
    yield "requests", f"{rate or 0:g}/s{failed} ({since}, {signals['seconds']:g} s)"
    yield "latency", "no answers in this time" if p50 is None else f"p50 {p50:g} ms, p99 {p99:g} ms"
    yield "queue", f"{signals['queue_calls']} of {signals['queue_calls_limit']} calls"
    yield "memory", f"{signals['memory_mib']:g} of {signals['memory_limit_mib']} MiB"
    drift: Mapping[str, Mapping[str, Any]] = signals["drift"]
    found = [f"{name} ({each['alarms']} alarms)" for name, each in drift.items() if each["has_drifted"]]
    if not drift:
        yield "drift", "no reference; `slipway model reference` writes one"
    else:
        yield "drift", ", ".join(found) if found else "no alarm stands"
