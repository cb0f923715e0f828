"""How one of Google's platforms measures a described signal, in PromQL of Cloud Monitoring. Pure.

The name of a metric in PromQL: `run.googleapis.com/request_count` is `run_googleapis_com:request_count`, and
a distribution has `_bucket`, `_count` and `_sum`; a metric that several kinds of resources have needs the
label `monitored_resource`. Source: docs.cloud.google.com/monitoring/promql; promql-differences: as Prometheus
2.44.

Placeholders: `$s` for the matchers that select the service, `$w` for a window such as 5m, `$m` for the
maximum number of instances, `$l` for the milliseconds after which an answer is slow, `$b` for the share of
bad requests that is too much, `$n` for the bad requests below which nobody is called, `$c` for the id of the
uptime check.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ...observability.signal import Series

_PLACEHOLDER = re.compile(r"\$([a-z])\b")


@dataclass(frozen=True, slots=True)
class Budget:
    """When the budget of an objective is spent too fast. long, short: conditions for the two windows."""

    long: str
    short: str


@dataclass(frozen=True, slots=True)
class CloudRow:
    """What a platform has of one signal.

    series: what is drawn; the first one is compared with the thresholds, and has one value for the service.
    title: where it differs from the signal's. budget: of a signal that an objective is about. is_quiet:
    whether it raises no alarm, because the platform's values are no fault.
    """

    series: tuple[Series, ...] = ()
    title: str = ""
    budget: Budget | None = None
    is_quiet: bool = False


def filled(expression: str, values: Mapping[str, str]) -> str:
    """Fill in the placeholders for which there is a value."""
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), expression)
