"""A real server in a process of its own, spoken to over HTTP."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

KEY = "a-test-key-of-24-letters"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
SPAM = "WINNER!! You have won a 1000 cash prize. Call 09061701461 now to claim."
HAM = "Are we still on for lunch tomorrow?"


def environment(**settings: str) -> dict[str, str]:
    """Only what is named here: a setting of the developer's own shell must not reach the server."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PYTHONPATH") if name in os.environ}
    return kept | {"MODEL_API_KEY": KEY, "PORT": "0"} | settings


class RunningServer:
    def __init__(self, process: subprocess.Popen[bytes], log_file: Path) -> None:
        self.process = process
        self._log_file = log_file
        self.url = ""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

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
        end = time.monotonic() + 10
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


@contextmanager
def running_server(log_file: Path, ready: bool = True, **settings: str) -> Generator[RunningServer]:
    command = [sys.executable, "-m", "service"]
    with log_file.open("wb") as log:
        process = subprocess.Popen(command, env=environment(**settings), stdout=log, stderr=log)
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
    ended = subprocess.run(
        [sys.executable, "-m", "service"],
        env={name: value for name, value in environment(**settings).items() if value != "unset"},
        capture_output=True,
        timeout=120,
    )
    return ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr.decode()
