"""The work of the engine: a call's own, and work that may be computed together with that of others."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from .timing import CallFacts

T_co = TypeVar("T_co", covariant=True)


class Work(Protocol[T_co]):
    """The work of one call. `step` and `result` run on the engine's threads."""

    @property
    def size(self) -> int:
        """Return the number of turns (texts, for instance), at least 1."""
        ...

    @property
    def tokens(self) -> int:
        """Estimate the tokens of the whole call cheaply, rather too many than too few."""
        ...

    @property
    def answer_bytes(self) -> int:
        """About how many bytes are held for the answer before it is sent, rather too many; cheap to tell."""
        ...

    @property
    def facts(self) -> CallFacts | None:
        """Return the tokens of the answered call; None where its task counts none."""
        ...

    def step(self, index: int) -> None:
        """Compute one turn. Steps of one call may run at the same time."""
        ...

    def result(self) -> T_co:
        """Return the answer. Called once, after every step."""
        ...

    def stop(self) -> None:
        """Let a long step end early: the client has left, or the deadline has passed.

        Called at most once, on the event loop.
        """
        ...


class BatchWork(ABC):
    """Work over texts that one model computes together with those of other calls, if that pays."""

    @property
    def facts(self) -> CallFacts | None:
        """Return None: as in `Work`."""
        return None

    @abstractmethod
    def prepare(self, index: int) -> int:
        """Tokenise one text and return its number of tokens; 0 if there is nothing to compute."""

    @abstractmethod
    def compute(self, batch: Sequence[tuple[Any, int]]) -> None:
        """Compute one forward over prepared texts, each given by a work of this class and its index in it."""

    def step(self, index: int) -> None:
        if self.prepare(index):
            self.compute([(self, index)])
