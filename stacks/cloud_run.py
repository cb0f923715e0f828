"""The `cloud-run` target: the image, and a Cloud Run service that runs it."""

from collections.abc import Callable
from typing import Any, cast

from slipway.components.cloud_run import CloudRunService, CloudRunServiceArgs
from slipway.components.cloud_run.limits import STARTUP_SECONDS
from slipway.components.cloud_run.rules import checked_spec
from slipway.components.cloud_run.spec import CloudRunSpec
from slipway.components.fault import Faults, refuse
from slipway.components.image import InferenceImageArgs, Registry
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.engine import image_cuda_version
from slipway.stacks.parts import (
    google_image,
    image_maker,
    model_args,
    registry_image_args,
    require_known_memory,
    resolved_args,
    secret_args,
)
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.cloud_run import CloudRunSettings


def prepare(name: str, settings: CloudRunSettings, secrets: StackSecrets) -> Callable[[], CloudRunService]:
    """Check a `cloud-run` stack and return the function that makes its image and its service.

    Raises ArgumentsError with all faults of the service, the model and the image, before any is registered.
    """
    found = Faults()
    given = settings.args_for(CloudRunServiceArgs)
    service = CloudRunSpec.read(name, given).service
    args = {**given, **_resolved_args(settings, secrets, service)}
    patience = STARTUP_SECONDS
    args |= found.of(lambda: model_args(name, settings, service, longest_start_seconds=patience)) or {}
    spec = found.of(lambda: checked_spec(name, args))
    found.of(lambda: require_known_memory(name, settings, service, "cloud-run"))
    found.of(lambda: refuse(name, settings.rollout_faults()))
    image = found.of(lambda: image_maker(name, _image_args(name, settings)))
    found.refuse(name)
    assert image is not None

    def make() -> CloudRunService:
        built = image()  # its repository stays where another image is given: it has what was run before
        args["image_ref"] = settings.image or built.image_ref
        return CloudRunService(name, cast("CloudRunServiceArgs", args), checked=spec)

    return make


def _image_args(name: str, settings: CloudRunSettings) -> InferenceImageArgs:
    args = registry_image_args(name, settings, Registry.ARTIFACT_REGISTRY, settings.region)
    return {**args, "project": settings.project}


def _resolved_args(
    settings: CloudRunSettings, secrets: StackSecrets, service: InferenceServiceSpec
) -> dict[str, Any]:
    args = {**resolved_args(settings, service), **secret_args(secrets), "image_ref": google_image(settings)}
    if cuda := image_cuda_version(settings):
        args["cuda_version"] = cuda
    return args
