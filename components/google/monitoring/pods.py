"""What GKE measures of a service's pods, by the key of the signal. Pure.

Source: docs.cloud.google.com/monitoring/api/metrics_kubernetes. It knows nothing of requests: those
are counted by the server, whose metrics Managed Service for Prometheus has where it reads them.
"""

from collections.abc import Mapping

from ...observability.signal import Series
from .row import CloudRow

_P = "kubernetes_io:"
_POD = "{{pod_name}}"


def _of_pods(expression: str) -> tuple[Series, ...]:
    """Return the largest value, which has thresholds, and those of all pods."""
    return (Series(f"max({expression})", "largest"), Series(f"max by (pod_name) ({expression})", _POD))


ROWS: Mapping[str, CloudRow] = {
    "restarts": CloudRow(_of_pods(f"increase({_P}container_restart_count{{$s}}[1h])")),
    "errors": CloudRow(),
    "memory": CloudRow(
        _of_pods(_P + 'container_memory_limit_utilization{$s,memory_type="non-evictable"}'),
    ),
    "cpu-use": CloudRow(_of_pods(_P + "container_cpu_limit_utilization{$s}")),
    "capacity": CloudRow((Series(f"count({_P}container_uptime{{$s}}) / $m", "pods"),)),
}
