"""The number of tasks, by autoscaling on CPU and requests and by schedules; and the capacity they run on."""

import math

import pulumi
import pulumi_aws as aws

from .balancer import Balancer
from .spec import FargateSpec

NAMESPACE, DIMENSION = "ecs", "ecs:service:DesiredCount"
# Of what a task can answer, so that it holds until the next one is ready.
_REQUEST_SHARE = 0.7
# A new task takes minutes to be of use; one that is removed at once would be missed at the next burst.
_OUT_SECONDS, _IN_SECONDS = 60, 300
_Metric = (
    aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgsDict
)
PROVIDERS = ("FARGATE", "FARGATE_SPOT")


def capacity_of(spec: FargateSpec) -> list[aws.ecs.ServiceCapacityProviderStrategyArgsDict]:
    """Return the capacity strategy, which replaces a launch type.

    `on_demand_base` tasks are never on Spot; of the others, `spot_percent` are.
    """
    spot, base = int(spec.spot_percent), int(spec.on_demand_base)
    regular: aws.ecs.ServiceCapacityProviderStrategyArgsDict = {
        "capacity_provider": PROVIDERS[0],
        "base": base,
        "weight": 100 - spot,
    }
    spare: aws.ecs.ServiceCapacityProviderStrategyArgsDict = {
        "capacity_provider": PROVIDERS[1],
        "base": 0,
        "weight": spot,
    }
    if not spot:
        return [regular]
    return [spare] if spot == 100 and not base else [regular, spare]


def requests_per_minute(spec: FargateSpec) -> int | None:
    """Return the target for one task: as given, or 70 % of what it can answer at full `concurrency`.

    None if neither is known, or if the requests move between two target groups: ECS does not support the
    count of one then (DOCS AmazonECS/latest/developerguide/service-autoscaling-targettracking).
    """
    if spec.shifts_traffic:
        return None
    if spec.requests_per_replica is not None:
        return max(math.floor(60 * spec.requests_per_replica), 1)
    if spec.request_seconds is None:
        return None
    answered = 60 * spec.service.concurrency / spec.request_seconds
    return max(math.floor(_REQUEST_SHARE * answered), 1)


def scale(
    spec: FargateSpec,
    service: aws.ecs.Service,
    cluster_name: pulumi.Input[str],
    balancer: Balancer,
    parent: pulumi.Resource,
) -> None:
    """Register the service for scaling.

    Target, policies and schedules are known by the service's name, so the old ones go first, as the service
    does. A schedule changes the target's own minimum and maximum, which an `up` would otherwise undo after a
    refresh, and which a look for drift would report: docs.aws.amazon.com/autoscaling/application,
    scheduled-scaling-overview.
    """
    target = aws.appautoscaling.Target(
        f"{spec.name}-scaling",
        region=spec.region,
        service_namespace=NAMESPACE,
        scalable_dimension=DIMENSION,
        resource_id=pulumi.Output.concat("service/", cluster_name, "/", service.name),
        min_capacity=spec.service.min_replicas,
        max_capacity=spec.service.max_replicas,
        opts=pulumi.ResourceOptions(
            parent=parent,
            delete_before_replace=True,
            ignore_changes=["minCapacity", "maxCapacity"] if spec.schedules else None,
        ),
    )
    metrics = {"cpu": _metric(int(spec.cpu_target_percent), "ECSServiceAverageCPUUtilization")}
    if (requests := requests_per_minute(spec)) is not None:
        label = pulumi.Output.concat(balancer.label, "/", balancer.target_group.arn_suffix)
        metrics["requests"] = _metric(requests, "ALBRequestCountPerTarget", label)
    for name, configuration in metrics.items():
        aws.appautoscaling.Policy(
            f"{spec.name}-{name}-scaling",
            name=f"{spec.name}-{name}",
            region=spec.region,
            policy_type="TargetTrackingScaling",
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            target_tracking_scaling_policy_configuration=configuration,
            # The label names what the load balancer is attached to only once a listener is.
            opts=pulumi.ResourceOptions(
                parent=parent, depends_on=list(balancer.made), delete_before_replace=True
            ),
        )
    _schedule(spec, target, parent)


def _metric(
    target: int, metric: str, label: pulumi.Input[str] | None = None
) -> aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict:
    specification: _Metric = {"predefined_metric_type": metric}
    if label is not None:
        specification["resource_label"] = label
    return {
        "target_value": target,
        "predefined_metric_specification": specification,
        "scale_out_cooldown": _OUT_SECONDS,
        "scale_in_cooldown": _IN_SECONDS,
    }


def _schedule(spec: FargateSpec, target: aws.appautoscaling.Target, parent: pulumi.Resource) -> None:
    for schedule in spec.schedules:
        aws.appautoscaling.ScheduledAction(
            f"{spec.name}-{schedule['name']}-schedule",
            name=f"{spec.name}-{schedule['name']}",
            region=spec.region,
            service_namespace=target.service_namespace,
            scalable_dimension=target.scalable_dimension,
            resource_id=target.resource_id,
            schedule=schedule["schedule"],
            timezone=schedule.get("timezone", "UTC"),
            scalable_target_action={
                "min_capacity": int(schedule["min_replicas"]),
                "max_capacity": int(schedule["max_replicas"]),
            },
            opts=pulumi.ResourceOptions(parent=parent, delete_before_replace=True),
        )
