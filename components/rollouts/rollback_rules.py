"""Reads the rules by which a rollout goes back, and judges a new version by them.

A rule names a metric of the server: `http_server_request_duration_seconds failures > 1%`, of a histogram
also a quantile in seconds or as a multiple of the old version's (`p99 > 3x`), or a gauge against a number or
a share of its own limit (`slipway_memory_used_bytes > 90%`).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from .counts import DURATION, FIRST_TOKEN, ServerCounts

# Gauge -> that of its limit, both on the metrics page.
GAUGES: Mapping[str, str] = {
    "slipway_memory_used_bytes": "slipway_memory_limit_bytes",
    "slipway_queue_calls": "slipway_queue_calls_limit",
    "slipway_queue_tokens": "slipway_queue_tokens_limit",
    "slipway_held_bytes": "slipway_held_bytes_limit",
    "slipway_open_connections": "slipway_open_connections_limit",
    "slipway_dead_threads": "",
    "slipway_drift": "",
}
DEFAULT_RULES = (
    f"{DURATION} failures > 1%",
    f"{DURATION} p99 > 3x",
    "slipway_memory_used_bytes > 90%",
)
ALLOWED = (
    f"`{DURATION} failures > 1%`, `{DURATION} p99 > 0.5` (seconds) or `> 3x` (of the old version's), the "
    f"same with {FIRST_TOKEN}, or `GAUGE > NUMBER` or `> NUMBER%` of its limit with {', '.join(GAUGES)}"
)
# Fewer requests say nothing of a share.
LEAST_REQUESTS = 50
# Answers above a quantile that it takes to know it.
_ABOVE_QUANTILE = 2
# Standard deviations beyond chance.
_DEVIATIONS = 3
_RULE = re.compile(r"([a-z_]+)(?: (failures|p[0-9]{1,2}))? > ([0-9]{1,9}(?:\.[0-9]{1,6})?)(x|%)?")


@dataclass(frozen=True, slots=True)
class RuleVerdict:
    """is_bad: the rule is broken. is_open: too little is known; reason: of either."""

    is_bad: bool = False
    is_open: bool = False
    reason: str = ""


GOOD = RuleVerdict()


@dataclass(frozen=True, slots=True)
class RollbackRule:
    """One rule. what: `failures`, a quantile such as `p99`, or '' for a gauge. unit: `x`, `%` or ''."""

    text: str
    metric: str
    what: str
    limit: float
    unit: str

    def judge(self, new: ServerCounts, old: ServerCounts) -> RuleVerdict:
        """Judge a version by what it has counted; old: the same of the version before."""
        if not self.what:
            return self._judge_gauge(new)
        return self._judge_failures(new, old) if self.what == "failures" else self._judge_quantile(new, old)

    def _judge_gauge(self, new: ServerCounts) -> RuleVerdict:
        value, limit = new.gauges.get(self.metric), self.limit
        if self.unit == "%":
            limit = limit / 100 * new.gauges.get(GAUGES[self.metric], math.inf)
        if value is None or value <= limit:
            return GOOD  # a page that lacks it is one of a server that has none, such as a tokens' queue
        return RuleVerdict(
            is_bad=True, reason=f"{self.metric} is {value:.10g}, above {limit:.10g} ({self.text})"
        )

    def _judge_failures(self, new: ServerCounts, old: ServerCounts) -> RuleVerdict:
        if new.requests < LEAST_REQUESTS:
            return self._too_few(new.requests, LEAST_REQUESTS)
        share = self.limit / 100
        if self.unit == "x":
            if old.requests < LEAST_REQUESTS:
                return self._too_few(old.requests, LEAST_REQUESTS, "the old version")
            share = self.limit * old.failures / old.requests
        if not _exceeds(new.failures, new.requests, share):
            return GOOD
        told = f"{new.failures:g} of {new.requests:g} requests failed"
        return RuleVerdict(is_bad=True, reason=f"{told} ({self.text})")

    def _judge_quantile(self, new: ServerCounts, old: ServerCounts) -> RuleVerdict:
        above = 1 - int(self.what[1:]) / 100
        least = max(LEAST_REQUESTS, math.ceil(_ABOVE_QUANTILE / above))
        answers, before = new.buckets.get(self.metric, {}), old.buckets.get(self.metric, {})
        if (count := _total(answers)) < least:
            return self._too_few(count, least)
        limit = self.limit
        if self.unit == "x":
            if _total(before) < least:
                return self._too_few(_total(before), least, "the old version")
            limit *= _quantile(before, 1 - above)
        slow = count - _up_to(answers, limit)
        if not _exceeds(slow, count, above):
            return GOOD
        told = f"{slow:.0f} of {count:.0f} answers took longer than {limit * 1000:.1f} ms"
        return RuleVerdict(is_bad=True, reason=f"{told} ({self.text})")

    def _too_few(self, count: float, least: int, whose: str = "it") -> RuleVerdict:
        return RuleVerdict(
            is_open=True, reason=f"{whose} answered {count:.0f} requests, and {self.text} needs {least}"
        )


def read_rule(text: str) -> RollbackRule:
    """Read one rule. Raises ValueError with what is allowed."""
    match = _RULE.fullmatch(text)
    if match is None:
        raise ValueError(ALLOWED)
    metric, what, number, unit = match[1], match[2] or "", float(match[3]), match[4] or ""
    if what == "failures":
        allowed = metric == DURATION and unit != ""
    elif what:
        allowed = metric in (DURATION, FIRST_TOKEN) and unit != "%" and int(what[1:]) > 0
    else:
        allowed = metric in GAUGES and (unit == "" or (unit == "%" and GAUGES[metric] != ""))
    if not allowed:
        raise ValueError(ALLOWED)
    return RollbackRule(text, metric, what, number, unit)


def is_readable_from_requests(text: str) -> bool:
    """Return whether a rule needs only what every cloud counts: failed requests, and how long they took.

    A rule that cannot be read at all counts as one: its own fault says what is allowed.
    """
    try:
        rule = read_rule(text)
    except ValueError:
        return True
    return rule.metric == DURATION


def _exceeds(count: float, total: float, share: float) -> bool:
    """Return whether more of `total` than this share are counted, and more than chance explains."""
    chance = math.sqrt(max(0.0, total * share * (1 - share)))
    return count > total * share + _DEVIATIONS * chance


def _total(buckets: Mapping[float, float]) -> float:
    return buckets.get(math.inf, 0)


def _up_to(buckets: Mapping[float, float], seconds: float) -> float:
    """Return how many took up to so long, linear within a bucket; past the last bound, none is known."""
    low, below = 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if seconds < bound:
            inside = 0.0 if math.isinf(bound) else (seconds - low) / (bound - low)
            return below + inside * (count - below)
        low, below = bound, count
    return below


def _quantile(buckets: Mapping[float, float], share: float) -> float:
    """Return a quantile as histogram_quantile of Prometheus does: linear within a bucket."""
    wanted, low, below = share * _total(buckets), 0.0, 0.0
    for bound, count in sorted(buckets.items()):
        if count >= wanted and count > below:
            inside = 0.0 if math.isinf(bound) else (bound - low) * (wanted - below) / (count - below)
            return low + inside
        low, below = bound, count
    return low
