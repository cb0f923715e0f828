"""The interface of a target: location, status, log and access of its services."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from slipway.components.sizes import Size, smallest_size
from slipway.infra.errors import Refused
from slipway.infra.plan.config import StackConfig
from slipway.infra.plan.run import Plan
from slipway.infra.settings.stackfile import settings_from
from slipway.infra.targets.batch_run import BatchOrder, BatchRun
from slipway.infra.targets.status import Status
from slipway.stacks.settings.common import Settings
from slipway.stacks.update_step import UpdateStep

Place = TypeVar("Place")


@dataclass(frozen=True, slots=True)
class Access:
    """How the program reaches a cluster.

    kubeconfig: its text; None if the program creates its own, '' if it is not known yet. cluster: the cluster
    that it reaches; '' if that is not known. has_operator: whether it has the Prometheus Operator; None if it
    was not asked.
    """

    kubeconfig: str | None = None
    cluster: str = ""
    has_operator: bool | None = None


class CommandRollout(ABC):
    """The part of a rollout that `slipway up` does itself, before and after `pulumi up`.

    step: which step of it the `pulumi up` is, once it is prepared; None: the program needs none.
    """

    step: UpdateStep | None = None

    def begin(self, plan: Callable[[], Plan]) -> None:  # noqa: B027 not every rollout needs it
        """Hear what the program would deploy now. plan: runs it; raises RunError where it refuses."""

    @abstractmethod
    def prepare(self) -> bool:
        """Get ready for `pulumi up`; return whether it must read first what exists. Raises Refused."""

    @abstractmethod
    def carry_out(self, outputs: Mapping[str, Any], smoke_test: "SmokeTest | None") -> None:
        """Move the requests to the new release, or back. outputs: of the stack, with its secrets.

        smoke_test: None if it is left out. Raises Failed where the rollout went back, with what serves.
        """

    def going_on(self) -> AbstractContextManager[None]:
        """Return a block during which `pulumi up` runs, so that other commands see that it does."""
        return nullcontext()

    def after_failure(self) -> str:
        """Take back what was begun, because `pulumi up` failed; return what became of it and what serves.

        '' where nothing did. Raises Failed in its place.
        """
        return ""


Say = Callable[[str], None]
# Asks the service at a URL; returns what is wrong with its answers, '' for nothing.
SmokeTest = Callable[[str], str]


def release_number(release: str | None, where: str) -> int | None:
    """Return the number that a release is named by; None for none. where: whose. Raises Refused."""
    if release is not None and not (release.isascii() and release.isdigit()):
        raise Refused(f"Releases of {where} are numbers, and {release!r} is none.")
    return int(release) if release else None


class Target(ABC):
    """One place to run a service. name: as the setting `target` has it."""

    name: ClassVar[str]

    @property
    def stack_module(self) -> str:
        """Module that makes the service. It needs the target's SDK, which may be missing."""
        return f"slipway.stacks.{self.name.replace('-', '_')}"

    def applied_here(self, config: StackConfig) -> bool:  # noqa: ARG002 `local` reads it
        """Return whether `slipway up` applies the stack itself, without Pulumi."""
        return False

    def in_container(self, config: StackConfig) -> bool:  # noqa: ARG002 `local` reads it
        """Return whether Docker on this machine runs the service."""
        return False

    @abstractmethod
    def status(self, config: StackConfig) -> Status:
        """Read the service's current status. Raises Refused or Failed if it cannot be read."""

    @abstractmethod
    def log(self, config: StackConfig, tail: int, follow: bool) -> Iterator[str]:
        """Yield the log's last `tail` lines and, with `follow`, each new one.

        May not return: the process may be replaced by a container's or, with `follow`, the cloud's command.
        """

    def releases(self, config: StackConfig) -> list[dict[str, Any]]:
        """Return the releases that the target keeps, the newest first, as JSON. Raises Refused."""
        raise Refused(self._elsewhere(config))

    def promote(self, config: StackConfig) -> dict[str, Any]:
        """End the rollout that runs with its new release; return it as JSON. Raises Refused, Failed."""
        raise Refused(self._elsewhere(config))

    def pause(self, config: StackConfig) -> dict[str, Any]:
        """Stop the clock of the rollout that runs, or let it go on; return it as JSON. Raises Refused."""
        raise Refused(self._elsewhere(config))

    def roll_back(
        self,
        config: StackConfig,
        release: str | None,  # noqa: ARG002
        secrets: bool,  # noqa: ARG002
        settings: bool,  # noqa: ARG002
        say: Callable[[str], None],  # noqa: ARG002
    ) -> tuple[str, str]:
        """Take the newest release back; return the name of the one that left, and of the one that serves.

        release: to bring back, as `releases` names it; None: the one before. secrets, settings: whether they
        come back too. Raises Refused and Failed.
        """
        raise Refused(self._elsewhere(config))

    def command_rollout(
        self,
        config: StackConfig,  # noqa: ARG002 each target reads them
        again: bool,  # noqa: ARG002
        say: Callable[[str], None],  # noqa: ARG002
    ) -> "CommandRollout | None":
        """Return what `slipway up` does of a rollout itself; None where `pulumi up` does all of it.

        again: whether a release that went back is brought again. Raises Refused.
        """
        return None

    def batch(self, config: StackConfig, order: BatchOrder, say: Say) -> BatchRun:  # noqa: ARG002 some read them
        """Return the batch with this order, which may have been started before. say: hears each step.

        Nothing is started yet. Raises Refused where the target runs none, or the stack is not up.
        """
        raise Refused(
            f"`slipway batch --on {config.stack}`: the target {self.name} runs no batches. Leave `--on` out, "
            "and it runs on this machine."
        )

    def _elsewhere(self, config: StackConfig) -> str:
        """Return what to do where the target's releases are only the cloud's own."""
        return (
            f"No command of slipway moves the requests of stack {config.stack}: "
            f"{self.how_to_roll_back(config)}, or bring the earlier commit back (`git revert`) and run "
            f"`slipway up {config.stack}`."
        )

    def how_to_roll_back(self, config: StackConfig) -> str:  # noqa: ARG002 each target reads it
        """Return the quickest way back to what served before, to be pasted."""
        return "use the target's own commands"

    def caller_headers(self, settings: Settings, url: str) -> dict[str, str]:  # noqa: ARG002 some read them
        """Return what the platform requires of a caller besides the key. Raises Refused without a login."""
        return {}

    def require_access(self) -> None:
        """Raise Refused where this machine lacks what the target is reached with, before it is made."""
        return

    def access(self, settings: Settings, *, applies: bool) -> Access:  # noqa: ARG002 some targets read them
        """Return how the cluster is reached. applies: whether resources are about to be created.

        Raises Refused if it cannot be reached. A preview needs no login, so that it runs anywhere.
        """
        return Access()

    def smallest_size(self, need_mib: float, cpu: float) -> Size | None:
        """Find the smallest size with at least `need_mib` and `cpu`; None if no size is large enough."""
        return smallest_size(self.name, need_mib, cpu)


class CloudTarget(Target, Generic[Place]):
    """A target that is queried through a command-line program, with the user's own login."""

    def place_of(self, config: StackConfig) -> Place:
        """Return the location of the stack's service. Raises SettingsError if its settings are wrong."""
        settings = settings_from(config)
        return self.place(settings.service_name(config.project, config.stack), settings)

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
        """Return the location of the service with these settings."""

    @abstractmethod
    def status_at(self, stack: str, place: Place) -> Status:
        """Read the status of the service there."""

    @abstractmethod
    def log_at(self, place: Place, tail: int) -> Iterator[str]:
        """Yield the last `tail` log entries, oldest first, one JSON object per line."""

    @abstractmethod
    def following(self, place: Place) -> list[str]:
        """Return the command that follows the log."""
