"""The workers of a service: an ECS service of their own, without a load balancer, of the same image.

They follow the service: a new version's workers start once its rollout is over, and the old version's work
until then. A rollout that is taken back never reaches them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi
import pulumi_aws as aws

from ...rollouts.kinds import ROLLING
from .. import names
from ..ecs_service import ecs_service, running
from ..network import Network
from ..process import worker_process
from ..roles import worker_role
from ..scaling import capacity_of
from ..spec import FargateSpec
from ..task import rollout_id, task_definition
from .counts import counts_of
from .scaling import scale_workers


def workers_spec(spec: FargateSpec) -> FargateSpec:
    """Return the description of the workers: that of the service, with their name, size and number.

    Of the service's collector they need the part that sends traces.
    """
    jobs = spec.jobs
    service = replace(
        spec.service,
        name=names.workers_name(spec.name),
        cpu=jobs.worker_cpu,
        memory_gib=jobs.worker_memory_gib,
        min_replicas=int(jobs.min_workers),
        max_replicas=int(jobs.max_workers),
        gpu="",
    )
    return replace(
        spec,
        service=service,
        given=frozenset(),
        rollout=ROLLING,
        bake_minutes=None,
        schedules=(),
        spot_percent=100 if spec.worker_spot else 0,
        on_demand_base=0,
        observability=type(spec.observability).BASIC,
    )


@dataclass(frozen=True, slots=True)
class WorkersPlace:
    """Where workers run, and what they run with. secrets: environment name -> ECS's `valueFrom`.

    execution: ARN of the role that starts them. jobs: the variables by which they reach the jobs.
    """

    cluster: pulumi.Input[str]
    cluster_name: pulumi.Input[str]
    network: Network
    group: aws.ec2.SecurityGroup
    image_ref: pulumi.Output[str]
    secrets: Mapping[str, pulumi.Input[str]]
    log: aws.cloudwatch.LogGroup
    execution: pulumi.Input[str]
    jobs: Mapping[str, pulumi.Input[str]]


def work(
    spec: FargateSpec, place: WorkersPlace, after: Iterable[pulumi.Resource], parent: pulumi.Resource
) -> None:
    """Create the workers and what scales them. after: the service, and what else has to be there before.

    Fails at apply time where ECS has restored the old workers.
    """
    workers = workers_spec(spec)
    process = worker_process(workers, place.jobs)
    role, made = worker_role(spec, parent)
    wanted = _wanted(workers, place)
    task = task_definition(
        workers,
        place.image_ref,
        place.secrets,
        place.log.name,
        (place.execution, role),
        process,
        rollout_id(wanted, workers.scales),
        parent,
    )
    service = ecs_service(
        workers,
        parent,
        [*after, *made],
        task,
        process.stop_seconds,
        wanted,
        scales=workers.scales,
        protect=False,
    )
    running(workers, service, task, spec.name)
    counts_of(spec, place.log, parent)
    if workers.scales:
        scale_workers(spec, service, place.cluster_name, parent)


def _wanted(workers: FargateSpec, place: WorkersPlace) -> dict[str, Any]:
    """Return the inputs whose change rolls the workers out, apart from their task definition."""
    return {
        "cluster": place.cluster,
        "desired_count": workers.service.min_replicas,
        "capacity_provider_strategies": capacity_of(workers),
        "deployment_minimum_healthy_percent": 100,
        "deployment_maximum_percent": 200,
        "deployment_circuit_breaker": {"enable": True, "rollback": True},
        "network_configuration": {
            "subnets": place.network.task_subnets,
            "security_groups": [place.group.id],
            "assign_public_ip": place.network.public_address,
        },
    }
