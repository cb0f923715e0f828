"""The roles of a service: one starts its tasks, one is the server's, and by one ECS moves its traffic.

Each may do only what it needs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..aws.limits import LOGIN_ACTION, PULL_ACTIONS
from ..aws.regions import partition
from ..aws.secrets import READ_SECRET, read_action
from ..aws.traces import ACTIONS
from ..drawn_names import Replacing, drawn_name
from ..image_reference import ImageReference
from ..model_address import Source
from ..traces import CLOUD
from . import names
from .balancer import Balancer
from .jobs.files import server_statements, worker_statements
from .spec import FargateSpec
from .traffic import statements_for

Statement = dict[str, Any]
# What a process needs that writes to a log group which is there.
LOG_ACTIONS = ("logs:CreateLogStream", "logs:PutLogEvents")
_VERSION = "2012-10-17"
_ROLES = {
    "execution": "Starts tasks of",
    "task": "Runs as",
    "traffic": "Moves the traffic of",
    "worker": "Works on the jobs of",
}
_TASKS, _ECS = "ecs-tasks.amazonaws.com", "ecs.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of a task, as ARNs. made: what a task must wait for."""

    execution: pulumi.Input[str]
    task: pulumi.Input[str]
    made: tuple[pulumi.Resource, ...]


def roles_of(
    spec: FargateSpec,
    image_ref: pulumi.Output[str],
    log_group: aws.cloudwatch.LogGroup,
    metrics_group: aws.cloudwatch.LogGroup | None,
    secret_arns: Iterable[pulumi.Input[str]],
    parent: pulumi.Resource,
) -> Roles:
    execution, task = spec.execution_role_arn, spec.task_role_arn
    made: list[pulumi.Resource] = []
    if execution is None:
        role = _role(spec, "execution", parent)
        statements = [
            image_ref.apply(_image_statements),
            [_log_statement(log_group)],
            [
                _statement([read_action(arn) if isinstance(arn, str) else READ_SECRET], arn)
                for arn in secret_arns
            ],
        ]
        flat = pulumi.Output.all(*statements).apply(lambda parts: [one for part in parts for one in part])
        made.append(_policy(spec, "execution", role, flat, parent))
        execution = role.arn
    if task is None:
        role = _role(spec, "task", parent)
        writes = [_log_statement(metrics_group)] if metrics_group else []
        shared = [*_model_statements(spec), *_trace_statements(spec)]
        if allowed := [*shared, *writes, *server_statements(spec)]:
            made.append(_policy(spec, "task", role, allowed, parent))
        task = role.arn
    return Roles(execution, task, tuple(made))


def worker_role(
    spec: FargateSpec, parent: pulumi.Resource
) -> tuple[pulumi.Input[str], list[pulumi.Resource]]:
    """Return the role that workers run as, and what they wait for."""
    if spec.task_role_arn is not None:
        return spec.task_role_arn, []
    role = _role(spec, "worker", parent)
    allowed = [*_model_statements(spec), *_trace_statements(spec), *worker_statements(spec)]
    return role.arn, [_policy(spec, "worker", role, allowed, parent)] if allowed else []


def traffic_role(
    spec: FargateSpec, balancer: Balancer, parent: pulumi.Resource
) -> tuple[pulumi.Output[str] | None, list[pulumi.Resource]]:
    """Return the role by which ECS moves the traffic, None without a rule, and what a service waits for."""
    if balancer.rule is None:
        return None, []
    role = _role(spec, "traffic", parent)
    statements = statements_for(balancer.rule, balancer.groups)
    return role.arn, [_policy(spec, "traffic", role, statements, parent)]


def _role(spec: FargateSpec, kind: str, parent: pulumi.Resource) -> aws.iam.Role:
    """Create a role, which has no region: it stays when the service moves, under the name it was given."""
    principal = {"Service": _ECS if kind == "traffic" else _TASKS}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return aws.iam.Role(
        f"{spec.name}-{kind}-role",
        name=names.role_name(spec.name, spec.region, kind),
        description=f"{_ROLES[kind]} the inference service {spec.name}",
        assume_role_policy=pulumi.Output.json_dumps({"Version": _VERSION, "Statement": [trust]}),
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent, ignore_changes=["name"]),
    )


def _policy(
    spec: FargateSpec,
    kind: str,
    role: aws.iam.Role,
    statements: pulumi.Input[list[Statement]],
    parent: pulumi.Resource,
) -> aws.iam.RolePolicy:
    """Create a role's policy, which a change replaces instead of updating it.

    Running tasks, and those that a rollout may go back to, keep their rights until the rollout has succeeded.
    """
    resource = f"{spec.name}-{kind}-policy"
    policy = pulumi.Output.json_dumps({"Version": _VERSION, "Statement": statements})
    replacing = Replacing(trigger=policy)
    return aws.iam.RolePolicy(
        resource,
        name=drawn_name(resource, "service", {"role": role.name}, parent, replacing),
        role=role.name,
        policy=policy,
        opts=replacing.into(pulumi.ResourceOptions(parent=parent, ignore_changes=["name"])),
    )


def _statement(actions: list[str], resource: pulumi.Input[str]) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _log_statement(group: aws.cloudwatch.LogGroup) -> Statement:
    return _statement([*LOG_ACTIONS], pulumi.Output.concat(group.arn, ":*"))


def _image_statements(image_ref: str) -> list[Statement]:
    """Return the statements that allow pulling the image from ECR; none for other registries."""
    image = ImageReference.parse(image_ref)
    if image is None or image.ecr_repository is None:
        return []
    return [
        _statement([LOGIN_ACTION], "*"),
        _statement([*PULL_ACTIONS], image.ecr_repository.arn),
    ]


def _trace_statements(spec: FargateSpec) -> list[Statement]:
    return [_statement(ACTIONS, "*")] if spec.traces == CLOUD else []


def _model_statements(spec: FargateSpec) -> list[Statement]:
    address = spec.service.address
    if address.source is not Source.AMAZON:
        return []
    files = f"arn:{partition(spec.region)}:s3:::{address.bucket}/{address.folder}/*"
    return [_statement(["s3:GetObject", "s3:GetObjectVersion"], files)]
