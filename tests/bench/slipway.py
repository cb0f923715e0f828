"""Slipway under measurement: the server as it is shipped (key and access log on), in a process of its own."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from components.spec import ROUTES
from service.manifest import TextManifest
from service.tasks import TASKS
from tests.bench.server import KEY, free_port, started
from tests.bench.workload import slipway_posts


@dataclass(frozen=True, slots=True)
class Serving:
    port: int
    process: psutil.Process
    manifest: TextManifest
    ready_seconds: float

    def posts(self, texts: Sequence[str]) -> list[bytes]:
        return slipway_posts(ROUTES[self.manifest.task], texts, KEY)

    def pss_mb(self) -> float:
        return self.process.memory_full_info().pss / 1e6


@contextmanager
def serving(folder: Path, **settings: str) -> Generator[Serving]:
    """The server with this model, ready. settings: its environment variables, beside the key and the port."""
    manifest = TextManifest.read(folder, TASKS)
    with tempfile.TemporaryFile() as log:
        port = free_port()
        server, ready_seconds = started(port, log.fileno(), MODEL_DIR=str(folder.resolve()), **settings)
        try:
            yield Serving(port, psutil.Process(server.pid), manifest, ready_seconds)
        finally:
            server.terminate()
            server.wait(timeout=60)
