"""An OpenTelemetry collector from a registry takes the server's spans, and has what the server sent.

SLIPWAY_TEST_COLLECTOR names its program, which `.ci/otel-collector` builds.
"""

import json
import os
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.running_server import AUTHORIZED, HAM, running_server

pytestmark = pytest.mark.collector
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SECRET_TEXT = "a text that nobody else may read"


@dataclass(frozen=True, slots=True)
class RealCollector:
    """A running collector. file: where it writes what it receives, as OTLP's JSON, one export a line."""

    url: str
    file: Path

    def spans(self, count: int) -> list[dict[str, Any]]:
        """Wait for `count` spans, and return all with their resource's attributes."""
        end = time.monotonic() + 120
        while len(found := list(self._spans())) < count:
            assert time.monotonic() < end, f"{len(found)} of {count} spans came"
            time.sleep(0.1)
        return found

    def _spans(self) -> Generator[dict[str, Any]]:
        text = self.file.read_text() if self.file.exists() else ""
        for line in text.splitlines(keepends=True):
            if not line.endswith("\n"):
                return  # it is being written
            for resource in json.loads(line)["resourceSpans"]:
                about = {one["key"]: one["value"] for one in resource["resource"]["attributes"]}
                for scope in resource["scopeSpans"]:
                    yield from ({**span, "resource": about} for span in scope["spans"])


@pytest.fixture
def collector(tmp_path: Path) -> Generator[RealCollector]:
    with collecting(tmp_path) as running:
        yield running


@contextmanager
def collecting(folder: Path) -> Generator[RealCollector]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    file = folder / "spans.json"
    configuration = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": address}}}},
        "exporters": {"file": {"path": str(file), "flush_interval": "100ms"}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }
    (folder / "config.yaml").write_text(json.dumps(configuration))
    with (folder / "collector.log").open("wb") as log:
        process = subprocess.Popen(
            [os.environ["SLIPWAY_TEST_COLLECTOR"], f"--config={folder / 'config.yaml'}"],
            stdout=log,
            stderr=log,
        )
    try:
        _wait_for(f"http://{address}/", process, folder / "collector.log")
        yield RealCollector(f"http://{address}", file)
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < end:
        try:
            httpx.get(url, timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(log.read_text())


def test_it_takes_a_request_with_its_phases_in_the_callers_trace(
    collector: RealCollector, tmp_path: Path
) -> None:
    address = collector.url
    with running_server(
        tmp_path / "log", OTEL_SERVICE_NAME="api", OTEL_EXPORTER_OTLP_ENDPOINT=address, TRACE_SHARE="0"
    ) as server:
        sent = {**AUTHORIZED, "traceparent": f"00-{TRACE}-{PARENT}-01"}
        answer = httpx.post(f"{server.url}/predict", json={"text": [SECRET_TEXT, HAM]}, headers=sent)
        assert answer.status_code == 200
        httpx.post(f"{server.url}/predict", json={"text": HAM}, headers=AUTHORIZED)  # not sampled
        spans = {span["name"]: span for span in collector.spans(5)}
        assert server.stop() == 0
    assert set(spans) == {"POST /predict", "validate", "queue", "compute", "encode"}
    assert len(collector.spans(5)) == 5
    whole = spans.pop("POST /predict")
    assert (whole["traceId"], whole["parentSpanId"]) == (TRACE, PARENT)
    assert {span["parentSpanId"] for span in spans.values()} == {whole["spanId"]}
    assert whole["resource"]["service.name"] == {"stringValue": "api"}
    assert {"key": "http.route", "value": {"stringValue": "/predict"}} in whole["attributes"]
    assert SECRET_TEXT not in collector.file.read_text()


def test_it_takes_every_span_of_many_requests(collector: RealCollector, tmp_path: Path) -> None:
    address = collector.url
    with running_server(tmp_path / "log", OTEL_EXPORTER_OTLP_ENDPOINT=address, TRACE_SHARE="1") as server:
        with httpx.Client(headers=AUTHORIZED) as client:
            for _ in range(100):
                assert client.post(f"{server.url}/predict", json={"text": HAM}).status_code == 200
        assert server.stop() == 0  # the last ones leave at the end
    spans = collector.spans(500)
    assert len(spans) == 500
    assert len({span["traceId"] for span in spans}) == 100
