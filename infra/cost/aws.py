"""Charges of what runs on AWS: Fargate services, load balancers, networks, storage, secrets. Pure.

A Fargate task is billed for its whole life, busy or not. A task on Spot costs a share of that.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.infra.cost.charge import (
    Charge,
    Free,
    NotPriced,
    Priced,
    Scene,
    Verdict,
)
from slipway.infra.cost.usage import HOURS, Usage
from slipway.infra.resources.aws import SCALING_TARGET, SCHEDULED_ACTION, TASK_DEFINITION
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


@dataclass(frozen=True, slots=True)
class FargateSize:
    """One ECS service. memory in GB as AWS writes it (GiB). spot_share: of the tasks above on_demand_base."""

    cpu: float
    memory_gib: float
    architecture: str
    disk_gib: float
    least: float
    most: float
    spot_share: float = 0.0
    on_demand_base: float = 0.0
    public_address: bool = False


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
    least, most = _limits(resource, scene, desired)
    base, share = _spot(resource)
    size = FargateSize(
        cpu / 1024,
        memory / 1024,
        "arm64" if at(task.inputs, "runtimePlatform", "cpuArchitecture") == "ARM64" else "x86_64",
        number(at(task.inputs, "ephemeralStorage", "sizeInGib"), _INCLUDED_GIB),
        least,
        most,
        share,
        base,
        at(resource.inputs, "networkConfiguration", "assignPublicIp") is True,
    )
    return priced(size, region, scene.usage)


def _limits(resource: Resource, scene: Scene, desired: float) -> tuple[float, float]:
    """Return the limits of autoscaling, its schedules included; else the fixed number of tasks, twice."""
    target = scene.partner(resource, SCALING_TARGET)
    if target is None:
        return desired, desired
    least = number(target.inputs.get("minCapacity"), desired)
    most = number(target.inputs.get("maxCapacity"), desired)
    for action in scene.of_type(SCHEDULED_ACTION):
        if action.parent == resource.parent:
            most = max(most, number(at(action.inputs, "scalableTargetAction", "maxCapacity"), most))
    return least, most


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
    busy = usage.instances(capacity, size.least, size.most) if capacity else size.least
    hours = Charge(
        "",
        size.least * HOURS,
        busy * usage.busy_hours + size.least * (HOURS - usage.busy_hours),
        size.most * HOURS,
        _MILLION / capacity / 3600 if capacity else 0.0,
    )
    charges = list(_task_charges(size, hours))
    if size.public_address:
        charges.append(_times(hours, "public-ipv4", 1))
    missing = capacity is None and usage.requests > 0
    needed = usage.instances(capacity, 0, math.inf) if capacity else 0
    over = f"the assumed requests need {needed:g} instances; maxInstances is {size.most:g}"
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
        remarks=(over,) if needed > size.most else (),
        serves=True,
        capacity_known=capacity is not None,
    )


def _task_charges(size: FargateSize, hours: Charge) -> list[Charge]:
    """Yield the charges: `on_demand_base` tasks are on demand, and of the rest `spot_share` is on Spot."""
    spot = _spot_hours(size, hours)
    on_demand = Charge(
        "",
        hours.idle - spot.idle,
        hours.expected - spot.expected,
        hours.maximum - spot.maximum,
        hours.per_million - spot.per_million,
    )
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
    return charges


def _spot_hours(size: FargateSize, hours: Charge) -> Charge:
    def spot(instance_hours: float) -> float:
        return max(0.0, instance_hours - size.on_demand_base * HOURS) * size.spot_share

    return Charge(
        "",
        spot(hours.idle),
        spot(hours.expected),
        spot(hours.maximum),
        hours.per_million * size.spot_share if size.most > size.on_demand_base else 0.0,
    )


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
    charge = Charge.by_use("cloudwatch/ingestion", scene.usage.log_gb)
    return Priced(
        region_of(resource), (charge,), note=f"{scene.usage.log_gb:g} GB written; keeping it is not counted"
    )


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
