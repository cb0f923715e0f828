"""Checks of the names, references and strings of a service, against limits.py. Pure; shows no secret."""

from collections.abc import Iterator

from ..aws import limits as aws
from ..aws.name_rules import arn_faults, region_faults, tag_faults
from ..aws.secrets import SecretReference, secret_name
from ..drawn_names import SUFFIX_CHARACTERS
from ..fault import Fault
from ..input_rules import api_key_faults, secret_name_faults, unpinned_secret
from . import limits, names
from .image_rules import image_faults
from .spec import FargateSpec


def name_faults(spec: FargateSpec) -> Iterator[Fault]:
    yield from region_faults(spec.region)
    if (
        not limits.BALANCER_NAME.fullmatch(names.balancer_name(spec.name, spec.internal))
        and spec.own_balancer
    ):
        allowed = "Elastic Load Balancing reserves names that begin with internal-"
        yield Fault("name", repr(spec.name), allowed)
    yield from image_faults(spec)
    yield from _environment_faults(spec)
    yield from _secret_faults(spec)
    yield from tag_faults(spec.service.labels, ("Name",) if spec.own_network else ())
    yield from api_key_faults(spec.api_key)
    yield from _arn_faults(spec)


def _environment_faults(spec: FargateSpec) -> Iterator[Fault]:
    service = spec.service
    names_of = (("env", service.env), ("secrets", service.secrets), ("secret_values", spec.secret_values))
    for where, given in names_of:
        for key in sorted(limits.RESERVED_NAMES.intersection(given)):
            yield Fault(where, key, "choose another name", ", which ECS itself sets", verb="has")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in service.known_env.items())
    most = limits.TASK_DEFINITION_BYTES - limits.AROUND_ENVIRONMENT_BYTES
    if size > most:
        allowed = (
            f"a task definition holds {limits.TASK_DEFINITION_BYTES} bytes, of which {most} are left for it: "
            "put large values into the image, a bucket or `secrets`"
        )
        yield Fault("env", f"{size} bytes together", allowed, verb="has")


def _secret_faults(spec: FargateSpec) -> Iterator[Fault]:
    service = spec.service
    for key in spec.secret_values:
        yield from (faults := list(secret_name_faults(service, key)))
        most = aws.SECRET_NAME_CHARACTERS
        if not faults and len(secret_name(service.name, key)) + SUFFIX_CHARACTERS > most:
            around = f"with the service's name in front and {SUFFIX_CHARACTERS} characters at the end"
            allowed = f"{around} Secrets Manager allows {most} characters"
            yield Fault("secret_values", key, allowed, f", a name of {len(key)} characters", verb="has")
    for key, text in service.secrets.items():
        try:
            SecretReference.parse(text)
        except ValueError as error:
            reason = ", which is no reference (its value is not shown)"
            yield Fault("secrets", key, f"{error}", reason, verb="has")


def name_warnings(spec: FargateSpec) -> Iterator[str]:
    """Warn of secrets that follow their newest value."""
    for key, text in spec.service.secrets.items():
        if not SecretReference.parse(text).is_pinned:
            yield unpinned_secret(f"`secrets` has {key}, whose reference", "tasks")


def _arn_faults(spec: FargateSpec) -> Iterator[Fault]:
    for key, arn, pattern in (
        ("cluster_arn", spec.cluster_arn, aws.CLUSTER_ARN),
        ("execution_role_arn", spec.execution_role_arn, aws.ROLE_ARN),
        ("task_role_arn", spec.task_role_arn, aws.ROLE_ARN),
        ("certificate_arn", spec.certificate_arn, aws.CERTIFICATE_ARN),
        ("listener_arn", spec.listener_arn, aws.LISTENER_ARN),
    ):
        yield from arn_faults(key, arn, pattern, spec.region)
