"""An ECS service and its rollout: of the tasks that answer requests, and of those that work on jobs."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from ..inputs import ApplyError
from . import names
from .spec import FargateSpec

# A rollout that never gets steady fails by its circuit breaker; how long that takes grows with the load time.
_LEAST_ROLLOUT_MINUTES = 60
# Apart from the tasks' end.
_DELETE_MINUTES = 30


def ecs_service(
    spec: FargateSpec,
    parent: pulumi.Resource,
    after: Iterable[pulumi.Resource],
    task: aws.ecs.TaskDefinition,
    stop_seconds: int,
    wanted: Mapping[str, Any],
    *,
    scales: bool,
    protect: bool,
) -> aws.ecs.Service:
    """Create a service, replacing it only after the old one is deleted.

    Its name is unique in a cluster, and comes back when a move to another cluster or region is undone.
    wanted: its further inputs. scales: whether the autoscaler sets the number of tasks.
    """
    return aws.ecs.Service(
        f"{spec.name}-service",
        name=spec.name,
        region=spec.region,
        task_definition=task.arn,
        # Without it the provider refuses to change the strategy of a service that is there.
        force_new_deployment=True,
        availability_zone_rebalancing="ENABLED",
        wait_for_steady_state=True,
        enable_ecs_managed_tags=True,
        propagate_tags="SERVICE",
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=list(after),
            delete_before_replace=True,
            protect=protect,
            ignore_changes=["desiredCount"] if scales else None,
            custom_timeouts=_timeouts(spec, stop_seconds),
        ),
        **wanted,
    )


def _timeouts(spec: FargateSpec, stop_seconds: int) -> pulumi.CustomTimeouts:
    """Allow enough time for ECS to find that new tasks do not become ready, and to restore the old ones.

    A rollout is over once the new tasks were watched for their time and the old ones have ended; a service is
    deleted once all of its tasks have.
    """
    ending = math.ceil((spec.deregistration_seconds + stop_seconds) / 60)
    minutes = max(_LEAST_ROLLOUT_MINUTES, 30 + math.ceil(2 * spec.grace_seconds / 60) + ending)
    minutes += spec.bakes_minutes
    delete = _DELETE_MINUTES + ending
    return pulumi.CustomTimeouts(create=f"{minutes}m", update=f"{minutes}m", delete=f"{delete}m")


def running(
    spec: FargateSpec, service: aws.ecs.Service, task: aws.ecs.TaskDefinition, log: str
) -> pulumi.Output[str]:
    """Return the task definition that ECS runs after the rollout, and fail `up` if it is not `task`.

    The provider fails a rollout that the circuit breaker ends, because it watches the deployment that it
    began. This also catches a rollback that it did not watch: what it reads afterwards is what ECS runs, and
    as every rollout has a task definition of its own (`rollout_id`), that tells the deployments apart.
    log: the name of the service in whose log the tasks write.
    """

    def check(both: list[str]) -> str:
        runs, asked = both
        if runs != asked:
            raise ApplyError(
                f"{spec.name}: ECS runs {runs}, not the requested {asked}: the new tasks did not become "
                "ready, or an alarm was raised, and the service was rolled back. "
                f"`{names.logs_command(spec.region, log)}` and the service's events in the console "
                "show why; after the fix, `pulumi up --refresh`."
            )
        return runs

    return pulumi.Output.all(service.task_definition, task.arn).apply(check)
