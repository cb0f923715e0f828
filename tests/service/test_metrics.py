"""The metrics page of a real server, as Prometheus reads it."""

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from slipway.service.listener import METRICS_PORT
from tests.service.metrics_pages import require_promtool_accepts, scraped
from tests.service.running_server import AUTHORIZED, HAM, SPAM, RunningServer, failed_start, running_server

REQUESTS = "http_server_request_duration_seconds_count"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Yield a server that nobody else sends requests to."""
    with running_server(
        tmp_path_factory.mktemp("metrics") / "log", SERVICE_VERSION='a\nb"\\', MAX_BATCH_SIZE="8"
    ) as server:
        yield server


def raw(server: RunningServer, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(sent)
        return connection.recv(1 << 16)


def test_requests_are_counted_by_route_status_and_cause(measured: RunningServer) -> None:
    before = scraped(measured.metrics_url)
    url = f"{measured.url}/predict"
    httpx.post(url, json={"text": [HAM, SPAM]}, headers=AUTHORIZED)
    httpx.post(url, json={"text": HAM})
    httpx.post(url, json={"text": 1}, headers=AUTHORIZED)
    httpx.get(f"{measured.url}/wp-login.php")
    httpx.put(url)
    assert raw(measured, b"GARBAGE\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    measured.requests_logged(5)
    after = scraped(measured.metrics_url)

    def added(name: str, **labels: str) -> float:
        return after.value(name, **labels) - before.value(name, **labels)

    for route, status, cause in (
        ("/predict", "200", ""),
        ("/predict", "401", "key-missing"),
        ("/predict", "422", "invalid-input"),
        ("other", "404", "path-unknown"),
        ("/predict", "405", "method-not-allowed"),
    ):
        labels = {"http_route": route, "http_response_status_code": status, "error_type": cause}
        assert added(REQUESTS, **labels) == 1, labels
    assert added(REQUESTS, http_request_method="_OTHER") == 1
    assert after.value(REQUESTS, http_route="/ready") > 0
    assert added("slipway_early_refusals_total", error_type="malformed-http") == 1
    for phase in ("queue", "compute", "encode"):
        assert added("slipway_phase_duration_seconds_count", http_route="/predict", phase=phase) == 1
    assert added("slipway_tokens_total", direction="input") > 2
    assert added("slipway_batch_size_sum") == 2
    assert added("slipway_batch_tokens_total") == added("slipway_tokens_total", direction="input")


def test_the_phases_of_a_request_are_a_part_of_its_duration(measured: RunningServer) -> None:
    httpx.post(f"{measured.url}/predict", json={"text": HAM}, headers=AUTHORIZED)
    page = scraped(measured.metrics_url)
    whole = page.value("http_server_request_duration_seconds_sum", http_response_status_code="200")
    parts = page.value("slipway_phase_duration_seconds_sum")
    assert 0 < parts < whole


def test_promtool_accepts_the_page_and_a_label_keeps_its_line_break(measured: RunningServer) -> None:
    page = scraped(measured.metrics_url)
    assert page.labels("slipway_build_info") == {"version": 'a\nb"\\'}
    assert page.labels("slipway_model_info")["model_version"].startswith("sms-spam-")
    require_promtool_accepts(page.text)


def test_gauges_show_what_is_there_at_the_scrape(measured: RunningServer) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(7):
            held.enter_context(socket.create_connection(("127.0.0.1", measured.port)))
        httpx.get(f"{measured.url}/alive")  # accepted after those seven
        page = scraped(measured.metrics_url)
        assert page.value("slipway_open_connections") >= 7
    for gauge in ("slipway_queue_calls", "slipway_queue_oldest_seconds", "slipway_dead_threads"):
        assert page.value(gauge) == 0
    limits = ("open_connections", "queue_calls", "queue_tokens", "held_bytes")
    assert all(page.value(f"slipway_{name}_limit") > 0 for name in limits)
    assert page.value("slipway_state", state="ready") == 1
    assert page.value("slipway_state") == 1
    assert 0 < page.value("slipway_memory_used_bytes") < page.value("slipway_memory_limit_bytes")
    assert page.value("slipway_model_load_seconds") > 0
    assert page.value("slipway_inference_threads") > 0
    assert page.labels("slipway_device_info") == {"device": "cpu", "gpu": ""}


def test_no_client_can_make_the_page_grow(measured: RunningServer) -> None:
    def series() -> int:
        return len(scraped(measured.metrics_url).samples)

    with httpx.Client(base_url=measured.url) as client:
        client.put("/first")
        client.get("/first")
        client.delete("/first")
        before = series()
        for number in range(50):
            client.get(f"/{number}", headers={"X-Request-ID": f"{number}", "User-Agent": f"{number}"})
            for method in ("DELETE", "PATCH", "PROPFIND", "LOCK"):
                client.request(method, f"/{number}")
        assert series() == before


def test_the_page_is_on_the_public_port_only_where_asked_for_and_then_behind_the_key(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", METRICS="public-port") as server:
        url = f"{server.url}/metrics"
        assert httpx.get(url).status_code == 401
        answer = httpx.get(url, headers=AUTHORIZED)
        assert "slipway_queue_calls 0.0" in answer.text
        assert not [line for line in server.log if line["message"].startswith("Metrics on")]


def test_without_a_page_neither_port_has_one(tmp_path: Path) -> None:
    with running_server(tmp_path / "log", METRICS="off") as server:
        assert httpx.get(f"{server.url}/metrics", headers=AUTHORIZED).status_code == 404
        assert not [line for line in server.log if line["message"].startswith("Metrics on")]


def test_by_default_the_public_port_has_no_page_and_the_other_nothing_else(measured: RunningServer) -> None:
    assert httpx.get(f"{measured.url}/metrics", headers=AUTHORIZED).status_code == 404
    other = measured.metrics_url.removesuffix("/metrics")
    assert httpx.get(other).status_code == 404
    assert httpx.post(f"{other}/predict", json={"text": HAM}, headers=AUTHORIZED).status_code == 501


def usual_port() -> socket.socket:
    """Take the usual port, as soon as no other test's server has it."""
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_server(("127.0.0.1", METRICS_PORT))
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_a_second_server_takes_a_free_port_where_the_usual_one_is_taken(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with usual_port(), running_server(log, METRICS_PORT="", METRICS_PATH="/stats") as server:
        assert f":{METRICS_PORT}/" not in server.metrics_url
        assert server.metrics_url.endswith("/stats")
        assert scraped(server.metrics_url).value("slipway_state", state="ready") == 1


def test_a_chosen_port_that_is_taken_is_refused_by_its_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, log, _ = failed_start(METRICS_PORT=port)
    assert code == 2
    assert log[-1]["cause"] == "port_taken"
    assert f"port {port} on 127.0.0.1 is taken" in log[-1]["message"]
    assert "set METRICS_PORT to a free port" in log[-1]["message"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"METRICS": "yes"}, "METRICS: got 'yes'; allowed: own-port, public-port, off."),
        ({"METRICS_PORT": "70000"}, "METRICS_PORT: got '70000'; allowed: a whole number from 0 to 65535."),
        ({"METRICS_PATH": "a b"}, "METRICS_PATH: got 'a b'; allowed: a path of letters, digits and"),
        (
            {"METRICS": "public-port", "METRICS_PATH": "/predict"},
            "METRICS_PATH: got '/predict', which the server has for something else",
        ),
    ],
)
def test_a_setting_of_the_page_that_cannot_be_is_refused(settings: dict[str, str], said: str) -> None:
    code, log, _ = failed_start(**settings)
    assert (code, log[-1]["cause"]) == (2, "bad_settings")
    assert said in log[-1]["message"]
