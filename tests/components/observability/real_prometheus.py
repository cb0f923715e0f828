"""Debian's Prometheus over recorded series, which promtool writes into its database beforehand."""

import shutil
import socket
import subprocess
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.components.observability.recording import promtool

STEP_SECONDS = 15


class Prometheus:
    """A Prometheus that answers queries at `end`, in seconds since the epoch."""

    def __init__(self, url: str, end: float) -> None:
        self.url = url
        self._end = end

    def query(self, expression: str, end: float | None = None) -> list[dict[str, Any]]:
        """Return the series of an instant query. Fails with Prometheus' own message."""
        parameters = {"query": expression, "time": str(self._end if end is None else end)}
        answer = httpx.get(f"{self.url}/api/v1/query", params=parameters, timeout=60).json()
        assert answer["status"] == "success", f"{answer.get('error')}: {expression}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found


def free_address() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def prometheus_over(folder: Path, series: Mapping[str, Iterable[float]]) -> Generator[Prometheus]:
    """Start a Prometheus over series with a value for each 15 seconds, which end four hours ago."""
    end = int(time.time() / 7200) * 7200 - 4 * 3600
    lines: list[str] = []
    for name, values in series.items():
        known = list(values)
        start = end - STEP_SECONDS * (len(known) - 1)
        lines += [f"{name} {value!r} {start + STEP_SECONDS * place}" for place, value in enumerate(known)]
    (folder / "series.txt").write_text("\n".join([*lines, "# EOF", ""]))
    making = [promtool(), "tsdb", "create-blocks-from", "openmetrics", "series.txt", "data"]
    made = subprocess.run(making, cwd=folder, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (folder / "prometheus.yml").write_text("{}")
    with running_prometheus(folder, folder / "prometheus.yml") as url:
        yield Prometheus(url, end)


@contextmanager
def running_prometheus(folder: Path, config: Path) -> Generator[str]:
    """Start Prometheus with a configuration and its data in `folder`; yields its URL once it is ready."""
    program, address = shutil.which("prometheus"), free_address()
    if program is None:
        pytest.skip("prometheus is not installed (Debian's package prometheus)")
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder}/data")
    options += (f"--web.listen-address={address}", "--query.lookback-delta=5m")
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdout=log, stderr=log)
        try:
            wait_until(lambda: _answers(f"http://{address}/-/ready"), folder / "prometheus.log")
            yield f"http://{address}"
        finally:
            process.terminate()
            process.wait(timeout=60)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.TransportError:  # not listening yet
        return False


def wait_until(holds: Any, log: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.2)
