"""How often a store that does not answer is asked again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ..faults import ModelSourceUnavailable, StartFault
from ..logs import fields, log

# After this much progress the tries are counted anew: a large file may survive many cuts.
PROGRESS_BYTES = 64 << 20


class Unreachable(Exception):
    """The store did not answer, or not to the end; asking again may help. The text says what happened."""

    def __init__(self, words: str, refusal: StartFault | None = None) -> None:
        """refusal: the fault to end with after the last try, where it is not that the store cannot be had."""
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
        """what: the address that is asked for, as it is told."""
        self._patience = patience
        self._what = what
        self._failed = 0

    async def pause_after(self, failure: Unreachable, progress_bytes: int = 0) -> None:
        """Raises ModelSourceUnavailable after the last try. progress_bytes: what the failed try brought."""
        self._failed = 1 if progress_bytes >= PROGRESS_BYTES else self._failed + 1
        tries = self._patience.tries
        if self._failed >= tries:
            raise failure.refusal or ModelSourceUnavailable(
                f"{self._what} could not be fetched in {tries} tries: {failure}. Check the network, "
                "the endpoint and the state of the store; the next start goes on from what was fetched."
            ) from None
        seconds = self._patience.first_pause_seconds * 2 ** (self._failed - 1)
        seconds *= 1 + random.random() / 4  # noqa: S311 - spreads instances that start together
        log.warning(
            "Try %d of %d failed, again in %.1f s: %s",
            self._failed,
            tries,
            seconds,
            failure,
            extra=fields(source=self._what),
        )
        await self._patience.sleep(seconds)
