"""The `fargate` target: the image, and an ECS Fargate service that runs it."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from slipway.components.fargate import Architecture, FargateService, FargateServiceArgs
from slipway.components.fargate.collector import collector_mib
from slipway.components.fargate.rules import checked_spec
from slipway.components.fargate.spec import FargateSpec
from slipway.components.fault import Faults
from slipway.components.image import InferenceImageArgs, Platform, Registry
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.parts import (
    ANY_DIGEST,
    image_maker,
    measured_request_seconds,
    model_args,
    registry_image_args,
    require_known_memory,
    resolved_args,
    secret_args,
)
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.fargate import FargateSettings

_PLATFORMS = {Architecture.X86_64.value: Platform.LINUX_AMD64, Architecture.ARM64.value: Platform.LINUX_ARM64}


def prepare(name: str, settings: FargateSettings, secrets: StackSecrets) -> Callable[[], FargateService]:
    """Check a `fargate` stack and return the function that makes its image and its service.

    Raises ArgumentsError with all faults of the service, the model and the image, before any is registered.
    """
    found = Faults()
    given = settings.args_for(FargateServiceArgs)
    described = FargateSpec.read(name, given)
    service = described.service
    args = {**given, **_resolved_args(settings, secrets, service)}
    args |= found.of(lambda: model_args(name, settings, service)) or {}
    if settings.requests_per_replica is None and (
        seconds := found.of(lambda: measured_request_seconds(name, settings, service))
    ):
        args["request_seconds"] = seconds
    spec = found.of(lambda: checked_spec(name, args))
    server = replace(service, memory_gib=service.memory_gib - collector_mib(described) / 1024)
    found.of(lambda: require_known_memory(name, settings, server, "fargate"))
    image = found.of(lambda: image_maker(name, _image_args(name, settings)))
    found.refuse(name)
    assert image is not None

    def make() -> FargateService:
        built = image()  # also where an image is given: the repository stays
        args["image_ref"] = settings.image or built.image_ref
        return FargateService(name, cast("FargateServiceArgs", args), checked=spec)

    return make


def _any_image(settings: FargateSettings) -> str:
    """Return a placeholder, in the service's own account, for the image that is still to be built."""
    arns = f"{settings.cluster_arn} {settings.certificate_arn} {settings.listener_arn}"
    named = re.search(r":([0-9]{12}):", arns)
    account = named[1] if named else "123456789012"
    return f"{account}.dkr.ecr.{settings.region}.amazonaws.com/repository@{ANY_DIGEST}"


def _image_args(name: str, settings: FargateSettings) -> InferenceImageArgs:
    args = registry_image_args(name, settings, Registry.ECR, settings.region)
    return {**args, "platform": _PLATFORMS[settings.architecture or Architecture.X86_64.value]}


def _resolved_args(
    settings: FargateSettings, secrets: StackSecrets, service: InferenceServiceSpec
) -> dict[str, Any]:
    image = settings.image or _any_image(settings)
    return {**resolved_args(settings, service), **secret_args(secrets), "image_ref": image}
