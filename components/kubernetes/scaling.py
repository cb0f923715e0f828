"""The HorizontalPodAutoscaler of a service: by CPU, and by requests where a metric of them is there. Pure."""

import math
from collections.abc import Iterator
from typing import Any

from . import limits, timing
from .spec import KubernetesSpec

_LEAST_CALM_SECONDS = 300


def metrics_of(spec: KubernetesSpec) -> list[dict[str, Any]]:
    """The largest wish of them wins."""
    target = {"type": "Utilization", "averageUtilization": int(spec.cpu_target_percent)}
    metrics: list[dict[str, Any]] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    if spec.requests_metric and spec.requests_per_replica:
        average = {"type": "AverageValue", "averageValue": f"{round(spec.requests_per_replica * 1000)}m"}
        pods = {"metric": {"name": spec.requests_metric}, "target": average}
        metrics.append({"type": "Pods", "pods": pods})
    return metrics


def behavior_of(spec: KubernetesSpec) -> dict[str, Any]:
    """Up at once, by as many as there are or two; down slowly, after longer than a new pod takes to start.

    A pod whose node comes up, or that has had no request yet, would else count as idle and be taken away.
    """
    calm = max(_LEAST_CALM_SECONDS, math.ceil(timing.start_of(spec).total))
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


def scaling_faults(spec: KubernetesSpec) -> Iterator[str]:
    target = spec.cpu_target_percent
    if not (10 <= target <= 90 and target % 1 == 0):
        yield f"cpu_target_percent is {target:g}; it must be a whole number from 10 to 90."
    if spec.requests_metric and not limits.METRIC.fullmatch(spec.requests_metric):
        yield f"requests_metric is {spec.requests_metric!r}; allowed are letters, digits and _ : . | / -."
    per = spec.requests_per_replica
    if bool(spec.requests_metric) != (per is not None):
        yield "requests_metric and requests_per_replica go together; give both, or leave both out."
    if per is not None and not 0.001 <= per <= 1_000_000:
        yield f"requests_per_replica is {per:g}; it must be from 0.001 to 1000000 requests a second."


def scaling_warnings(spec: KubernetesSpec) -> Iterator[str]:
    if spec.scales and spec.service.gpu and not spec.requests_metric and not spec.with_kserve:
        yield (
            "it scales by CPU, which tells little of a GPU's load; give `requests_metric` where the cluster "
            "has an adapter for custom metrics, or set minInstances and maxInstances to the same."
        )
