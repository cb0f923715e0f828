"""Which of its three phases the server is in, and what it computes on. Owned by the event loop's thread."""

import time
from typing import Literal

from .device import Device

Phase = Literal["loading", "ready", "draining"]
State = Literal["loading", "ready", "draining", "stuck"]
"""The phase as /health shows it, or that threads which compute are stuck."""


class Lifecycle:
    def __init__(self) -> None:
        self.phase: Phase = "loading"
        self.warm = False
        self.is_shared = False
        """Whether connections are shared out between versions of the service."""
        self.device: Device | None = None  # not known until the runtime was asked
        self.load_seconds: float | None = None
        self._started = time.monotonic()

    @property
    def uptime_seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def ends_connections(self) -> bool:
        """Return whether a connection ends with its next answer, so that its client opens a new one.

        It may then go elsewhere: the server is leaving, or a share of the requests is another version's.
        """
        return self.is_shared or self.phase == "draining"

    def model_is_warm(self) -> None:
        self.warm = True
        if self.phase == "loading":
            self.phase = "ready"

    def drain(self) -> None:
        self.phase = "draining"
