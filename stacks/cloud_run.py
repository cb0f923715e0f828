"""The `cloud-run` target: the image, and a Cloud Run service that runs it."""

from typing import Protocol

import pulumi

from slipway.components.cloud_run import CloudRunService, CloudRunServiceArgs, Ingress
from slipway.components.cloud_run.limits import STARTUP_SECONDS
from slipway.components.cloud_run.rules import checked_spec
from slipway.components.image import InferenceImage, InferenceImageArgs, Registry
from slipway.stacks.parts import (
    GoogleSettings,
    google_image,
    image_cuda_version,
    neutral_args,
    registry_image_args,
    require_known_memory,
)
from slipway.stacks.secrets import StackSecrets

_INGRESS = {
    "all": Ingress.ALL,
    "internal": Ingress.INTERNAL,
    "internal-and-load-balancer": Ingress.INTERNAL_LOAD_BALANCER,
}


class CloudRunSettings(GoogleSettings, Protocol):
    """What this target reads beyond every cloud's settings."""

    @property
    def invokers(self) -> tuple[str, ...]: ...
    @property
    def cpu_always(self) -> bool: ...
    @property
    def ingress(self) -> str: ...


def service(name: str, settings: CloudRunSettings, secrets: StackSecrets) -> CloudRunService:
    """The service of a `cloud-run` stack and its image; the outputs are those of every target.

    Raises ValueError with all faults of the service, or else all of the image, before either is registered.
    """
    args = _service_args(name, settings, secrets, google_image(settings))
    spec = checked_spec(name, args)
    require_known_memory(name, settings.model, settings.task, settings.cpu, settings.memory_gib, "cloud-run")
    image = InferenceImage(f"{name}-image", _image_args(name, settings))
    args["image_ref"] = settings.image or image.image_ref
    return CloudRunService(name, args, checked=spec)


def _image_args(name: str, settings: CloudRunSettings) -> InferenceImageArgs:
    return {
        **registry_image_args(name, settings, Registry.ARTIFACT_REGISTRY),
        "project": settings.project,
    }


def _service_args(
    name: str, settings: CloudRunSettings, secrets: StackSecrets, image_ref: pulumi.Input[str]
) -> CloudRunServiceArgs:
    args: CloudRunServiceArgs = {
        **neutral_args(name, settings, longest_start_seconds=STARTUP_SECONDS),
        "image_ref": image_ref,
        "project": settings.project,
        "region": settings.region,
        "secret_values": dict(secrets.values),
        "invokers": list(settings.invokers),
        "ingress": _INGRESS[settings.ingress],
        "deletion_protection": settings.deletion_protection,
    }
    if settings.cpu_always:  # left out, a GPU turns it on
        args["cpu_always"] = True
    if cuda := image_cuda_version(settings):
        args["cuda_version"] = cuda
    if settings.domain:
        args["domain"] = settings.domain
    if secrets.api_key is not None:
        args["api_key"] = secrets.api_key
    return args
