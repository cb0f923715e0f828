"""The two roles of a service's tasks: one starts them, one is the server's. Each may do what it must."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..image_reference import ImageReference
from . import limits, model, names
from .image_rules import repository_arn
from .spec import FargateSpec

Statement = dict[str, Any]
_VERSION = "2012-10-17"
_ROLES = {"execution": "Starts tasks of", "task": "Runs as"}
_TASKS = {"Service": "ecs-tasks.amazonaws.com"}


@dataclass(frozen=True, slots=True)
class Roles:
    """ARNs. made: what a task must wait for."""

    execution: pulumi.Input[str]
    task: pulumi.Input[str]
    made: tuple[pulumi.Resource, ...]


def roles_of(
    spec: FargateSpec,
    image_ref: pulumi.Output[str],
    log_group: aws.cloudwatch.LogGroup,
    secret_arns: Iterable[pulumi.Input[str]],
    parent: pulumi.Resource,
) -> Roles:
    execution, task = spec.execution_role_arn, spec.task_role_arn
    made: list[pulumi.Resource] = []
    if execution is None:
        role = _role(spec, "execution", parent)
        statements = [
            image_ref.apply(_image_statements),
            [
                _statement(
                    ["logs:CreateLogStream", "logs:PutLogEvents"], pulumi.Output.concat(log_group.arn, ":*")
                )
            ],
            [_statement(["secretsmanager:GetSecretValue"], arn) for arn in secret_arns],
        ]
        flat = pulumi.Output.all(*statements).apply(lambda parts: [one for part in parts for one in part])
        made.append(_policy(spec, "execution", role, flat, parent))
        execution = role.arn
    if task is None:
        role = _role(spec, "task", parent)
        if statements := _model_statements(spec):
            made.append(_policy(spec, "task", role, statements, parent))
        task = role.arn
    return Roles(execution, task, tuple(made))


def _role(spec: FargateSpec, kind: str, parent: pulumi.Resource) -> aws.iam.Role:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": _TASKS}
    return aws.iam.Role(
        f"{spec.name}-{kind}-role",
        name=names.role_name(spec.name, spec.region, kind),
        description=f"{_ROLES[kind]} the inference service {spec.name}",
        assume_role_policy=pulumi.Output.json_dumps({"Version": _VERSION, "Statement": [trust]}),
        tags=spec.service.labels or None,
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _policy(
    spec: FargateSpec,
    kind: str,
    role: aws.iam.Role,
    statements: pulumi.Input[list[Statement]],
    parent: pulumi.Resource,
) -> aws.iam.RolePolicy:
    return aws.iam.RolePolicy(
        f"{spec.name}-{kind}-policy",
        name="service",
        role=role.name,
        policy=pulumi.Output.json_dumps({"Version": _VERSION, "Statement": statements}),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def _statement(actions: list[str], resource: pulumi.Input[str]) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _image_statements(image_ref: str) -> list[Statement]:
    """To pull an image from ECR, of whichever account and region; none for one from elsewhere."""
    image = ImageReference.parse(image_ref)
    if image is None or image.ecr_repository is None:
        return []
    return [
        _statement([limits.LOGIN_ACTION], "*"),
        _statement([*limits.PULL_ACTIONS], repository_arn(image.ecr_repository)),
    ]


def _model_statements(spec: FargateSpec) -> list[Statement]:
    bucket = model.bucket_of(spec)
    if bucket is None:
        return []
    files = f"arn:{names.partition(spec.region)}:s3:::{bucket.name}/{bucket.folder}/*"
    return [_statement(["s3:GetObject", "s3:GetObjectVersion"], files)]
