"""The real server under the memory limit that `slipway fit` recommends for its model, at one vCPU.

The limit is a cgroup where one can be made; elsewhere the local target's supervisor ends a server above it.
"""

import json
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.contender import ask
from bench.slipway import free_port
from bench.workload import post
from slipway.components.local import process
from slipway.components.local.process import Launch
from slipway.components.local.record import LOG, ProcessRecord
from slipway.components.need import inference_threads
from slipway.infra.model.fit import estimated, model_of
from tests.service.running_server import KEY

CPU = 1
PATIENCE_SECONDS = 60
ALIVE = b"GET /alive HTTP/1.1\r\nhost: a\r\n\r\n"
READY = b"GET /ready HTTP/1.1\r\nhost: a\r\n\r\n"


class LimitedServer:
    """`body` is a request that its model answers."""

    def __init__(self, folder: Path, port: int, limit_mib: int, body: dict[str, Any]) -> None:
        self.folder = folder
        self.port = port
        self.limit_mib = limit_mib
        self._body = body

    def assert_well(self) -> None:
        """It was not killed, is ready, and answers a client that does nothing wrong."""
        record = ProcessRecord.read(self.folder)
        assert record is not None
        assert record.ended is None, record.end_in_words()
        assert ask(self.port, READY)[0] == 200
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, answer = ask(self.port, post("/predict", self._body, KEY))
            if status != 429 or time.monotonic() > end:  # what the attack has in the queue comes first
                break
        assert status == 200, answer
        assert json.loads(answer)["label"]

    def wait_for_request(self, path: str) -> dict[str, Any]:
        """The log line of the last request to this path, once there is one."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not (found := [line for line in self._requests_logged if line["path"] == path]):
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
def limited_server(folder: Path, model: str, body: dict[str, Any]) -> Generator[LimitedServer]:
    """model: as `slipway fit` takes it."""
    folder.mkdir(parents=True)
    source, files = model_of(model)
    limit_mib = estimated(source, files, CPU).sizes[0].memory_mib
    launch = Launch(
        folder=folder,
        port=free_port(),
        threads=inference_threads(CPU),
        memory_bytes=limit_mib << 20,
        timeout_seconds=60,
        model_folder=Path(files.path).resolve(),
        version="attacked",
        api_key=KEY,
    )
    process.start(launch, "the attacks", "attacked", model)
    try:
        yield LimitedServer(folder, launch.port, limit_mib, body)
    finally:
        process.stop(folder, patience_seconds=1)
