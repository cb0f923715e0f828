"""What every target answers: where a service is, how it is doing, its log, and what reaching it takes."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from slipway.components.sizes import Size, smallest_size
from slipway.infra.plan.config import StackConfig
from slipway.infra.settings.checked import Settings
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.status import Status

Place = TypeVar("Place")


@dataclass(frozen=True, slots=True)
class Access:
    """How the program reaches a cluster.

    kubeconfig: its text; None where the program makes its own, '' where it is not known yet. cluster: which
    one it reaches; '' where that is not known.
    """

    kubeconfig: str | None = None
    cluster: str = ""


class Target(ABC):
    """One place to run a service. name: as the setting `target` has it."""

    name: ClassVar[str]

    @property
    def stack_module(self) -> str:
        """Module that makes the service. It needs the target's SDK, which may be missing."""
        return f"slipway.stacks.{self.name.replace('-', '_')}"

    def applied_here(self, config: StackConfig) -> bool:  # noqa: ARG002 `local` reads it
        """Whether `slipway up` applies the stack itself; else it is Pulumi's work."""
        return False

    def in_container(self, config: StackConfig) -> bool:  # noqa: ARG002 `local` reads it
        """Whether Docker on this machine runs the service."""
        return False

    @abstractmethod
    def status(self, config: StackConfig) -> Status:
        """The status of the service now. Raises Refused or Failed where it cannot be read."""

    @abstractmethod
    def log(self, config: StackConfig, tail: int, follow: bool) -> Iterator[str]:
        """The last `tail` lines of the service's log. With `follow` this may become the cloud's command."""

    def require_access(self) -> None:
        """Raise Refused where this machine lacks what the target is reached with, before it is made."""
        return

    def access(self, settings: Settings, *, applies: bool) -> Access:  # noqa: ARG002 some targets read them
        """How the cluster is reached. applies: whether something is about to be made.

        Raises Refused where it could not be reached. A preview needs no login, so that it runs anywhere.
        """
        return Access()

    def smallest_size(self, need_mib: float, cpu: float) -> Size | None:
        """The smallest memory of at least `need_mib`, with at least `cpu`; None where nothing is enough."""
        return smallest_size(self.name, need_mib, cpu)


class CloudTarget(Target, Generic[Place]):
    """A target that is asked through a command-line program, with the person's own login."""

    def place_of(self, config: StackConfig) -> Place:
        """Where the stack's service is. Raises SettingsError where its settings are wrong."""
        return self.place(f"{config.project}-{config.stack}", settings_from(config))

    def status(self, config: StackConfig) -> Status:
        return self.status_at(config.stack, self.place_of(config))

    def log(self, config: StackConfig, tail: int, follow: bool) -> Iterator[str]:
        place = self.place_of(config)
        if follow:
            command = self.following(place)
            os.execv(command[0], command)  # noqa: S606 no shell is wanted
        return self.log_at(place, tail)

    @abstractmethod
    def place(self, service: str, settings: Settings) -> Place:
        """Where the service of these settings is."""

    @abstractmethod
    def status_at(self, stack: str, place: Place) -> Status:
        """The status of the service there."""

    @abstractmethod
    def log_at(self, place: Place, tail: int) -> Iterator[str]:
        """The last `tail` log entries, oldest first, one JSON object per line."""

    @abstractmethod
    def following(self, place: Place) -> list[str]:
        """The command that prints the log as it is written."""
