"""Resources as cost and policy read them, written by hand, and the Plan of settings."""

from datetime import date
from typing import Any

from slipway.infra.cost.stack import ResourceCost, StackCost, cost_of
from slipway.infra.cost.usage import Usage
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan, plan_of
from slipway.infra.program import main
from slipway.infra.resources.reading import Resource

TODAY = date(2026, 11, 21)
NOBODY = Usage(requests=0, egress_gb=0, image_gb=0, log_gb=0)
DIGEST = f"host/repository@sha256:{'a' * 64}"
PROJECT = "urn:pulumi:dev::slipway::slipway:index:Service$"


def resource(type_: str, inputs: dict[str, Any], name: str = "one") -> Resource:
    return Resource(f"{PROJECT}{type_}::{name}", type_, name, PROJECT, True, inputs, ())


def cost(*resources: Resource, usage: Usage = NOBODY) -> StackCost:
    return cost_of("dev", resources, usage, TODAY)


def only(*resources: Resource, usage: Usage = NOBODY) -> ResourceCost:
    [found] = cost(*resources, usage=usage).resources
    return found


def plan(settings: dict[str, str], stack: str = "dev") -> Plan:
    values = {f"slipway:{key}": value for key, value in settings.items()}
    return plan_of(main, StackConfig("slipway", stack, values, frozenset(), {}))


def cloud_run(
    cpu: str = "2",
    memory: str = "4Gi",
    least: int = 0,
    most: int = 1,
    *,
    always: bool = False,
    gpu: str = "",
    zonal: bool = False,
    region: str = "us-central1",
    name: str = "one",
) -> Resource:
    template: dict[str, Any] = {
        "containers": [{"resources": {"limits": {"cpu": cpu, "memory": memory}, "cpuIdle": not always}}]
    }
    if gpu:
        template |= {"nodeSelector": {"accelerator": gpu}, "gpuZonalRedundancyDisabled": not zonal}
    scaling = {"minInstanceCount": least, "maxInstanceCount": most}
    inputs = {"location": region, "scaling": scaling, "template": template}
    return resource("gcp:cloudrunv2/service:Service", inputs, name)


def fargate(
    cpu: int = 1024,
    memory: int = 2048,
    least: int = 1,
    most: int = 1,
    *,
    spot: int = 0,
    region: str = "us-east-1",
    disk: int = 0,
    public: bool = False,
) -> tuple[Resource, Resource, Resource]:
    strategies = [
        {"base": 1, "capacityProvider": "FARGATE", "weight": 100 - spot},
        {"base": 0, "capacityProvider": "FARGATE_SPOT", "weight": spot},
    ]
    service = {
        "region": region,
        "desiredCount": least,
        "capacityProviderStrategies": strategies,
        "networkConfiguration": {"assignPublicIp": public},
    }
    task: dict[str, Any] = {"region": region, "cpu": str(cpu), "memory": str(memory)}
    if disk:
        task["ephemeralStorage"] = {"sizeInGib": disk}
    scaling = {"region": region, "minCapacity": least, "maxCapacity": most}
    return (
        resource("aws:ecs/service:Service", service, "service"),
        resource("aws:ecs/taskDefinition:TaskDefinition", task, "task"),
        resource("aws:appautoscaling/target:Target", scaling, "scaling"),
    )


def node_pool(
    machine: str = "g2-standard-4",
    least: int = 1,
    most: int = 1,
    *,
    gpu: str = "nvidia-l4",
    spot: bool | None = None,
    location: str = "us-central1-a",
    name: str = "pool",
    **config: Any,
) -> Resource:
    node: dict[str, Any] = {"machineType": machine, "diskSizeGb": 100, "diskType": "pd-balanced"} | config
    if gpu:
        node["guestAccelerators"] = [{"type": gpu, "count": 1}]
    if spot is not None:
        node["spot"] = spot
    inputs = {
        "location": location,
        "nodeConfig": node,
        "autoscaling": {"totalMinNodeCount": least, "totalMaxNodeCount": most},
    }
    return resource("gcp:container/nodePool:NodePool", inputs, name)


def cluster(location: str = "us-central1-a") -> Resource:
    inputs = {"location": location, "removeDefaultNodePool": True, "initialNodeCount": 1}
    return resource("gcp:container/cluster:Cluster", inputs, "cluster")
