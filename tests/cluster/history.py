"""Records what happens to objects of an API server, in the order in which it happened."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from tests.cluster.api import Api

# Each stream ends after this time and goes on where it was, so that the recorder notices when to stop.
_STREAM_SECONDS = 1


@dataclass(frozen=True, slots=True)
class Event:
    """type: ADDED, MODIFIED or DELETED. body: the object then. revision: of all objects, always rising."""

    revision: int
    type: str
    kind: str
    body: Mapping[str, Any]

    @property
    def address(self) -> tuple[str, str, str]:
        """Kind, namespace ('' for an object without one) and name."""
        metadata = self.body["metadata"]
        return self.kind, metadata.get("namespace", ""), metadata["name"]


class History:
    """Every event of some kinds (kind -> API version) while it is entered, from the objects there at first.

    A watch sends each change once, also those between two looks of a client.
    """

    def __init__(self, api: Api, kinds: Mapping[str, str]) -> None:
        self._api, self._kinds = api, kinds
        self._events: list[Event] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._faults: list[Exception] = []

    def __enter__(self) -> Self:
        for kind, version in self._kinds.items():
            revision = self._read_all(kind, version)
            thread = threading.Thread(target=self._follow, args=(kind, version, revision))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End when everything that happened until now is read."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def events(self) -> list[Event]:
        """All events so far in their order; raises where a watch broke, since some are missing then."""
        assert not self._faults, self._faults
        return sorted(self._events, key=lambda event: event.revision)

    def _read_all(self, kind: str, version: str) -> str:
        found = self._api.list_of(kind, version)
        for body in found["items"]:
            self._note("ADDED", kind, body)
        return found["metadata"]["resourceVersion"]

    def _follow(self, kind: str, version: str, revision: str) -> None:
        """Read on until told to stop, and then what happened before that."""
        try:
            last = False
            while not last:
                last = self._stop.is_set()
                for event in self._api.watch(kind, version, revision, _STREAM_SECONDS):
                    assert event["type"] != "ERROR", event["object"]
                    revision = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._note(event["type"], kind, event["object"])
        except Exception as fault:
            self._faults.append(fault)

    def _note(self, type_: str, kind: str, body: dict[str, Any]) -> None:
        self._events.append(Event(int(body["metadata"]["resourceVersion"]), type_, kind, body))
