"""The server's only queue: bounded, fair between calls, worked off by threads."""

from service.engine.engine import Call, Engine, Work

__all__ = ["Call", "Engine", "Work"]
