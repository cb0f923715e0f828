"""A batch on a stack's target: what is to be done, and the interface by which it is started and followed.

The containers run the stack's image with ROLE=batch; service/batch/__init__.py is the contract with them.
They write their results, checkpoints and report themselves: a target only starts, counts and stops them.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, cast

MESSAGE = "Batch"
# Exit codes of a container, as service/batch has them.
COMPLETE, CANNOT_GO_ON, REFUSED, TOO_MANY_FAILED, STOPPED = 0, 1, 2, 3, 75


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """One batch. The same command has the same order, so that it finds what it started before.

    name: of this run, letters, digits and '-', of at most 20 characters. environment: of every container,
    ROLE and BATCH_* without BATCH_SHARD and BATCH_SHARDS, which the target sets where the platform does not.
    spot: on capacity that may be taken away. model: in words, for a label or a title.
    """

    name: str
    environment: Mapping[str, str]
    shards: int = 1
    spot: bool = False
    model: str = ""


class BatchState(StrEnum):
    """What a batch is doing."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class BatchProgress:
    """How far a batch is. rows and what follows: None or 0 until the containers have said it.

    instances: how many run now. instance_seconds: time of all containers so far, for the cost. detail: what
    somebody who waits should know, such as why no instance starts, or a container's last error.
    """

    state: BatchState
    rows: int | None = None
    rows_done: int = 0
    rows_failed: int = 0
    rows_per_second: float = 0.0
    seconds_left: float | None = None
    instances: int = 0
    instance_seconds: float = 0.0
    detail: str = ""
    exit_codes: tuple[int, ...] = ()
    """Of the containers that have ended, where the platform shows them."""


class BatchRun(ABC):
    """One batch on a target, begun or found by its order's name."""

    where: ClassVar[str] = ""
    """The kind of what runs it, in words: `Cloud Run job`."""

    @abstractmethod
    def start(self) -> None:
        """Start it, or go on with it; do nothing if it runs. Returns once the platform has accepted it.

        Raises Refused where the platform cannot take it, and Failed where it did not.
        """

    @abstractmethod
    def progress(self) -> BatchProgress:
        """Return how far it is. Raises Failed if the platform cannot be asked."""

    @abstractmethod
    def stop(self) -> None:
        """Ask the containers to stop at a checkpoint, and return once none runs. Nothing is deleted."""

    @abstractmethod
    def collect(self) -> None:
        """Remove what was created for the run, once it has ended; the results stay where they are."""

    @abstractmethod
    def log_command(self) -> str:
        """Return the command, to be pasted, that shows the log."""


@dataclass(slots=True)
class ShardLines:
    """The last line of progress of each shard, from a log that has those of all."""

    shards: dict[int, Mapping[str, Any]] = field(default_factory=dict[int, Mapping[str, Any]])

    def read(self, lines: Iterable[str]) -> None:
        """Take the container's log lines, oldest first; other lines are let pass."""
        for line in lines:
            self.take(self.entry_of(line))

    def take(self, entry: Mapping[str, Any]) -> None:
        """Take one log entry, as an object."""
        if entry.get("message") == MESSAGE and "shard" in entry:
            self.shards[int(entry["shard"])] = entry

    @staticmethod
    def entry_of(line: str) -> Mapping[str, Any]:
        """Return the object that a log line is; an empty one for any other line."""
        try:
            entry: Any = json.loads(line)
        except ValueError:
            return {}
        return cast("dict[str, Any]", entry) if isinstance(entry, dict) else {}

    def progress(self, state: BatchState, shards: int, instances: int = 0) -> BatchProgress:
        """Sum up. rows is None until every shard has said how many it has."""
        known = list(self.shards.values())
        left = [each.get("batch_seconds_left") for each in known if each.get("batch_state") == "running"]
        return BatchProgress(
            state,
            rows=sum(each["batch_rows"] for each in known) if len(known) == shards else None,
            rows_done=sum(each["batch_rows_done"] for each in known),
            rows_failed=sum(each["batch_rows_failed"] for each in known),
            rows_per_second=sum(
                each["batch_rows_per_second"] for each in known if each.get("batch_state") == "running"
            ),
            seconds_left=max((each for each in left if each is not None), default=None),
            instances=instances,
        )
