"""`python -m bench.attack [MODEL]`: the server under every attack at once, at the memory that fit recommends.

The attackers are one process that is held to one CPU. Meanwhile /alive is asked again and again, on a new
connection each time, and the server's own memory is watched.
"""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.contender import ask
from bench.slipway import KEY, free_port
from bench.workload import post
from slipway.components.local import process
from slipway.components.local.launch import Launch
from slipway.components.local.memory import anonymous_bytes
from slipway.components.local.record import ProcessRecord
from slipway.components.model import example_request
from slipway.components.need import inference_threads
from slipway.components.spec import ROUTES
from slipway.infra.model.fit import estimated, model_of
from slipway.service.settings import BUNDLED_MODEL

SECONDS, QUICK_SECONDS = 60.0, 10.0
CPU = 1
PAUSE_SECONDS = 0.02
ALIVE = b"GET /alive HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limited:
    """A server under a memory limit. limit_mib: what `slipway fit` recommends for its model at one vCPU."""

    folder: Path
    port: int
    limit_mib: int
    path: str
    request: bytes

    @property
    def record(self) -> ProcessRecord:
        record = ProcessRecord.read(self.folder)
        assert record is not None
        return record


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED_MODEL
    print(json.dumps(attack(folder, QUICK_SECONDS if os.environ.get("QUICK") else SECONDS)))


def attack(model: Path, seconds: float) -> dict[str, float | None]:
    """Return latencies of /alive in ms, the peak of the server's memory, and whether it lives."""
    with limited(str(model)) as server:
        attackers = subprocess.Popen(
            [sys.executable, "-m", "bench.attackers", str(server.port), KEY, server.path, str(seconds)]
        )
        waits, peak = _watched(server, attackers)
        ended = server.record.ended is not None
        answers = not ended and _answers_again(server)
    return {
        "limit_mib": server.limit_mib,
        "peak_over_limit": round(peak / MIB / server.limit_mib, 3),
        "alive_asked": len(waits),
        "alive_p50_ms": round(statistics.median(waits), 1),
        "alive_p99_ms": round(sorted(waits)[len(waits) * 99 // 100], 1),
        "alive_worst_ms": round(max(waits), 1),
        "killed": float(ended),
        "answers_again": float(answers),
    }


@contextmanager
def limited(model: str, api_key: str = KEY) -> Generator[Limited]:
    """Run the server as the local target does, under the limit that `slipway fit` recommends.

    model: as `slipway fit` takes it.
    """
    source, files = model_of(model)
    limit_mib, port = estimated(source, files, CPU).sizes[0].memory_mib, free_port()
    path = ROUTES[files.manifest["task"]]
    with tempfile.TemporaryDirectory(prefix="slipway-attack-") as scratch:
        folder = Path(scratch)
        launch = Launch(
            folder=folder,
            port=port,
            threads=inference_threads(CPU),
            memory_bytes=limit_mib * MIB,
            timeout_seconds=60,
            model_folder=files.location,
            version="attacked",
            api_key=api_key,
        )
        process.start(launch, "the bench", "attacked", source)
        try:
            yield Limited(folder, port, limit_mib, path, post(path, example_request(files.manifest), api_key))
        finally:
            process.stop(folder, patience_seconds=1)


def _watched(server: Limited, attackers: subprocess.Popen[bytes]) -> tuple[list[float], int]:
    """Return how long /alive took each time, in ms, and the most memory, until the attackers are done."""
    pid, waits, peak = server.record.server.pid, list[float](), 0
    while attackers.poll() is None:
        begun = time.perf_counter()
        with contextlib.suppress(OSError):
            ask(server.port, ALIVE)
        waits.append((time.perf_counter() - begun) * 1000)
        with contextlib.suppress(OSError):
            peak = max(peak, anonymous_bytes(pid))
        time.sleep(PAUSE_SECONDS)
    return waits, peak


def _answers_again(server: Limited) -> bool:
    end = time.monotonic() + 60
    while time.monotonic() < end:  # what the attackers left in the queue comes first
        if ask(server.port, server.request)[0] == 200:
            return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    main()
