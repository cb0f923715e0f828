"""What the engine reports when it is looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueReading:
    """The calls in line, with the limits above which calls are refused. oldest_seconds: 0 without any."""

    calls: int
    tokens: int
    oldest_seconds: float
    max_calls: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class ThreadsReading:
    """The engine's threads. restarts: after a fault of the engine itself."""

    alive: int
    dead: int
    restarts: int
    longest_turn_seconds: float
