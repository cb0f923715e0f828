"""The `local` target: one server on this machine, without a cloud; as a process, or in a container."""

from typing import TYPE_CHECKING, Protocol

from slipway.components.local.component import LocalService, LocalServiceArgs
from slipway.stacks.secrets import StackSecrets

if TYPE_CHECKING:
    from slipway.components.local.container import LocalContainer


class LocalSettings(Protocol):
    """The settings that this target reads. memory_gib in GiB, timeout in seconds."""

    @property
    def task(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def load_seconds(self) -> float | None: ...
    @property
    def cpu(self) -> float: ...
    @property
    def memory_gib(self) -> float: ...
    @property
    def min_instances(self) -> int: ...
    @property
    def max_instances(self) -> int: ...
    @property
    def timeout_seconds(self) -> int: ...
    @property
    def port(self) -> int: ...
    @property
    def runtime(self) -> str: ...
    @property
    def image(self) -> str: ...


def service(name: str, settings: LocalSettings, secrets: StackSecrets) -> "LocalService | LocalContainer":
    """The service of a `local` stack; its outputs are those of every target."""
    args: LocalServiceArgs = {
        "model": settings.model,
        "task": settings.task,
        "cpu": settings.cpu,
        "memory_gib": settings.memory_gib,
        "min_replicas": settings.min_instances,
        "max_replicas": settings.max_instances,
        "request_timeout_seconds": settings.timeout_seconds,
        "port": settings.port,
    }
    if settings.load_seconds is not None:
        args["load_seconds"] = settings.load_seconds
    if secrets.api_key is not None:
        args["api_key"] = secrets.api_key
    if settings.runtime == "process":
        return LocalService(name, args)
    from slipway.components.local.container import (  # needs Docker's SDK, which is installed apart
        LocalContainer,
    )

    return LocalContainer(name, {**args, "image": settings.image})
