"""The task definition of a batch: that of the stack's workers, for a container that ends. Pure.

Shapes: botocore 1.44.5, ecs RegisterTaskDefinition.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from slipway.infra.errors import Refused
from slipway.infra.targets.batch_run import BatchOrder
from slipway.infra.targets.fargate_batch_tasks import BatchTasks
from slipway.infra.targets.fargate_cli import objects_at
from slipway.stacks.settings.fargate import FargateSettings

BUCKETS = "s3://"
# What describes a task definition that is there, and is no input of a new one.
_ANSWERED = frozenset(
    {
        *("taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities"),
        *("registeredAt", "registeredBy", "deregisteredAt"),
    }
)
# A batch answers no requests and works on no jobs.
_NOT_OF_A_BATCH = ("JOBS_", "LISTEN_ON_SECONDS", "ROLE", "MODEL_API_KEY")
_STOP_SECONDS = 120


def batch_task(base: Mapping[str, Any], order: BatchOrder, tasks: BatchTasks) -> dict[str, Any]:
    """Return the input of a new task definition. base: the description of the one it is made of.

    Raises Refused where that has no role by which the containers could reach a bucket.
    """
    if not base.get("taskRoleArn"):
        raise Refused(
            "The stack's tasks have no role that may read or write a bucket. With `jobs: true` the workers "
            "have one for `jobFiles` and `jobResults`; or name one in `taskRole`."
        )
    made = {key: value for key, value in base.items() if key not in _ANSWERED and value not in ([], {})}
    containers = [_batched(each, order, tasks) for each in objects_at(base, "containerDefinitions")]
    tags = [{"key": "slipway.batch", "value": order.name}, {"key": "slipway.stack", "value": tasks.service}]
    return {**made, "family": tasks.family, "containerDefinitions": containers, "tags": tags}


def require_reach(settings: FargateSettings, order: BatchOrder) -> None:
    """Raise Refused where the tasks may not read the input or write the output.

    What an existing role may do is not known here.
    """
    source, output = (order.environment.get(name, "") for name in ("BATCH_INPUT", "BATCH_OUTPUT"))
    for name, place in (("input", source), ("output", output)):
        if not place.startswith(BUCKETS):
            raise Refused(
                f"The {name} of a batch on ECS is a prefix or a file of S3, such as s3://bucket/{name}/."
            )
    if settings.task_role_arn:
        return
    if not settings.jobs:
        raise Refused(
            "A batch on ECS runs with the role of the stack's workers: set `jobs: true`, with the input "
            "below `jobFiles` and the output below `jobResults`, and run `slipway up`; or name a role in "
            "`taskRole`."
        )
    if not source.startswith((*settings.job_files, settings.job_results or "\0")):
        allowed = ", ".join(settings.job_files) or "none"
        raise Refused(f"The workers may not read {source}: `jobFiles` names {allowed}.")
    if not (settings.job_results and output.startswith(settings.job_results)):
        raise Refused(
            f"The workers may not write {output}: `jobResults` is {settings.job_results or 'not set'}."
        )


def _batched(container: Mapping[str, Any], order: BatchOrder, tasks: BatchTasks) -> dict[str, Any]:
    """Return one container of the task; those next to the server only write their log elsewhere."""
    made = {key: value for key, value in container.items() if value not in ([], {})}
    logs = dict(made.get("logConfiguration") or {})
    if options := logs.get("options"):
        logs["options"] = {**options, "awslogs-stream-prefix": tasks.name}
        made["logConfiguration"] = logs
    if container.get("name") != tasks.container:
        return made
    for key in ("healthCheck", "portMappings"):
        made.pop(key, None)
    made["environment"] = list(_environment(container, order))
    made["secrets"] = [each for each in objects_at(container, "secrets") if _is_kept(each["name"])]
    return {**made, "stopTimeout": _STOP_SECONDS}


def _environment(container: Mapping[str, Any], order: BatchOrder) -> Iterator[dict[str, str]]:
    given = {each["name"]: each["value"] for each in objects_at(container, "environment")}
    kept = {name: value for name, value in given.items() if _is_kept(name)}
    whole = {**kept, **order.environment, "ROLE": "batch"}
    yield from ({"name": name, "value": whole[name]} for name in sorted(whole))


def _is_kept(name: str) -> bool:
    return not name.startswith(_NOT_OF_A_BATCH)


def shard_variables(order: BatchOrder, shard: int) -> list[dict[str, str]]:
    """Return the variables that only one task of a batch has."""
    values = {"BATCH_SHARD": str(shard), "BATCH_SHARDS": str(order.shards)}
    return [{"name": name, "value": value} for name, value in values.items()]
