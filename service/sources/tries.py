"""How often a request to a store that does not answer is repeated."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..faults import ModelSourceUnavailable, StartFault
from ..logs import fields, log

# After this much progress the tries are counted anew: a large file may survive many cuts.
PROGRESS_BYTES = 64 << 20


class Unreachable(Exception):
    """The store did not answer, or not completely; trying again may help. The message says what happened."""

    def __init__(self, words: str, refusal: StartFault | None = None) -> None:
        """Note a failed try. refusal: the fault after the last one, if not that the store is unavailable."""
        super().__init__(words)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Patience:
    tries: int = 6
    first_pause_seconds: float = 0.5
    """Before the second try; doubled before each further one, and up to a quarter of it added."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Tries:
    """The tries of one request."""

    def __init__(self, patience: Patience, what: str) -> None:
        """Begin without a try. what: the requested address, for messages."""
        self._patience = patience
        self._what = what
        self._failed = 0

    async def pause_after(self, failure: Unreachable, progress_bytes: int = 0) -> None:
        """Wait before the next try, or raise ModelSourceUnavailable.

        progress_bytes: fetched by the failed try.
        """
        self._failed = 1 if progress_bytes >= PROGRESS_BYTES else self._failed + 1
        tries = self._patience.tries
        if self._failed >= tries:
            raise failure.refusal or ModelSourceUnavailable(
                f"{self._what} could not be fetched in {tries} tries: {failure}. Check the network, "
                "the endpoint and the state of the store; the next start resumes the download."
            ) from None
        seconds = self._patience.first_pause_seconds * 2 ** (self._failed - 1)
        seconds *= 1 + random.random() / 4  # noqa: S311 - spreads instances that start together
        log.warning(
            "Try %d of %d failed, next in %.1f s: %s",
            self._failed,
            tries,
            seconds,
            failure,
            extra=fields(source=self._what),
        )
        await self._patience.sleep(seconds)
