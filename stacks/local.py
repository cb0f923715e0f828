"""The `local` target: one server on this machine, without a cloud; as a process, or in a container."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from slipway.components.local.args import LocalContainerArgs, LocalServiceArgs
from slipway.components.local.component import LocalService
from slipway.components.local.rules import checked_container, checked_process
from slipway.components.spec import InferenceServiceSpec
from slipway.stacks.resolved import resolved_service
from slipway.stacks.secrets import StackSecrets
from slipway.stacks.settings.local import LocalSettings

if TYPE_CHECKING:
    from slipway.components.local.container import LocalContainer


def prepare(
    name: str, settings: LocalSettings, secrets: StackSecrets
) -> Callable[[], "LocalService | LocalContainer"]:
    """Check a `local` stack and return the function that makes its service, a process or a container.

    Raises ArgumentsError with all faults of the service and the model, before anything is registered.
    """
    args = _service_args(settings, secrets)
    if settings.runtime == "process":
        checked_process(name, args)
        return lambda: LocalService(name, cast("LocalServiceArgs", args))
    given = {**args, "image": settings.image}
    checked_container(name, given)
    from slipway.components.local.container import LocalContainer  # needs Docker's SDK, installed apart

    return lambda: LocalContainer(name, cast("LocalContainerArgs", given))


def _service_args(settings: LocalSettings, secrets: StackSecrets) -> dict[str, Any]:
    given = {"model": settings.model, "port": settings.port, **settings.args_for(LocalServiceArgs)}
    args = {**given, **resolved_service(InferenceServiceSpec.read("service", given))}
    if secrets.api_key is not None:
        args["api_key"] = secrets.api_key
    return args
