"""The server's only queue: bounded, fair between calls, worked off by threads, in batches if they pay."""

from .batches import Batching
from .call import Call
from .engine import Engine
from .timing import CallFacts, Observation, Phases, Timing
from .work import BatchWork, Work

__all__ = ["BatchWork", "Batching", "Call", "CallFacts", "Engine", "Observation", "Phases", "Timing", "Work"]
