"""The `cloud-run` target: the image, and a Cloud Run service that runs it."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from slipway.components.cloud_run import CloudRunService, CloudRunServiceArgs
from slipway.components.cloud_run.limits import LEAST_BAKE_MINUTES, STARTUP_SECONDS
from slipway.components.cloud_run.rules import checked_spec
from slipway.components.cloud_run.spec import CloudRunSpec
from slipway.components.fault import Fault, Faults, refuse
from slipway.components.image import InferenceImageArgs, Registry
from slipway.components.rollouts.counts import DURATION
from slipway.components.rollouts.faults import RolloutArguments
from slipway.components.rollouts.faults import rollout_faults as faults_of_rollout
from slipway.components.rollouts.rollback_rules import is_readable_from_requests as is_readable
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.parts import (
    google_image,
    image_cuda_version,
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
    found.of(lambda: refuse(name, rollout_faults(settings)))
    image = found.of(lambda: image_maker(name, _image_args(name, settings)))
    found.refuse(name)
    assert image is not None

    def make() -> CloudRunService:
        built = image()  # its repository stays where another image is given: it has what was run before
        args["image_ref"] = settings.image or built.image_ref
        return CloudRunService(name, cast("CloudRunServiceArgs", args), checked=spec)

    return make


def rollout_faults(settings: CloudRunSettings) -> Iterator[Fault]:
    """Yield what is wrong with a rollout that `slipway up` does, and watches by Cloud Monitoring."""
    given = RolloutArguments.of(settings)
    yield from faults_of_rollout(given)
    if given.bake_minutes is not None and given.bake_minutes < LEAST_BAKE_MINUTES:
        allowed = (
            f"it must be at least {LEAST_BAKE_MINUTES} minutes, because Cloud Monitoring counts by the minute"
        )
        yield Fault("bake_minutes", f"{given.bake_minutes:g}", allowed, nearest=LEAST_BAKE_MINUTES)
    for text in given.rollback_on:
        if not is_readable(text):
            allowed = f"allowed are `{DURATION} failures > 1%`, `{DURATION} p99 > 0.5` (seconds) or `> 3x`"
            yield Fault(
                "rollback_on", repr(text), allowed, ", which Cloud Monitoring does not have", verb="has"
            )


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
