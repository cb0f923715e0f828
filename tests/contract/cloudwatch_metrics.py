"""The metrics that AWS publishes of balancers and services, as its documentation lists them.

DOCS: docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics and
AmazonECS/latest/developerguide/available-metrics, read on 2026-11-30. A zone as a further dimension is left
out: no alarm is about one zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_BALANCER = frozenset({"LoadBalancer"})
_TARGETS = frozenset({"LoadBalancer", "TargetGroup"})
_SERVICE = frozenset({"ClusterName", "ServiceName"})
_SUM = ("Sum",)
_SIMPLE = ("Average", "Minimum", "Maximum", "SampleCount")


@dataclass(frozen=True, slots=True)
class Published:
    """One metric. statistics: the useful ones; `p` and `PR` stand for every percentile and rank.

    dimensions: the sets by which it can be read. unit: of its values. quiet: it is there without requests.
    """

    unit: str
    statistics: tuple[str, ...]
    dimensions: tuple[frozenset[str], ...]
    quiet: bool = False


METRICS: Mapping[tuple[str, str], Published] = {
    ("AWS/ApplicationELB", "RequestCount"): Published("Count", _SUM, (_BALANCER, _TARGETS)),
    ("AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count"): Published("Count", _SUM, (_BALANCER,)),
    ("AWS/ApplicationELB", "HTTPCode_Target_4XX_Count"): Published("Count", _SUM, (_BALANCER, _TARGETS)),
    ("AWS/ApplicationELB", "HTTPCode_Target_5XX_Count"): Published("Count", _SUM, (_BALANCER, _TARGETS)),
    ("AWS/ApplicationELB", "TargetResponseTime"): Published(
        "Seconds", ("Average", "p", "PR", "SampleCount"), (_BALANCER, _TARGETS)
    ),
    ("AWS/ApplicationELB", "HealthyHostCount"): Published("Count", _SIMPLE[:3], (_TARGETS,)),
    ("AWS/ApplicationELB", "UnHealthyHostCount"): Published("Count", _SIMPLE[:3], (_TARGETS,)),
    # A sample of each running task: so the guide counts the tasks of a service.
    ("AWS/ECS", "CPUUtilization"): Published("Percent", _SIMPLE, (_SERVICE,), quiet=True),
    ("AWS/ECS", "MemoryUtilization"): Published("Percent", _SIMPLE, (_SERVICE,), quiet=True),
}
