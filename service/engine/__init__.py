"""The server's only queue: bounded, fair between calls, worked off by threads, in batches where they pay."""

from service.engine.batches import Batching
from service.engine.call import Call
from service.engine.engine import Engine
from service.engine.work import BatchWork, Work

__all__ = ["BatchWork", "Batching", "Call", "Engine", "Work"]
