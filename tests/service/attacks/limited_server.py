"""The real server under the memory limit that `slipway fit` recommends for its model, at one vCPU.

The limit is a cgroup where one can be made; elsewhere the local target's supervisor ends a server above it.
"""

import contextlib
import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from bench.attack import limited
from bench.contender import ask
from bench.workload import post
from slipway.components.local import process
from slipway.components.local.record import LOG, ProcessRecord
from tests.service.running_server import KEY

PATIENCE_SECONDS = 60
MOST_OF_LIMIT = 0.95
ALIVE = b"GET /alive HTTP/1.1\r\nhost: a\r\n\r\n"
READY = b"GET /ready HTTP/1.1\r\nhost: a\r\n\r\n"


class LimitedServer:
    """`body` is a request to `path` that its model answers."""

    def __init__(self, folder: Path, port: int, limit_mib: int, body: dict[str, Any], path: str) -> None:
        self.folder = folder
        self.port = port
        self.limit_mib = limit_mib
        self._request = post(path, body, KEY)

    def assert_well(self) -> None:
        """Assert that it was not killed, is ready, and answers a well-behaved client."""
        record = ProcessRecord.read(self.folder)
        assert record is not None
        assert record.ended is None, record.end_in_words()
        assert ask(self.port, READY)[0] == 200
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, answer = ask(self.port, self._request)
            if status != 429 or time.monotonic() > end:  # what the attack has in the queue comes first
                break
        assert status == 200, answer
        assert "model_version" in json.loads(answer)

    @contextmanager
    def within_its_limit(self) -> Generator[None]:
        """Require that its own memory stays below MOST_OF_LIMIT of the limit meanwhile."""
        record = ProcessRecord.read(self.folder)
        assert record is not None
        server = psutil.Process(record.server.pid)
        peak, over = 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not over.wait(0.02):
                with contextlib.suppress(psutil.Error):
                    memory: Any = server.memory_info()
                    peak = max(peak, memory.rss - memory.shared)

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join()
        assert 0 < peak <= MOST_OF_LIMIT * (self.limit_mib << 20), f"{peak >> 20} of {self.limit_mib} MiB"

    def wait_for_request(self, path: str) -> dict[str, Any]:
        """Wait for the log line of the last request to this path."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := [line for line in self._requests_logged if line["route"] == path]):
            assert time.monotonic() < end, f"no request to {path} has ended"
        return found[-1]

    @property
    def is_running(self) -> bool:
        return process.running(self.folder) is not None

    @property
    def _requests_logged(self) -> list[dict[str, Any]]:
        lines = map(json.loads, (self.folder / LOG).read_text().rpartition("\n")[0].splitlines())
        return [line for line in lines if line["message"] == "request"]

    def stop(self) -> None:
        process.stop(self.folder)


@contextmanager
def limited_server(model: str, body: dict[str, Any], path: str = "/predict") -> Generator[LimitedServer]:
    """model: as `slipway fit` takes it."""
    with limited(model, KEY) as server:
        yield LimitedServer(server.folder, server.port, server.limit_mib, body, path)
