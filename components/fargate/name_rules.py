"""Names, references and texts of a service, against limits.py. Pure; no secret value is read or shown."""

import re
from collections.abc import Iterator

from ..input_rules import api_key_faults, secret_name_fault
from ..secrets_manager import SecretReference, secret_name
from . import limits, names
from .image_rules import image_faults
from .spec import FargateSpec


def name_faults(spec: FargateSpec) -> Iterator[str]:
    if not spec.region:
        yield "region is missing; set `region` in Pulumi.<stack>.yaml."
    elif not limits.REGION.fullmatch(spec.region):
        yield f"region is {spec.region!r}; allowed is a region's name, such as eu-west-1."
    if (
        not limits.BALANCER_NAME.fullmatch(names.balancer_name(spec.name, spec.internal))
        and spec.own_balancer
    ):
        yield f"the name is {spec.name!r}; Elastic Load Balancing keeps names with internal- to itself."
    yield from image_faults(spec)
    yield from _environment_faults(spec)
    yield from _secret_faults(spec)
    yield from _tag_faults(spec)
    yield from api_key_faults(spec.api_key)
    yield from _arn_faults(spec)


def _environment_faults(spec: FargateSpec) -> Iterator[str]:
    service = spec.service
    for key in sorted({*service.env, *service.secrets, *spec.secret_values} & limits.RESERVED_NAMES):
        yield f"env {key} is set by ECS itself; choose another name."
    size = sum(len(key.encode()) + len(value.encode()) for key, value in service.env.items())
    most = limits.TASK_DEFINITION_BYTES - limits.AROUND_ENVIRONMENT_BYTES
    if size > most:
        yield (
            f"env has {size} bytes together; a task definition holds {limits.TASK_DEFINITION_BYTES}, of "
            f"which {most} are left for it. Put large ones into the image, a bucket or `secrets`."
        )


def _secret_faults(spec: FargateSpec) -> Iterator[str]:
    service = spec.service
    for key in spec.secret_values:
        if fault := secret_name_fault(service, key):
            yield fault
        elif len(secret_name(service.name, key)) > limits.SECRET_NAME_CHARACTERS:
            yield (
                f"secret {key} has {len(key)} characters; with the service's name in front Secrets Manager "
                f"allows {limits.SECRET_NAME_CHARACTERS}."
            )
    for key, text in service.secrets.items():
        try:
            SecretReference.parse(text)
        except ValueError as error:
            yield f"secret {key} is no reference (its value is not shown): {error}."


def _tag_faults(spec: FargateSpec) -> Iterator[str]:
    labels = spec.service.labels
    if len(labels) > limits.TAGS:
        yield f"there are {len(labels)} labels; as tags AWS allows {limits.TAGS}."
    for key, value in labels.items():
        if not (limits.TAG_KEY.fullmatch(key) and limits.TAG_VALUE.fullmatch(value)):
            yield (
                f"label {key!r} is {value!r}; as a tag of AWS it has letters, digits, spaces and .:/=+@_-, "
                "at most 128 and 256, and not aws: first."
            )


def _arn_faults(spec: FargateSpec) -> Iterator[str]:
    arns: tuple[tuple[str, object, re.Pattern[str], str], ...] = (
        ("cluster_arn", spec.cluster_arn, limits.CLUSTER_ARN, "ecs:<region>:<account>:cluster/<name>"),
        ("execution_role_arn", spec.execution_role_arn, limits.ROLE_ARN, "iam::<account>:role/<name>"),
        ("task_role_arn", spec.task_role_arn, limits.ROLE_ARN, "iam::<account>:role/<name>"),
        ("certificate_arn", spec.certificate_arn, limits.CERTIFICATE_ARN, _of("acm", "certificate/<id>")),
        (
            "listener_arn",
            spec.listener_arn,
            limits.LISTENER_ARN,
            _of("elasticloadbalancing", "listener/app/<name>/<id>/<id>"),
        ),
    )
    for key, value, pattern, form in arns:
        if not isinstance(value, str):
            continue
        if not pattern.fullmatch(value):
            yield f"{key} is {value!r}; it must be arn:aws:{form}."
        elif (there := value.split(":")[3]) and there != spec.region:
            yield f"{key} is {value!r}, in {there}; the service is in {spec.region}, and takes what is there."


def _of(service: str, rest: str) -> str:
    return f"{service}:<region>:<account>:{rest}"
