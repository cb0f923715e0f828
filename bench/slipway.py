"""Slipway under measurement: the server as it is shipped (key and access log on), in a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.workload import slipway_posts
from slipway.components.spec import ROUTES
from slipway.service.manifest import TextManifest
from slipway.service.tasks import TASKS

KEY = "a-key-for-the-bench-only"


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
    """Run the server with this model.

    settings: its environment variables, in addition to the key and the port.
    """
    manifest = TextManifest.read(folder, TASKS)
    with tempfile.TemporaryFile() as log:
        port = free_port()
        server, ready_seconds = started(port, log.fileno(), None, MODEL_DIR=str(folder.resolve()), **settings)
        try:
            yield Serving(port, psutil.Process(server.pid), manifest, ready_seconds)
        finally:
            server.terminate()
            server.wait(timeout=60)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def started(
    port: int, log: int, checkout: Path | None = None, **settings: str
) -> tuple[subprocess.Popen[bytes], float]:
    """Start the server and return it with the seconds until /ready first answers 200.

    checkout: whose server; by default that of the working directory.
    """
    env = {**os.environ, "MODEL_API_KEY": KEY, "PORT": str(port), "HOST": "127.0.0.1", **settings}
    begun = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-m", "service"], env=env, stdout=log, cwd=checkout)
    while time.perf_counter() - begun < 60:
        if _status(port, b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n") == 200:
            return server, time.perf_counter() - begun
        if server.poll() is not None:
            raise SystemExit(f"the server ended with exit code {server.returncode} before it was ready")
        time.sleep(0.002)
    server.kill()
    raise SystemExit("the server was not ready within 60 s")


def _status(port: int, request: bytes) -> int:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            return int(connection.recv(4096).split(b" ", 2)[1])
    except (ConnectionError, IndexError):
        return 0
