"""The HorizontalPodAutoscaler of a service: by CPU, and by requests if there is a metric of them. Pure."""

import math
from collections.abc import Iterator
from typing import Any

from ..fault import Fault
from ..spec import default_concurrency
from . import limits, timing
from .spec import KubernetesSpec

LEAST_CALM_SECONDS = 300


def metrics_of(spec: KubernetesSpec) -> list[dict[str, Any]]:
    """Return the metrics; the autoscaler follows the one that demands the most pods."""
    target = {"type": "Utilization", "averageUtilization": int(spec.cpu_target_percent)}
    metrics: list[dict[str, Any]] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if spec.requests_metric and spec.requests_per_replica:
        average = {"type": "AverageValue", "averageValue": f"{round(spec.requests_per_replica * 1000)}m"}
        pods = {"metric": {"name": spec.requests_metric}, "target": average}
        metrics.append({"type": "Pods", "pods": pods})
    return metrics


def behavior_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Return a behaviour that doubles or adds two pods at once, and removes them only after a calm period.

    The period is longer than a new pod takes to start: a pod that has just started, or has had no request
    yet, would otherwise count as idle and be removed.
    """
    calm = max(LEAST_CALM_SECONDS, math.ceil(timing.start_of(spec).total))
    return {
        "scaleUp": {
            "stabilizationWindowSeconds": 0,
            "selectPolicy": "Max",
            "policies": [
                {"type": "Percent", "value": 100, "periodSeconds": 60},
                {"type": "Pods", "value": 2, "periodSeconds": 60},
            ],
        },
        "scaleDown": {
            "stabilizationWindowSeconds": min(calm, 3600),
            "selectPolicy": "Max",
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}],
        },
    }


def scaling_faults(spec: KubernetesSpec) -> Iterator[Fault]:
    """Yield what no autoscaler can scale by."""
    target, metric, per = spec.cpu_target_percent, spec.requests_metric, spec.requests_per_replica
    if not (10 <= target <= 90 and target % 1 == 0):
        yield Fault("cpu_target_percent", f"{target:g}", "it must be a whole number from 10 to 90 %")
    if metric and not limits.METRIC.fullmatch(metric):
        yield Fault("requests_metric", repr(metric), "allowed are letters, digits and _ : . | / -")
    both = "give both, or leave both out"
    if metric and per is None:
        yield Fault("requests_metric", repr(metric), both, "without `requests_per_replica`")
    if per is not None and not metric:
        yield Fault("requests_per_replica", f"{per:g}", both, "without `requests_metric`")
    if per is not None and not 0.001 <= per <= 1_000_000:
        allowed = "it must be from 0.001 to 1000000 requests a second"
        yield Fault("requests_per_replica", f"{per:g}", allowed)


def scaling_warnings(spec: KubernetesSpec) -> Iterator[str]:
    """Warn of load that the autoscaler does not see."""
    if spec.with_keda:
        return
    if spec.scales and spec.service.gpu and not spec.requests_metric and not spec.with_kserve:
        yield (
            "it scales by CPU, which says little of a GPU's load; set `scale_on` to requests or queue where "
            "the cluster has KEDA, give `requests_metric` where it has an adapter for custom metrics, or set "
            "`min_replicas` and `max_replicas` to the same."
        )
    if spec.service.concurrency != default_concurrency(spec.service.cpu) and not spec.with_kserve:
        yield (
            f"`concurrency` is {spec.service.concurrency}, which only KServe keeps to: the pods of a "
            "Deployment get every request at once, and queue it."
        )
