"""Callers that hand jobs in over HTTP and do not give up; a job has one key, however often it is sent."""

import http.client
import json
import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from tests.service.running_server import AUTHORIZED, HAM, SPAM

# A server that is being started is tried again after so long, or as soon as something is accepted.
AGAIN_SECONDS = 0.2


def request_of(number: int) -> dict[str, Any]:
    return {"request": {"text": f"{SPAM if number % 2 else HAM} {number}"}}


def label_of(number: int) -> str:
    return "spam" if number % 2 else "ham"


class Connection:
    """A connection to the server that is made anew after each failure."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._open: http.client.HTTPConnection | None = None

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any] | None:
        """Return the status and the document; None where no whole answer came."""
        found = self.answer(method, path, body, headers)
        return None if found is None else (found[0], found[2])

    def answer(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, Any] | None:
        """As `send`, with the headers of the answer as well."""
        try:
            if self._open is None:
                self._open = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            text = None if body is None else json.dumps(body)
            json_type = {"Content-Type": "application/json"}
            self._open.request(method, path, text, {**AUTHORIZED, **json_type, **(headers or {})})
            response = self._open.getresponse()
            return response.status, response.headers, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            self.close()
            return None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None


class Callers:
    """Hands in jobs by several connections, as many as are allowed so far."""

    def __init__(self, port: int, threads: int) -> None:
        self.ids: dict[int, str] = {}
        """Number of a job -> its id, once it is accepted."""
        self.repeated = 0
        """How many answers said that the job was there already: the first answer was lost."""
        self.faults: list[str] = []
        self.changed = threading.Condition()
        self._port = port
        self._next = 0
        self._allowed = 0
        self._is_over = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def allow(self, jobs: int) -> None:
        with self.changed:
            self._allowed = jobs
            self.changed.notify_all()

    def stop(self) -> None:
        with self.changed:
            self._is_over = True
            self.changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=60)

    def _work(self) -> None:
        connection = Connection(self._port)
        with closing(connection):
            while (number := self._taken()) is not None:
                self._hand_in(connection, number)

    def _taken(self) -> int | None:
        with self.changed:
            self.changed.wait_for(lambda: self._is_over or self._next < self._allowed)
            if self._is_over:
                return None
            self._next += 1
            return self._next - 1

    def _hand_in(self, connection: Connection, number: int) -> None:
        while not self._is_over:
            answer = connection.send(
                "POST", "/jobs", request_of(number), {"Idempotency-Key": f"key-{number}"}
            )
            with self.changed:
                if answer is not None and answer[0] in (200, 202):
                    self.ids[number] = answer[1]["id"]
                    self.repeated += answer[0] == 200
                    self.changed.notify_all()
                    return
                if answer is not None and answer[0] not in (429, 503):
                    self.faults.append(f"{number}: {answer}")
                    return
                self.changed.wait(AGAIN_SECONDS)
