"""Chooses requests by chance, and writes what they sent, anonymised, to the log as lines of kind `payload`.

A thread of its own hands them to the process that anonymises. What comes while MOST_WAITING bodies wait is
dropped and counted, and so is a body that is too large: requests never wait for it, and nothing is written
that was not anonymised whole.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import random
from typing import Any, cast

import orjson

from ..engine import CallFacts
from ..logs import fields, log
from ..redaction import REDACTION, stack_of

MOST_WAITING = 64
MOST_BODY_BYTES = 16 << 10
KIND = "payload"
Write = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """The body of a request that was chosen, until its answer is known."""

    body: bytes
    sampler: "Sampler"

    def ended(self, route: str, status: int, request_id: bytes, facts: CallFacts | None) -> None:
        """Hand it over with its answer's status. facts: of which the predictions are written."""
        self.sampler.offer(self.body, route, status, request_id.decode(), facts)


class Sampler:
    """Chooses on the event loop's thread; a thread of its own anonymises and writes."""

    def __init__(
        self, share: float, anonymise: Callable[[Any], Any], model_version: str, write: Write | None = None
    ) -> None:
        """Choose this share of the requests. anonymise: cleans JSON. write: takes a line's fields."""
        self._share = share
        self._anonymise = anonymise
        self._version = model_version
        self._write = write or _write_line
        self._waiting: queue.Queue[tuple[bytes, dict[str, Any]]] = queue.Queue(MOST_WAITING)
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(written=0, dropped=0)
        self._thread: threading.Thread | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Return how many samples were written, and how many dropped."""
        with self._lock:
            return dict(self._counts)

    def sample(self, body: bytes) -> Sample | None:
        """Return the body as a sample if chance chooses it, and if it is small enough."""
        if random() >= self._share:  # noqa: S311 - a sample
            return None
        if len(body) > MOST_BODY_BYTES:
            self._count("dropped")
            return None
        return Sample(body, self)

    def offer(self, body: bytes, route: str, status: int, request_id: str, facts: CallFacts | None) -> None:
        """Queue a sample, or drop it; never waits."""
        values: dict[str, Any] = {
            "kind": KIND,
            "route": route,
            "status": status,
            "request_id": request_id,
            "model_version": self._version,
            "predictions": [] if facts is None else _predictions(facts),
        }
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="payload", daemon=True)
            self._thread.start()
        try:
            self._waiting.put_nowait((body, values))
        except queue.Full:
            self._count("dropped")

    def _count(self, outcome: str) -> None:
        with self._lock:
            self._counts[outcome] += 1

    def _run(self) -> None:
        while True:
            body, values = self._waiting.get()
            try:
                request = self._anonymise(_without_secrets(orjson.loads(body)))
                self._write(values | {"request": request})
                self._count("written")
            except Exception as error:
                self._count("dropped")
                log.warning(
                    "A sampled payload was dropped: it could not be anonymised",
                    extra=fields(exception=stack_of(error)),
                )


def _without_secrets(value: Any) -> Any:
    """Return JSON without the server's own key and what else the log never shows."""
    if isinstance(value, str):
        return REDACTION.clean(value)
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {_without_secrets(key): _without_secrets(each) for key, each in pairs}
    if isinstance(value, list):
        return [_without_secrets(each) for each in cast("list[Any]", value)]
    return value


def _predictions(facts: CallFacts) -> Sequence[dict[str, Any]]:
    return [{"label": each.label, "confidence": each.confidence} for each in facts.observations if each.label]


def _write_line(values: dict[str, Any]) -> None:
    log.info(KIND, extra=fields(**values))
