import http.client
import json
import os
import shutil
import signal
import socket
import threading
import time
from pathlib import Path

import httpx
import psutil
import pytest

from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS
from tests.service.running_server import AUTHORIZED, HAM, KEY, RunningServer, failed_start, running_server


def test_while_the_model_loads_it_is_alive_but_not_ready(tmp_path: Path):
    with running_server(tmp_path / "log", ready=False) as server:
        seen: list[tuple[str, int]] = []
        while not seen or seen[-1] != ("ready", 200):
            answer = httpx.get(f"{server.url}/ready")
            seen.append(("ready", answer.status_code))
            if answer.status_code == 503:
                assert answer.headers["content-type"] == "application/problem+json"
                assert httpx.get(f"{server.url}/alive").status_code == 200
        assert {status for _, status in seen} <= {503, 200}
        # The log is the proof that 200 came after the warm-up.
        assert any(line["message"].startswith("Model ready") for line in server.log)


def test_health_tells_state_model_and_versions(tmp_path: Path):
    with running_server(tmp_path / "log", SERVICE_VERSION="2026.1") as server:
        health = httpx.get(f"{server.url}/health").json()
        told = {"state", "model", "model_version", "version", "device", "gpu", "uptime_seconds"}
        assert health.keys() == told
        assert (health["state"], health["model"], health["version"]) == ("ready", "sms-spam", "2026.1")
        assert health["model_version"].startswith("sms-spam-")
        assert health["uptime_seconds"] > 0


@pytest.mark.parametrize("expected", ["version", "source"])
def test_the_expected_model_is_served(tmp_path: Path, expected: str):
    model = Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "model"))
    source = f"hf:acme/spam@{'a' * 40}"
    content = json.loads((model / "manifest.json").read_text()) | {"source": source}
    (model / "manifest.json").write_text(json.dumps(content))
    named = source if expected == "source" else Manifest.read(model, TASKS).model_version
    with running_server(tmp_path / "log", MODEL_DIR=str(model), EXPECTED_MODEL=named) as server:
        assert httpx.get(f"{server.url}/ready").status_code == 200


def test_neither_torch_nor_transformers_is_in_the_process(server: RunningServer):
    mapped = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "onnxruntime" in mapped
    assert "torch" not in mapped
    assert "transformers" not in mapped


def test_the_process_stays_under_200_mb(server: RunningServer, client: httpx.Client):
    client.post("/predict", json={"text": [HAM] * 500})
    assert psutil.Process(server.process.pid).memory_info().rss < 200e6


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_it_with_exit_code_0(tmp_path: Path, stop: signal.Signals):
    with running_server(tmp_path / "log") as server:
        os.kill(server.process.pid, stop)
        assert server.process.wait(timeout=30) == 0
        assert server.log[-1]["message"] == "Stopped"
        assert "Traceback" not in server.log_text


def test_a_stop_signal_while_the_model_loads_ends_it_with_exit_code_0(tmp_path: Path):
    with running_server(tmp_path / "log", ready=False) as server:
        assert server.stop() == 0


def test_after_sigterm_it_is_not_ready_but_alive_and_still_answers(tmp_path: Path):
    """It listens on for half a second, which a busy machine may take away: three servers are tried."""
    for attempt in range(3):
        try:
            answers_while_it_drains(tmp_path / f"log-{attempt}")
        except httpx.ConnectError:
            if attempt == 2:
                raise
        else:
            return


def answers_while_it_drains(log: Path) -> None:
    with running_server(log) as server:
        server.process.terminate()
        server.wait_for(lambda: [line for line in server.log if line["message"].startswith("Draining")], 1)
        ready = httpx.get(f"{server.url}/ready")
        assert ready.status_code == 503
        assert ready.json()["detail"] == "the server is shutting down"
        assert httpx.get(f"{server.url}/alive").status_code == 200
        answer = httpx.post(f"{server.url}/predict", json={"text": HAM}, headers=AUTHORIZED)
        assert answer.status_code == 200
        assert answer.headers["connection"] == "close"
        assert server.process.wait(timeout=30) == 0


