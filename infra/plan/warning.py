"""Collects what a program warns of, as the engine would show it under a resource."""

from dataclasses import dataclass
from typing import Any

from pulumi.runtime.proto import engine_pb2


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning. urn: the resource that it is about; '' if none."""

    urn: str
    text: str


class WarningLog:
    """Stands for the engine that `pulumi.log` writes to: keeps warnings, and shows nothing."""

    def __init__(self) -> None:
        self._found: list[Warned] = []

    def Log(self, request: Any) -> None:  # noqa: N802 Pulumi's name
        if request.severity == engine_pb2.WARNING:
            self._found.append(Warned(request.urn, request.message))

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """List the warnings sorted by resource, and for one resource in the order it gave them."""
        return tuple(sorted(self._found, key=lambda each: each.urn))
