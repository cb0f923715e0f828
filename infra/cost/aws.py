"""Charges of what runs on AWS: Fargate services, load balancers, networks, storage, secrets. Pure.

A Fargate task is billed for its whole life, busy or not. A task on Spot costs a share of that.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slipway.infra.cost.charge import (
    Charge,
    Free,
    NotPriced,
    Priced,
    Scene,
    Verdict,
)
from slipway.infra.cost.spans import InstanceMonth, Span, limits_of
from slipway.infra.cost.usage import HOURS, Usage
from slipway.infra.resources.aws import (
    ECS_SERVICE,
    LOG_GROUP,
    SCALING_TARGET,
    SCHEDULED_ACTION,
    TASK_DEFINITION,
    is_of_workers,
)
from slipway.infra.resources.reading import (
    UNKNOWN,
    Resource,
    at,
    items_at,
    number,
)

_INCLUDED_GIB = 20
# elasticloadbalancing/pricing: one LCU holds 25 new connections a second. A connection for every request.
_REQUESTS_PER_LCU_HOUR = 25 * 3600
_MILLION = 1e6
# aws.amazon.com/cloudwatch/pricing, of its examples: stored text is compressed.
_COMPRESSED_SHARE = 0.15
_DAYS_OF_A_MONTH = 730 / 24
# components/fargate/cloud_signals.py: the metrics of the server. The lines are estimated: one for each set of
# labels, of some hundred bytes.
_SERVER_METRICS, _METRICS_BYTES = 12, 3000
_GB = 1e9


@dataclass(frozen=True, slots=True)
class FargateSize:
    """One ECS service. memory in GB as AWS writes it (GiB). spot_share: of the tasks above on_demand_base.

    spans: the limits of each share of the month, where schedules change them.
    """

    cpu: float
    memory_gib: float
    architecture: str
    disk_gib: float
    least: float
    most: float
    spot_share: float = 0.0
    on_demand_base: float = 0.0
    public_address: bool = False
    spans: tuple[Span, ...] = ()

    @property
    def month(self) -> tuple[Span, ...]:
        return self.spans or (Span(1.0, self.least, self.most),)


def region_of(resource: Resource) -> str:
    region = resource.inputs.get("region")
    return region if isinstance(region, str) and region != UNKNOWN else ""


def service(resource: Resource, scene: Scene) -> Verdict:
    task = scene.partner(resource, TASK_DEFINITION)
    region = region_of(resource)
    if task is None or not region:
        return NotPriced("its task definition or region is not in this stack")
    cpu, memory = number(task.inputs.get("cpu"), 0), number(task.inputs.get("memory"), 0)
    if not cpu or not memory:
        return NotPriced("the CPU or memory of its task is not known before it is made")
    desired = number(resource.inputs.get("desiredCount"), 0)
    limits = _limits(resource, scene, desired)
    works = is_of_workers(resource)
    base, share = _spot(resource)
    size = FargateSize(
        cpu / 1024,
        memory / 1024,
        "arm64" if at(task.inputs, "runtimePlatform", "cpuArchitecture") == "ARM64" else "x86_64",
        number(at(task.inputs, "ephemeralStorage", "sizeInGib"), _INCLUDED_GIB),
        min(span.least for span in limits.spans),
        limits.most,
        share,
        base,
        at(resource.inputs, "networkConfiguration", "assignPublicIp") is True,
        limits.spans,
    )
    found = priced(size, region, replace(scene.usage, requests=0) if works else scene.usage)
    if works:
        text = "workers: expected at their minimum, because nothing is assumed of jobs"
        return replace(found, note=f"{found.note}; {text}", serves=False)
    whole = [f"the schedule {name} has no place in a month, and is taken to hold" for name in limits.unplaced]
    return replace(found, remarks=(*found.remarks, *whole, *_of_rollouts(resource, size)))


def _of_rollouts(resource: Resource, size: FargateSize) -> Iterator[str]:
    """Yield what a rollout adds that runs all tasks of both versions while the new one is watched."""
    deployment = at(resource.inputs, "deploymentConfiguration")
    if at(deployment, "strategy") not in ("CANARY", "BLUE_GREEN"):
        return
    waits = ("bakeTimeInMinutes", "canaryConfiguration.canaryBakeTimeInMinutes")
    minutes = sum(number(at(deployment, *path.split(".")), 0) for path in waits)
    hours = size.most * minutes / 60
    yield (
        f"each rollout runs up to {size.most:g} more tasks for {minutes:g} minutes and their start, at least "
        f"{hours * size.cpu:g} vCPU hours and {hours * size.memory_gib:g} GiB hours; it needs "
        f"{2 * size.most * size.cpu:g} vCPU of the account's quota for Fargate"
    )


def _limits(resource: Resource, scene: Scene, desired: float) -> InstanceMonth:
    """Return the limits of autoscaling under its schedules; else the fixed number of tasks."""
    target = _target_of(resource, scene)
    if target is None:
        return InstanceMonth((Span(1.0, desired, desired),))
    least = number(target.inputs.get("minCapacity"), desired)
    most = number(target.inputs.get("maxCapacity"), desired)
    siblings = [one for one in scene.of_type(SCHEDULED_ACTION) if one.parent == resource.parent]
    actions = [] if is_of_workers(resource) else siblings
    return limits_of(least, most, actions)


def _target_of(resource: Resource, scene: Scene) -> Resource | None:
    """Return what scales a service: the target that depends on it, of those that depend on any."""
    services = {one.urn for one in scene.of_type(ECS_SERVICE)}
    targets = scene.of_type(SCALING_TARGET)
    bound = [one for one in targets if services.intersection(one.dependencies)]
    if not bound:
        return scene.partner(resource, SCALING_TARGET)
    return next((one for one in bound if resource.urn in one.dependencies), None)


def _spot(resource: Resource) -> tuple[float, float]:
    """Return how many tasks are never on Spot, and which share of the others is."""
    strategies = items_at(resource.inputs, "capacityProviderStrategies")
    spot = sum(number(at(one, "weight"), 0) for one in strategies if _on_spot(one))
    weight = sum(number(at(one, "weight"), 0) for one in strategies)
    base = sum(number(at(one, "base"), 0) for one in strategies if not _on_spot(one))
    return base, spot / weight if weight else 0.0


def _on_spot(strategy: Any) -> bool:
    return at(strategy, "capacityProvider") == "FARGATE_SPOT"


def priced(size: FargateSize, region: str, usage: Usage) -> Priced:
    capacity = usage.capacity(size.cpu, gpu=False)
    charges = list(_task_charges(size, usage, capacity))
    missing = capacity is None and usage.requests > 0
    needed = usage.instances(capacity, 0, math.inf) if capacity else 0
    most = min(span.most for span in size.month)
    over = f"the assumed requests need {needed:g} instances; maxInstances is {most:g}"
    return Priced(
        region,
        tuple(charges),
        note=f"{size.least:g} to {size.most:g} of {size.cpu:g} vCPU, {size.memory_gib:g} GiB, "
        + size.architecture
        + (
            f"; {size.spot_share:.0%} of those above {size.on_demand_base:g} on Spot"
            if size.spot_share
            else ""
        ),
        unknown=("the busy time, because the model's throughput is not known",) if missing else (),
        remarks=(over,) if needed > most else (),
        serves=True,
        capacity_known=capacity is not None,
    )


def _hours(size: FargateSize, usage: Usage, capacity: float | None, spot: bool) -> Charge:
    """Return the hours of tasks, on Spot or on demand: `on_demand_base` tasks are never on Spot.

    At its maximum a service has its largest number of tasks all month.
    """

    def of(tasks: float) -> float:
        on_spot = max(0.0, tasks - size.on_demand_base) * size.spot_share
        return on_spot if spot else tasks - on_spot

    idle = expected = 0.0
    for span in size.month:
        busy = usage.instances(capacity, span.least, span.most) if capacity else span.least
        idle += span.share * of(span.least) * HOURS
        hours = of(busy) * usage.busy_hours + of(span.least) * (HOURS - usage.busy_hours)
        expected += span.share * hours
    million = _MILLION / capacity / 3600 if capacity else 0.0
    share = size.spot_share if size.most > size.on_demand_base else 0.0
    return Charge("", idle, expected, of(size.most) * HOURS, million * (share if spot else 1 - share))


def _task_charges(size: FargateSize, usage: Usage, capacity: float | None) -> list[Charge]:
    on_demand, spot = (_hours(size, usage, capacity, on_spot) for on_spot in (False, True))
    rates: Mapping[str, float] = {
        f"fargate/{size.architecture}/cpu": size.cpu,
        f"fargate/{size.architecture}/memory": size.memory_gib,
        "fargate/ephemeral": max(0.0, size.disk_gib - _INCLUDED_GIB),
    }
    charges = [_times(on_demand, key, each) for key, each in rates.items() if each]
    if size.spot_share:
        charges += [
            _times(spot, key, each, "fargate/spot-share")
            for key, each in rates.items()
            if each and key != "fargate/ephemeral"
        ]
        if size.disk_gib > _INCLUDED_GIB:
            charges.append(_times(spot, "fargate/ephemeral", size.disk_gib - _INCLUDED_GIB))
    if size.public_address:
        charges += [_times(hours, "public-ipv4", 1) for hours in (on_demand, spot)]
    return charges


def _times(hours: Charge, key: str, each: float, share: str = "") -> Charge:
    return Charge(
        key, hours.idle * each, hours.expected * each, hours.maximum * each, hours.per_million * each, share
    )


def load_balancer(resource: Resource, scene: Scene) -> Verdict:
    kind = resource.inputs.get("loadBalancerType", "application")
    if kind != "application":
        return NotPriced(f"no price of a {kind} load balancer was found")
    requests = scene.usage.requests
    used = requests / _REQUESTS_PER_LCU_HOUR
    charges = [
        Charge.always("alb/hour", HOURS),
        Charge("alb/lcu", 0.0, used, used, _MILLION / _REQUESTS_PER_LCU_HOUR),
        Charge.by_use("aws/egress", scene.usage.egress_gb),
    ]
    zones = len(items_at(resource.inputs, "subnets")) or 2
    if resource.inputs.get("internal") is not True:
        charges.append(Charge.always("public-ipv4", zones * HOURS))
    addresses = (
        "private addresses" if resource.inputs.get("internal") is True else f"{zones} public addresses"
    )
    return Priced(region_of(resource), tuple(charges), note=f"one load balancer with {addresses}")


def vpc_endpoint(resource: Resource, _scene: Scene) -> Verdict:
    if resource.inputs.get("vpcEndpointType", "Gateway") == "Gateway":
        return Free("a gateway endpoint has no charge")
    zones = len(items_at(resource.inputs, "subnetIds")) or 1
    charge = Charge.always("vpc-endpoint/hour", zones * HOURS)
    return Priced(region_of(resource), (charge,), note=f"in {zones} zones; data through it is not counted")


def nat_gateway(resource: Resource, scene: Scene) -> Verdict:
    charges = (
        Charge.always("nat-gateway/hour", HOURS),
        Charge.by_use("nat-gateway/data", scene.usage.egress_gb),
    )
    return Priced(region_of(resource), charges)


def log_group(resource: Resource, scene: Scene) -> Verdict:
    """Price a log group by its share of the assumed log: all groups of a log get the same."""
    if holds_metrics(resource):
        return _metrics_group(resource, scene)
    groups = [each for each in scene.of_type(LOG_GROUP) if not holds_metrics(each)]
    written = scene.usage.log_gb / len(groups)
    charges = [Charge.by_use("cloudwatch/ingestion", written)]
    days = number(resource.inputs.get("retentionInDays"), 0)
    if not days:
        grows = ("the log that is never deleted, which grows every month",)
        return Priced(region_of(resource), tuple(charges), f"{written:.3g} GB written a month", grows)
    stored = written * _COMPRESSED_SHARE * days / _DAYS_OF_A_MONTH
    charges.append(Charge.by_use("cloudwatch/storage", stored))
    note = f"{written:.3g} GB written a month, kept for {days:g} days"
    return Priced(region_of(resource), tuple(charges), note=note)


def holds_metrics(resource: Resource) -> bool:
    """Return whether the lines of a log group become metrics: components/fargate/names.py."""
    return str(resource.inputs.get("name", "")).endswith("/metrics")


def _metrics_group(resource: Resource, scene: Scene) -> Verdict:
    """Price the server's metrics, as many for any number of tasks, and the lines that bring them."""
    siblings = [each for each in scene.of_type(ECS_SERVICE) if each.parent == resource.parent]
    services = [each for each in siblings if not is_of_workers(each)]
    if len(services) != 1:
        return NotPriced("which tasks write metrics is not known")
    limits = _limits(services[0], scene, number(services[0].inputs.get("desiredCount"), 0))
    least = min(span.least for span in limits.spans)
    of_a_task = _METRICS_BYTES * HOURS * 60 / _GB
    charges = (
        Charge.always("cloudwatch/metric", _SERVER_METRICS),
        Charge("cloudwatch/ingestion", least * of_a_task, least * of_a_task, limits.most * of_a_task),
    )
    note = f"{_SERVER_METRICS} metrics of the server, as about {_METRICS_BYTES / 1000:g} kB a minute and task"
    return Priced(region_of(resource), charges, note=note)


def image_repository(resource: Resource, scene: Scene) -> Verdict:
    charge = Charge.always("ecr/storage", scene.usage.image_gb)
    return Priced(region_of(resource), (charge,), note=f"{scene.usage.image_gb:g} GB of images")


def secret(resource: Resource, _scene: Scene) -> Verdict:
    return Priced(region_of(resource), (Charge.always("secrets-manager/secret", 1),))


def cluster(resource: Resource, _scene: Scene) -> Verdict:
    measured = [
        at(one, "value")
        for one in items_at(resource.inputs, "settings")
        if at(one, "name") == "containerInsights"
    ]
    if measured in ([], ["disabled"]):
        return Free("its tasks are billed, not the cluster")
    return NotPriced(f"container insights ({measured[0]}) are billed by the metric")