def test_a_server_answers_new_connections_for_as_long_as_it_is_to_listen_on(tmp_path: Path):
    with running_server(tmp_path / "log", LISTEN_ON_SECONDS="600", DRAIN_SECONDS="1200") as server:
        server.process.terminate()
        server.wait_for(lambda: [line for line in server.log if line["message"].startswith("Draining")], 1)
        for _ in range(3):
            time.sleep(1)  # without that setting the server is gone by the second
            answer = httpx.post(f"{server.url}/predict", json={"text": HAM}, headers=AUTHORIZED)
            assert answer.status_code == 200
            assert httpx.get(f"{server.url}/ready").status_code == 503
        assert server.stop() == 0


def test_a_server_that_is_not_ready_does_not_listen_on(tmp_path: Path):
    with running_server(
        tmp_path / "log", ready=False, LISTEN_ON_SECONDS="600", DRAIN_SECONDS="1200"
    ) as server:
        if httpx.get(f"{server.url}/ready").status_code == 200:
            pytest.skip("the model was loaded before the signal")
        assert server.stop() == 0


class Caller(threading.Thread):
    """Calls without a pause until nobody listens any more; counts what was answered and what was not."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port
        self.answered = 0
        self.lost: list[str] = []

    def run(self) -> None:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=20)
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                self._call_until_closed(connection)
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
            finally:
                connection.close()

    def _call_until_closed(self, connection: http.client.HTTPConnection) -> None:
        headers = AUTHORIZED | {"Content-Type": "application/json"}
        while True:
            connection.request("POST", "/predict", json.dumps({"text": [HAM] * 5}), headers)
            answer = connection.getresponse()
            predictions = json.loads(answer.read())["predictions"]
            assert len(predictions) == 5
            self.answered += 1
            if answer.getheader("connection") == "close":
                return


def test_a_stop_under_load_loses_no_request_that_was_accepted(tmp_path: Path):
    with running_server(tmp_path / "log") as server:
        callers = [Caller(server.port) for _ in range(8)]
        for caller in callers:
            caller.start()
        server.requests_logged(100)
        code = server.stop()
        for caller in callers:
            caller.join(timeout=30)
        assert code == 0
        assert [loss for caller in callers for loss in caller.lost] == []
        assert all(caller.answered > 0 for caller in callers)


def test_a_request_that_outlasts_the_drain_time_is_cut_and_the_exit_code_is_still_0(tmp_path: Path):
    with running_server(tmp_path / "log", DRAIN_SECONDS="1") as server:
        head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(head.encode())  # the body never comes
            assert server.stop() == 0
            assert connection.recv(100).startswith(b"HTTP/1.1 503 ")


def test_a_body_that_does_not_come_is_given_up(tmp_path: Path):
    with running_server(tmp_path / "log", REQUEST_TIMEOUT_SECONDS="0.2") as server:
        head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(head.encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 408 ")


def test_a_call_that_takes_too_long_is_given_up(tmp_path: Path):
    with running_server(tmp_path / "log", REQUEST_TIMEOUT_SECONDS="0.05", INFERENCE_THREADS="1") as server:
        body = {"text": ["word " * 400] * 300}
        answer = httpx.post(f"{server.url}/predict", json=body, headers=AUTHORIZED, timeout=30)
        assert answer.status_code == 504
        assert answer.json()["type"] == "urn:slipway:problem:deadline-exceeded"


def test_an_ipv6_address_is_listened_on(tmp_path: Path):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with running_server(tmp_path / "log", HOST="::1") as server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.get(f"{server.url}/alive").status_code == 200


def test_two_servers_never_share_a_port(server: RunningServer):
    code, lines, _ = failed_start(PORT=str(server.port))
    assert code == 2
    assert lines[-1]["cause"] == "port_taken"
