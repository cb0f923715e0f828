"""A real server in a process of its own, spoken to over HTTP; tests/forked.py makes its start quick."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from slipway.service.connections import ConnectionLimits, Connections
from slipway.service.protocol import HttpProtocol, protocol_for
from tests.checkout import ROOT
from tests.forked import Command, Process

KEY = "a-test-key-of-24-letters"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
SPAM = "WINNER!! You have won a 1000 cash prize. Call 09061701461 now to claim."
HAM = "Are we still on for lunch tomorrow?"


def environment(**settings: str) -> dict[str, str]:
    """Only what is named here: a setting of the developer's own shell must not reach the server."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return kept | {"MODEL_API_KEY": KEY, "PORT": "0", "METRICS_PORT": "0"} | settings


_SERVICE = Command("service.__main__:main", ["service.server", "service.backends.onnx"], os.environ)


def _start(settings: Mapping[str, str], output: IO[bytes], errors: IO[bytes]) -> Process:
    """Start the server; in a new interpreter where it is to find other packages."""
    if settings.get("PYTHONPATH") != os.environ.get("PYTHONPATH"):
        line = [sys.executable, "-m", "service"]
        return subprocess.Popen(line, env=dict(settings), stdout=output, stderr=errors)
    return _SERVICE.start([], ROOT, settings, output, errors)


class RunningServer:
    def __init__(self, process: Process, log_file: Path) -> None:
        self.process = process
        self._log_file = log_file
        self.url = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def metrics_url(self) -> str:
        """The address of its metrics page, as its log says."""
        said = "Metrics on "
        [line] = self.wait_for(lambda: [line for line in self.log if line["message"].startswith(said)], 1)
        return str(line["message"]).removeprefix(said)

    @property
    def log_text(self) -> str:
        return self._log_file.read_text()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log lines so far; each must be a JSON object."""
        return [json.loads(line) for line in self.log_text.splitlines()]

    def requests_logged(self, count: int) -> list[dict[str, Any]]:
        """At least `count` request lines; a line is written just after its answer."""
        return self.wait_for(lambda: [line for line in self.log if line["message"] == "request"], count)

    def wait_for(self, lines: Callable[[], list[dict[str, Any]]], count: int) -> list[dict[str, Any]]:
        end = time.monotonic() + 30
        while len(found := lines()) < count:
            if time.monotonic() > end:
                raise AssertionError(f"expected {count} lines, found {found}")
            time.sleep(0.005)
        return found

    def wait_until_listening(self) -> None:
        def listening() -> list[dict[str, Any]]:
            if self.process.poll() is not None:
                raise AssertionError(f"exit code {self.process.returncode}: {self.log_text}")
            complete = self.log_text.rpartition("\n")[0].splitlines()
            return [line for line in map(json.loads, complete) if line["message"].startswith("Listening on")]

        self.url = self.wait_for(listening, 1)[0]["message"].removeprefix("Listening on ")

    def wait_until_ready(self) -> None:
        end = time.monotonic() + 120  # torch alone takes 20 s where others are at work too
        while httpx.get(f"{self.url}/ready").status_code != 200:
            if time.monotonic() > end:
                raise AssertionError(f"not ready: {self.log_text}")
            time.sleep(0.005)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


MOST_CONNECTIONS = 100


def protocol() -> type[HttpProtocol]:
    """Return the protocol class of a server in the tests' own process, with room for any of them."""
    limits = ConnectionLimits(most=MOST_CONNECTIONS, held_bytes=1 << 30, head_seconds=30, write_seconds=60)
    return protocol_for(Connections(limits))


@contextmanager
def running_server(log_file: Path, ready: bool = True, **settings: str) -> Generator[RunningServer]:
    with log_file.open("wb") as log:
        process = _start(environment(**settings), log, log)
    server = RunningServer(process, log_file)
    try:
        server.wait_until_listening()
        if ready:
            server.wait_until_ready()
        yield server
    finally:
        process.kill()
        process.wait()


def failed_start(**settings: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, the log lines, and what stands on stderr."""
    given = {name: value for name, value in environment(**settings).items() if value != "unset"}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = _start(given, output, errors)
        try:
            code = process.wait(timeout=120)
        finally:
            process.kill()
            process.wait()
        output.seek(0)
        errors.seek(0)
        return code, [json.loads(line) for line in output.read().splitlines()], errors.read().decode()
