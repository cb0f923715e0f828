"""The `fargate` target: the image, and an ECS Fargate service that runs it."""

import re
from collections.abc import Mapping
from typing import Protocol

import pulumi

from slipway.components.fargate import (
    Architecture,
    ContainerInsights,
    Egress,
    FargateService,
    FargateServiceArgs,
    ScalingSchedule,
)
from slipway.components.fargate.rules import checked_spec
from slipway.components.image import InferenceImage, InferenceImageArgs, Platform, Registry
from slipway.components.spec import default_concurrency
from slipway.stacks.parts import (
    ANY_DIGEST,
    CloudSettings,
    measured_request_seconds,
    neutral_args,
    registry_image_args,
    require_known_memory,
)
from slipway.stacks.secrets import StackSecrets

_ARCHITECTURES = {
    "x86_64": (Architecture.X86_64, Platform.LINUX_AMD64),
    "arm64": (Architecture.ARM64, Platform.LINUX_ARM64),
}


class Schedule(Protocol):
    """Other numbers of instances from a time on."""

    @property
    def when(self) -> str: ...
    @property
    def least(self) -> int: ...
    @property
    def most(self) -> int: ...
    @property
    def timezone(self) -> str: ...


class FargateSettings(CloudSettings, Protocol):
    """What this target reads beyond every cloud's settings."""

    @property
    def certificate(self) -> str: ...
    @property
    def allowed_cidrs(self) -> tuple[str, ...]: ...
    @property
    def internal(self) -> bool: ...
    @property
    def architecture(self) -> str: ...
    @property
    def spot_percent(self) -> int: ...
    @property
    def schedule(self) -> Mapping[str, Schedule]: ...
    @property
    def ephemeral_storage_gib(self) -> float: ...
    @property
    def zones(self) -> tuple[str, ...]: ...
    @property
    def egress(self) -> str: ...
    @property
    def network(self) -> str: ...
    @property
    def subnets(self) -> tuple[str, ...]: ...
    @property
    def task_subnets(self) -> tuple[str, ...]: ...
    @property
    def listener(self) -> str: ...
    @property
    def listener_security_group(self) -> str: ...
    @property
    def cluster(self) -> str: ...
    @property
    def container_insights(self) -> str: ...
    @property
    def log_retention_days(self) -> int: ...


def service(name: str, settings: FargateSettings, secrets: StackSecrets) -> FargateService:
    """The service of a `fargate` stack and its image; the outputs are those of every target.

    Raises ValueError with all faults of the service, or else all of the image, before either is registered.
    """
    args = _service_args(name, settings, secrets, _any_image(settings))
    spec = checked_spec(name, args)
    require_known_memory(name, settings.model, settings.task, settings.cpu, settings.memory_gib, "fargate")
    image = InferenceImage(f"{name}-image", _image_args(name, settings))
    args["image_ref"] = settings.image or image.image_ref
    return FargateService(name, args, checked=spec)


def _any_image(settings: FargateSettings) -> pulumi.Input[str]:
    """The image that is given, or what stands for the one that is built, in the service's own account."""
    if settings.image:
        return settings.image
    arns = f"{settings.cluster} {settings.certificate} {settings.listener}"
    named = re.search(r":([0-9]{12}):", arns)
    account = named[1] if named else "123456789012"
    return f"{account}.dkr.ecr.{settings.region}.amazonaws.com/repository@{ANY_DIGEST}"


def _image_args(name: str, settings: FargateSettings) -> InferenceImageArgs:
    return {
        **registry_image_args(name, settings, Registry.ECR),
        "platform": _ARCHITECTURES[settings.architecture][1],
    }


def _service_args(
    name: str, settings: FargateSettings, secrets: StackSecrets, image_ref: pulumi.Input[str]
) -> FargateServiceArgs:
    args: FargateServiceArgs = {
        **neutral_args(name, settings),
        "image_ref": image_ref,
        "region": settings.region,
        "secret_values": dict(secrets.values),
        "architecture": _ARCHITECTURES[settings.architecture][0],
        "ephemeral_storage_gib": settings.ephemeral_storage_gib,  # pyright: ignore[reportAssignmentType]
        "spot_percent": settings.spot_percent,
        "schedules": _schedules(settings),
        "container_insights": ContainerInsights(settings.container_insights),
        "log_retention_days": settings.log_retention_days,
        "deletion_protection": settings.deletion_protection,
    }
    if settings.cluster:
        args["cluster_arn"] = settings.cluster
    if secrets.api_key is not None:
        args["api_key"] = secrets.api_key
    _set_speed(args, name, settings)
    _set_network(args, settings)
    _set_balancer(args, settings)
    return args


def _set_speed(args: FargateServiceArgs, name: str, settings: FargateSettings) -> None:
    concurrency = settings.concurrency or default_concurrency(settings.cpu)
    seconds = measured_request_seconds(name, settings.model, settings.task, settings.cpu, concurrency)
    if seconds is not None:
        args["request_seconds"] = seconds


def _set_network(args: FargateServiceArgs, settings: FargateSettings) -> None:
    """An argument that is left out is not said: with an existing network most have no meaning."""
    if settings.network:
        args["vpc_id"] = settings.network
    if settings.subnets:
        args["subnet_ids"] = list(settings.subnets)
    if settings.task_subnets:
        args["task_subnet_ids"] = list(settings.task_subnets)
    if settings.zones:
        args["zones"] = list(settings.zones)
    if settings.egress != Egress.PUBLIC_ADDRESS.value:
        args["egress"] = Egress(settings.egress)


def _set_balancer(args: FargateServiceArgs, settings: FargateSettings) -> None:
    if settings.domain:
        args["domain"] = settings.domain
    if settings.certificate:
        args["certificate_arn"] = settings.certificate
    if settings.allowed_cidrs:
        args["allowed_cidrs"] = list(settings.allowed_cidrs)
    if settings.internal:
        args["internal"] = True
    if settings.listener:
        args["listener_arn"] = settings.listener
    if settings.listener_security_group:
        args["listener_security_group_id"] = settings.listener_security_group


def _schedules(settings: FargateSettings) -> list[ScalingSchedule]:
    return [
        {
            "name": name,
            "schedule": schedule.when,
            "timezone": schedule.timezone,
            "min_replicas": schedule.least,
            "max_replicas": schedule.most,
        }
        for name, schedule in sorted(settings.schedule.items())
    ]
