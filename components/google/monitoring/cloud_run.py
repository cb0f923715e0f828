"""What Cloud Run measures of a service, by the key of the signal. Pure.

Source: docs.cloud.google.com/monitoring/api/metrics_gcp_p_z, run.googleapis.com. Latencies are in
milliseconds, and the buckets are Google's: quantiles are interpolated, and a share of slow answers is found
by its quantile. Every minute there is a value, which can be queried three minutes later. Requests are those
that reach the platform, including those that it refuses itself because no instance may be added.
"""

from collections.abc import Mapping

from ...observability.signal import Series
from .row import Budget, CloudRow

_P = "run_googleapis_com:"
_REQUESTS = _P + "request_count{$s}"
_FAILED = _P + 'request_count{$s,response_code=~"429|5.."}'
_INSTANCES = _P + "container_instance_count{$s}"
_ACTIVE = _P + 'container_instance_count{$s,state="active"}'
_OTHER_ANSWERS = _P + 'request_count{$s,response_code_class!="2xx"}'
_GOOD = _P + 'request_latencies_bucket{$s,response_code_class=~"[123]xx"}'
_GOOD_COUNT = _GOOD.replace("_bucket", "_count")


def _total(metric: str) -> str:
    return f"sum(increase({metric}[$w]))"


def _quantile(share: str, buckets: str) -> str:
    return f"histogram_quantile({share}, sum by (le) (increase({buckets}[$w])))"


def _fullest(metric: str) -> str:
    """Return the use of the fullest instances, a share of the limit."""
    return _quantile("0.99", f"{_P}{metric}_bucket{{$s}}")


# More than a share of the good answers is slow where the quantile of the others is. $n slow ones of N are as
# many as the quantile 1 - $n / N says.
_LEAST = f"scalar(clamp_max(1 - $n / {_total(_GOOD_COUNT)}, 1 - $b))"

ROWS: Mapping[str, CloudRow] = {
    "requests": CloudRow(
        (Series(f"sum by (response_code_class) (rate({_REQUESTS}[$w]))", "{{response_code_class}}"),),
        "Requests by class of the answer",
    ),
    "instances": CloudRow(
        (Series(f"sum by (state) (max_over_time({_INSTANCES}[$w]))", "{{state}}"),),
        "Instances by state",
        is_quiet=True,  # a service may scale to zero
    ),
    "availability": CloudRow(
        (Series(f"({_total(_FAILED)} or vector(0)) / {_total(_REQUESTS)}", "failed"),),
        budget=Budget(
            long=f"{_total(_FAILED)} - clamp_min($b * {_total(_REQUESTS)}, $n) >= 0",
            short=f"{_total(_FAILED)} - $b * {_total(_REQUESTS)} > 0",
        ),
    ),
    "causes": CloudRow(
        (Series(f"sum by (response_code) (rate({_OTHER_ANSWERS}[$w]))", "{{response_code}}"),),
        "Other answers than 2xx by status",
    ),
    "latency": CloudRow(
        budget=Budget(
            long=f"{_quantile(_LEAST, _GOOD)} > $l",
            short=f"{_quantile('1 - $b', _GOOD)} > $l",
        ),
    ),
    "seconds": CloudRow(
        tuple(
            Series(f"{_quantile(f'{share:g}', _GOOD)} / 1000", f"p{share * 100:g}")
            for share in (0.5, 0.95, 0.99)
        )
    ),
    "outside": CloudRow(
        (
            Series(
                "avg(avg_over_time(monitoring_googleapis_com:uptime_check_check_passed"
                '{monitored_resource="uptime_url",check_id="$c"}[$w]))',
                "answered",
            ),
        ),
    ),
    "errors": CloudRow(),
    "memory": CloudRow((Series(_fullest("container_memory_utilizations"), "p99"),)),
    "cpu-use": CloudRow((Series(_fullest("container_cpu_utilizations"), "p99"),)),
    "capacity": CloudRow(
        (Series(f"sum(max_over_time({_ACTIVE}[$w])) / $m", "active"),),
        "Instances at work, share of the maximum",
    ),
    "active": CloudRow(
        (
            Series(
                _quantile("0.99", _P + "container_max_request_concurrencies_bucket{$s}"), "p99 of an instance"
            ),
        )
    ),
}
