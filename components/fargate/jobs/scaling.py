"""Scales the workers by the queue: as many as the jobs need that wait or run, down to none and up from none.

Step scaling by two alarms of ours, and no target tracking: that multiplies the number of tasks that run, and
so never leaves zero (docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-
overview). Those that lack come at once, and are not asked for again while they start: within its cooldown a
policy adds only what it did not add before. Those that are too many go once they have been so for a while.
Without numbers of jobs, as while the database is away, their number stays.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..cloud_signals import ECS, OF_SERVICE
from ..names import workers_name
from ..scaling import DIMENSION, NAMESPACE
from ..spec import FargateSpec
from .counts import RUNNING, STATISTIC, WAITING, namespace_of

_PERIOD_SECONDS = 60
# Two: of the newest minute CloudWatch may not have the samples of every worker yet.
_OUT_MINUTES, _IN_MINUTES = 2, 10
# A worker takes minutes to start, and to end.
_COOLDOWN_SECONDS = 300
# docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-limits: steps of a policy.
STEPS = 20
# With these, a policy of a thousand workers has as many.
_SINGLE_STEPS, _GROWTH = 10, 1.6
# ECS measures a service only while it has tasks, and takes one sample of each a minute.
_WORKERS = "FILL(tasks, 0)"


@dataclass(frozen=True, slots=True)
class ScalingStep:
    """By how many workers their number changes. begin, end: of what an alarm reads; end is not in it."""

    begin: int
    end: int | None
    change: int

    @property
    def adjustment(self) -> dict[str, Any]:
        upper = {} if self.end is None else {"metric_interval_upper_bound": str(self.end)}
        return {"metric_interval_lower_bound": str(self.begin), **upper, "scaling_adjustment": self.change}


def scale_workers(
    spec: FargateSpec,
    service: aws.ecs.Service,
    cluster_name: pulumi.Input[str],
    parent: pulumi.Resource,
) -> None:
    """Register the workers for scaling; target, policies and alarms are known by the service's name."""
    name = workers_name(spec.name)
    target = aws.appautoscaling.Target(
        f"{name}-scaling",
        region=spec.region,
        service_namespace=NAMESPACE,
        scalable_dimension=DIMENSION,
        resource_id=pulumi.Output.concat("service/", cluster_name, "/", service.name),
        min_capacity=int(spec.jobs.min_workers),
        max_capacity=int(spec.jobs.max_workers),
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )
    out = _policy(spec, "out", target, lacking_steps(spec), parent)
    less = _policy(spec, "in", target, spare_steps(spec), parent)
    lacking, spare = "needed - workers", "workers - needed"
    _alarm(
        spec, "lacking", out, cluster_name, lacking, _OUT_MINUTES, "fewer workers than its jobs need", parent
    )
    _alarm(spec, "spare", less, cluster_name, spare, _IN_MINUTES, "more workers than its jobs need", parent)


def lacking_steps(spec: FargateSpec) -> Iterator[ScalingStep]:
    """Yield a step for each small number of workers that lack; of larger ones for some, with the largest."""
    most = int(spec.jobs.max_workers)
    ends = list(range(1, min(_SINGLE_STEPS, most) + 1))
    while ends[-1] < most:
        ends.append(min(math.ceil(ends[-1] * _GROWTH), most))
    for place, end in enumerate(ends):
        begin = ends[place - 1] + 1 if place else 0
        yield ScalingStep(begin, None if end == most else end + 1, end)


def spare_steps(spec: FargateSpec) -> Iterator[ScalingStep]:
    """Yield a step for each power of two: at most half of the workers that are too many stay for the next."""
    powers = [2**power for power in range(STEPS) if 2**power <= spec.jobs.max_workers]
    for place, count in enumerate(powers):
        yield ScalingStep(count if place else 0, None if count == powers[-1] else powers[place + 1], -count)


def _policy(
    spec: FargateSpec,
    role: str,
    target: aws.appautoscaling.Target,
    steps: Iterable[ScalingStep],
    parent: pulumi.Resource,
) -> aws.appautoscaling.Policy:
    adjustments: list[Any] = [step.adjustment for step in steps]
    name = f"{workers_name(spec.name)}-{role}"
    return aws.appautoscaling.Policy(
        f"{name}-scaling",
        name=name,
        region=spec.region,
        policy_type="StepScaling",
        service_namespace=target.service_namespace,
        scalable_dimension=target.scalable_dimension,
        resource_id=target.resource_id,
        step_scaling_policy_configuration={
            "adjustment_type": "ChangeInCapacity",
            "cooldown": _COOLDOWN_SECONDS,
            "metric_aggregation_type": STATISTIC,
            "step_adjustments": adjustments,
        },
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )


def _alarm(
    spec: FargateSpec,
    role: str,
    policy: aws.appautoscaling.Policy,
    cluster_name: pulumi.Input[str],
    expression: str,
    minutes: int,
    meaning: str,
    parent: pulumi.Resource,
) -> aws.cloudwatch.MetricAlarm:
    """Create the alarm that calls a policy while it is raised; its threshold is where the steps begin."""
    name = f"{workers_name(spec.name)}-{role}"
    return aws.cloudwatch.MetricAlarm(
        f"{name}-alarm",
        name=name,
        region=spec.region,
        alarm_description=f"{spec.name} has {meaning} than its jobs need; notifies nobody.",
        comparison_operator="GreaterThanThreshold",
        threshold=0,
        evaluation_periods=minutes,
        datapoints_to_alarm=minutes,
        treat_missing_data="notBreaching",
        metric_queries=_queries(spec, cluster_name, expression),
        alarm_actions=[policy.arn],
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
    )


def _queries(
    spec: FargateSpec, cluster_name: pulumi.Input[str], expression: str
) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict]:
    service = {"ClusterName": cluster_name, "ServiceName": workers_name(spec.name)}
    assert tuple(service) == OF_SERVICE
    jobs = namespace_of(spec.name)
    readings: list[aws.cloudwatch.MetricAlarmMetricQueryArgsDict] = [
        _reading("waiting", jobs, WAITING, STATISTIC, {}),
        _reading("running", jobs, RUNNING, STATISTIC, {}),
        _reading("tasks", ECS, "CPUUtilization", "SampleCount", service),
    ]
    needed = f"CEIL((waiting + running) / {spec.jobs.jobs_of_a_worker})"
    steps = {"needed": needed, "workers": _WORKERS, "value": expression}
    return [
        *readings,
        *({"id": id_, "expression": text, "return_data": id_ == "value"} for id_, text in steps.items()),
    ]


def _reading(
    id_: str, namespace: str, metric: str, statistic: str, dimensions: dict[str, pulumi.Input[str]]
) -> aws.cloudwatch.MetricAlarmMetricQueryArgsDict:
    return {
        "id": id_,
        "return_data": False,
        "metric": {
            "namespace": namespace,
            "metric_name": metric,
            "stat": statistic,
            "period": _PERIOD_SECONDS,
            "dimensions": dimensions,
        },
    }
