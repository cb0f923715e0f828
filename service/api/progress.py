"""Whether the inference threads make progress, measured by the seconds that one request may take."""

from ..engine import Engine
from ..faults import NotReady
from ..logs import fields, log

# A stuck turn may end by itself, so a restart, which ends the other calls too, waits longer than /ready.
LIVENESS_LIMITS = 3


class Progress:
    """Evaluated at each probe, on the event loop's thread; a change is logged once."""

    def __init__(self, engine: Engine, timeout_seconds: float) -> None:
        self._threads = engine.threads
        self._timeout_seconds = timeout_seconds
        self._was_stuck = self._was_dead = False

    @property
    def is_stuck(self) -> bool:
        """Return whether a turn has lasted longer than any request may, so that its client has given up."""
        seconds = self._threads.longest_turn_seconds()
        stuck = seconds > self._timeout_seconds
        if stuck and not self._was_stuck:
            log.error(
                "Not ready: an inference thread has been at one turn for longer than a request may take",
                extra=fields(turn_seconds=round(seconds, 1), limit_seconds=self._timeout_seconds),
            )
        elif self._was_stuck and not stuck:
            log.info("Ready again: every inference thread makes progress")
        self._was_stuck = stuck
        return stuck

    def require_ready(self) -> None:
        """Raise NotReady if an inference thread is stuck."""
        if self.is_stuck:
            raise NotReady(
                "an inference thread has been at one turn for longer than a request may take, "
                f"{self._timeout_seconds:g} seconds"
            )

    def require_alive(self) -> None:
        """Raise NotReady if no inference thread finishes its turns, so that only a restart can help."""
        limit = LIVENESS_LIMITS * self._timeout_seconds
        dead = not self._threads.make_progress(limit)
        if dead and not self._was_dead:
            log.critical(
                "Not alive: no inference thread has finished a turn for %g seconds",
                limit,
                extra=fields(turn_seconds=round(self._threads.longest_turn_seconds(), 1)),
            )
        self._was_dead = dead
        if dead:
            raise NotReady(
                f"no inference thread has finished a turn for {limit:g} seconds, "
                f"{LIVENESS_LIMITS} times as long as a request may take"
            )
