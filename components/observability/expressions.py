"""The PromQL that several signals share: which series count as what, and sums, shares and quantiles of them.

An expression has placeholders: `$s` for the matchers that select one service, `$w` for the window of a rate,
such as 5m, `$p` for the routes that are probes, and `$l` for the bucket that ends where an answer is slow.
Failures are answers with 429 or 5xx, and requests that were refused while they were read because the server
was full; what a client sent wrong is none. Good answers are those below 400.
"""

from .signal import Series

REQUESTS = 'http_server_request_duration_seconds_count{$s,http_route!~"$p"}'
FULL = 'slipway_early_refusals_total{$s,error_type=~"memory-full|connections-full"}'
FAILED = REQUESTS.replace("}", ',http_response_status_code=~"429|5.."}')
GOOD = REQUESTS.replace("}", ',http_response_status_code!~"4..|5.."}')
GOOD_BUCKETS = GOOD.replace("_count{", "_bucket{")
_FAST = GOOD_BUCKETS.replace("}", ',le=~"$l"}')
SERVICE = "namespace, job"
INSTANCE = f"{SERVICE}, instance"
OF_VERSION = f"{SERVICE}, version"
# Gives the rate of a request's series the version that its instance serves.
_VERSION = f"* on ({INSTANCE}) group_left (version) slipway_build_info{{$s}}"
_FEEDBACK = (
    f"sum by ({SERVICE}, model_version, predicted, label) (increase(slipway_feedback_total{{$s}}[1d]))"
)
_JUDGED = f"sum by ({SERVICE}, model_version) ({_FEEDBACK})"
# PromQL cannot compare two labels: what is left is equal in a copy of the one and in a copy of the other.
_RIGHT = (
    f"sum by ({SERVICE}, model_version) ("
    f'label_replace({_FEEDBACK}, "same", "$1", "label", "(.*)") and '
    f'label_replace({_FEEDBACK}, "same", "$1", "predicted", "(.*)"))'
)


def total(expression: str, by: str = SERVICE) -> str:
    return f"sum by ({by}) ({expression})"


def rate(*metrics: str) -> str:
    """Return the increase per second of counters of different labels, side by side."""
    return " or ".join(f"rate({metric}[$w])" for metric in metrics)


def rate_of_version(metric: str) -> str:
    return f"{rate(metric)} {_VERSION}"


def share(part: str, whole: str, by: str = SERVICE) -> str:
    """Return how much of the whole a part is; 0 where the whole has no such part."""
    return f"({total(part, by)} or 0 * {total(whole, by)}) / {total(whole, by)}"


def ratio(part: str, whole: str) -> str:
    """Return the increase of one counter for each of the other's."""
    return f"{total(rate(part + '{$s}'))} / {total(rate(whole + '{$s}'))}"


def slow(of: str = SERVICE) -> str:
    """Return the good answers per second that were slow."""
    return f"{total(rate(GOOD), of)} - {total(rate(_FAST), of)}"


def right() -> str:
    """Return the share of the predictions that were right, of those whose true label was sent."""
    return f"({_RIGHT} or 0 * {_JUDGED}) / {_JUDGED}"


def fullest(*metrics: str) -> str:
    """Return for each instance the share of the limit that is used, of what is fullest."""
    shares = (f'label_replace({name}{{$s}} / {name}_limit{{$s}}, "of", "{name}", "", "")' for name in metrics)
    return f"max by ({INSTANCE}) ({' or '.join(shares)})"


def one(expression: str, legend: str) -> tuple[Series, ...]:
    return (Series(expression, legend),)


def by_label(label: str, *metrics: str) -> tuple[Series, ...]:
    """Return the rate of counters as a series for each value of a label."""
    return one(total(rate(*metrics), f"{SERVICE}, {label}"), f"{{{{{label}}}}}")


def by_instance(expression: str) -> tuple[Series, ...]:
    """Return a series for each instance."""
    return one(f"max by ({INSTANCE}) ({expression})", "{{instance}}")


def quantiles(buckets: str, *shares: float, label: str = "") -> tuple[Series, ...]:
    """Return a series for each quantile of a histogram, and for each value of a label if one is given."""
    by = ", ".join([SERVICE, *([label] if label else []), "le"])
    suffix = f" {{{{{label}}}}}" if label else ""
    counts = total(rate(buckets), by)
    return tuple(
        Series(f"histogram_quantile({each:g}, {counts})", f"p{each * 100:g}{suffix}") for each in shares
    )
