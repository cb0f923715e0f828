"""Spans as a collector receives them over OTLP, and what a bad collector costs: spans, and no request."""

import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.checkout import ROOT
from tests.service.collector import Collector, collecting
from tests.service.running_server import (
    AUTHORIZED,
    HAM,
    RunningServer,
    environment,
    failed_start,
    running_server,
)

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@contextmanager
def traced(log: Path, collector: Collector, share: str) -> Generator[RunningServer]:
    with running_server(log, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, TRACE_SHARE=share) as server:
        yield server


def predict(server: RunningServer, **headers: str) -> httpx.Response:
    return httpx.post(f"{server.url}/predict", json={"text": HAM}, headers=AUTHORIZED | headers)


def test_a_request_has_a_span_with_one_for_each_phase_in_the_callers_trace(tmp_path: Path) -> None:
    with collecting() as collector, traced(tmp_path / "log", collector, share="0") as server:
        assert predict(server, traceparent=f"00-{TRACE}-{PARENT}-01").status_code == 200
        spans = {span.name: span for span in collector.wait_for(5)}
        [line] = server.requests_logged(1)
    whole = spans.pop("POST /predict")
    assert set(spans) == {"validate", "queue", "compute", "encode"}
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (TRACE, PARENT)
    assert (line["trace_id"], line["parent_id"]) == (TRACE, PARENT)
    attributes = {each.key: each.value for each in whole.attributes}
    assert attributes["http.route"].string_value == "/predict"
    assert attributes["http.response.status_code"].int_value == 200
    assert collector.resource["service.name"] == "slipway"
    assert collector.resource["model.version"].startswith("sms-spam-")
    for span in spans.values():
        assert (span.trace_id.hex(), span.parent_span_id) == (TRACE, whole.span_id)
    order = [whole.start_time_unix_nano]
    for name in ("validate", "queue", "compute", "encode"):
        order += [spans[name].start_time_unix_nano, spans[name].end_time_unix_nano]
    assert order == sorted(order)
    assert order[-1] <= whole.end_time_unix_nano


def test_the_caller_decides_and_otherwise_the_share(tmp_path: Path) -> None:
    with collecting() as collector, traced(tmp_path / "log", collector, share="1") as server:
        predict(server, traceparent=f"00-{TRACE}-{PARENT}-00")  # the caller does not record it
        httpx.get(f"{server.url}/health")  # nor is a probe
        httpx.get(f"{server.url}/secret-path")
        [span] = collector.wait_for(1)
        [_, line] = server.requests_logged(2)
    assert span.name == "GET other"
    assert span.trace_id.hex() == line["trace_id"] != TRACE
    assert {each.key: each.value.string_value for each in span.attributes}["error.type"] == "path-unknown"
    assert b"secret" not in span.SerializeToString()


def test_a_service_has_the_name_that_its_environment_gives(tmp_path: Path) -> None:
    with (
        collecting() as collector,
        running_server(
            tmp_path / "log",
            OTEL_SERVICE_NAME="api",
            OTEL_RESOURCE_ATTRIBUTES="gcp.project_id=acme-ml",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            TRACE_SHARE="1",
        ) as server,
    ):
        predict(server)
        collector.wait_for(5)
    assert collector.resource["service.name"] == "api"
    assert collector.resource["gcp.project_id"] == "acme-ml"


def test_a_login_that_the_image_lacks_ends_the_start_with_what_it_needs() -> None:
    name = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"
    address = "https://telemetry.googleapis.com"
    code, lines, _ = failed_start(OTEL_EXPORTER_OTLP_ENDPOINT=address, **{name: "nothing"})
    assert code == 2
    assert "--build-arg OTLP=google" in lines[-1]["message"]


def test_spans_that_wait_are_sent_when_the_server_stops(tmp_path: Path) -> None:
    with collecting() as collector, traced(tmp_path / "log", collector, share="1") as server:
        predict(server)
        assert server.stop() == 0
        assert len(collector.wait_for(5)) == 5


@pytest.mark.parametrize("status", [400, 503])
def test_a_collector_that_refuses_costs_no_request(tmp_path: Path, status: int) -> None:
    with collecting(status) as collector, traced(tmp_path / "log", collector, share="1") as server:
        assert predict(server).status_code == 200
        assert collector.asked.wait(30)
        assert predict(server).status_code == 200
        assert server.stop() == 0
        assert complaints(server)  # it is reported


def test_a_collector_that_hangs_or_is_not_there_costs_no_request(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, by the kernel, and answers nothing
        for port in (silent.getsockname()[1], 1):
            endpoint = f"http://127.0.0.1:{port}"
            log = tmp_path / f"log-{port}"
            with running_server(log, OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, TRACE_SHARE="1") as server:
                for _ in range(20):
                    assert predict(server).status_code == 200
                server.wait_for(lambda server=server: complaints(server), 1)  # it is reported
                assert server.stop() == 0


def complaints(server: RunningServer) -> list[dict[str, Any]]:
    return [line for line in server.log if line["level"] in ("warning", "error")]


def test_without_a_collector_its_libraries_are_not_loaded() -> None:
    code = (
        "import sys; import service.server, service.api.app\n"
        "assert not [name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'requests'))]"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), check=True, timeout=60)


def test_an_address_that_is_none_is_refused() -> None:
    code, log, _ = failed_start(OTEL_EXPORTER_OTLP_ENDPOINT="tempo:4318")
    assert (code, log[-1]["cause"]) == (2, "bad_settings")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT: got 'tempo:4318'; allowed: an address that" in log[-1]["message"]
