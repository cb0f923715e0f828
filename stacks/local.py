"""The `local` target: one server process on this machine, with no cloud, image or account."""

from typing import Protocol

import pulumi

from components.local.component import LocalService, LocalServiceArgs


class LocalSettings(Protocol):
    """The settings that this target reads. memory_gib in GiB, timeout in seconds."""

    @property
    def task(self) -> str: ...
    @property
    def model(self) -> str: ...
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


def service(name: str, settings: LocalSettings, api_key: pulumi.Output[str] | None) -> LocalService:
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
    if api_key is not None:
        args["api_key"] = api_key
    return LocalService(name, args)
