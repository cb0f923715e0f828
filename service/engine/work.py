"""What the engine works off: a call's work, and work that may be computed together with that of others."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Work(Protocol[T_co]):
    """What one call asks for. `step` and `result` run on the engine's threads."""

    @property
    def size(self) -> int:
        """Number of turns (texts, for instance), at least 1."""
        ...

    @property
    def tokens(self) -> int:
        """About how many tokens the whole call has, rather too many than too few; cheap to tell."""
        ...

    def step(self, index: int) -> None:
        """Compute one turn. Steps of one call may run at the same time."""
        ...

    def result(self) -> T_co:
        """Called once, after every step."""
        ...

    def stop(self) -> None:
        """Nobody waits any more: a long step may end early. Called once at most, on the event loop."""
        ...


class BatchWork(ABC):
    """Work over texts that one model computes together with those of other calls, where that pays."""

    @abstractmethod
    def prepare(self, index: int) -> int:
        """Tokenise one text: its number of tokens, 0 where there is nothing to compute."""

    @abstractmethod
    def compute(self, batch: Sequence[tuple[Any, int]]) -> None:
        """One forward over prepared texts, each a work of this class and an index in it."""

    def step(self, index: int) -> None:
        if self.prepare(index):
            self.compute([(self, index)])
