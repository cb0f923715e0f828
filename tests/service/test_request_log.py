from pathlib import Path

import httpx
import pytest

from tests.service.running_server import HAM, KEY, SPAM, RunningServer, running_server

SECRET_TEXT = "a text that nobody else may read"


def test_each_request_is_one_json_line_without_the_text_and_the_key(
    server: RunningServer, client: httpx.Client
):
    seen = len(server.requests_logged(0))
    answer = client.post("/predict?q=" + "query-secret", json={"text": [SECRET_TEXT, SPAM]})
    client.post("/predict", json={"text": SECRET_TEXT, SECRET_TEXT: 1})
    client.post("/predict", json={"text": SECRET_TEXT}, headers={"Authorization": f"Bearer {KEY}-wrong"})
    lines = server.requests_logged(seen + 3)[seen:]
    assert [line["status"] for line in lines] == [200, 422, 401]
    assert [line["texts"] for line in lines] == [2, 0, 0]
    for line in lines:
        assert line.keys() == {
            "time", "level", "kind", "message", "method", "route", "status", "latency_ms", "texts",
            "request_bytes",
            "response_bytes", "request_id", "client",
            *(["cause"] if line["status"] != 200 else ["queue_ms", "compute_ms", "encode_ms"]),
        }  # fmt: skip
        assert (line["level"], line["kind"]) == ("info", "access")
        assert (line["method"], line["route"]) == ("POST", "/predict")
        assert line["latency_ms"] > 0
        assert line["client"] == "127.0.0.0/24"
    answered, invalid, keyless = lines
    assert answered["queue_ms"] + answered["compute_ms"] + answered["encode_ms"] <= answered["latency_ms"]
    assert (invalid["cause"], keyless["cause"]) == ("invalid-input", "key-wrong")
    assert answered["request_bytes"] == int(answer.request.headers["content-length"])
    assert answered["response_bytes"] == len(answer.content)
    for secret in (SECRET_TEXT, "query-secret", KEY):
        assert secret not in server.log_text


@pytest.mark.parametrize("sent", ["abc-123_X.y", "a" * 64, "4111111111111112"])
def test_a_sane_request_id_is_kept(server: RunningServer, client: httpx.Client, sent: str):
    answer = client.post("/predict", json={"text": "a"}, headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == sent
    server.wait_for(lambda: [line for line in server.log if line.get("request_id") == sent], 1)


@pytest.mark.parametrize("sent", ["a b", "a" * 65, '"}', "é", "", "4111111111111111", f"x-{KEY}"])
def test_another_request_id_is_replaced(client: httpx.Client, sent: str):
    answer = client.get("/nothing", headers=[(b"x-request-id", sent.encode())])
    assert answer.headers["x-request-id"] not in ("", sent)


def test_a_path_that_is_no_route_is_not_logged_and_forges_no_line(
    server: RunningServer, client: httpx.Client
):
    sent = {"X-Request-ID": "a-path-of-its-own"}
    client.get('/jane.doe%0A{"level":"error","message":"forged"}%0D%0Ab%E2%80%A8' + "c" * 500, headers=sent)
    [line] = server.wait_for(
        lambda: [line for line in server.log if line.get("request_id") == "a-path-of-its-own"], 1
    )
    assert (line["route"], line["cause"]) == ("other", "path-unknown")
    assert not [line for line in server.log if line["message"] == "forged"]
    assert "jane.doe" not in server.log_text


TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("sent", "is_valid"),
    [
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"cc-{TRACE}-{PARENT}-00-what-a-later-version-adds", True),
        (f"ff-{TRACE}-{PARENT}-01", False),
        (f"00-{'0' * 32}-{PARENT}-01", False),
        (f"00-{TRACE}-{'0' * 16}-01", False),
        (f"00-{TRACE.upper()}-{PARENT}-01", False),
        ("jane.doe", False),
    ],
)
def test_a_line_has_the_trace_of_a_valid_traceparent_and_of_no_other(
    server: RunningServer, client: httpx.Client, sent: str, is_valid: bool
):
    answer = client.post("/predict", json={"text": HAM}, headers={"traceparent": sent})
    own = answer.headers["x-request-id"]
    [line] = server.wait_for(lambda: [line for line in server.log if line.get("request_id") == own], 1)
    trace = (line.get("trace_id"), line.get("parent_id"))
    assert trace == ((TRACE, PARENT) if is_valid else (None, None))


def test_google_reads_the_level_in_its_own_field(tmp_path: Path):
    with running_server(tmp_path / "log", LOG_LEVEL_FIELD="severity", LOG_LEVEL="debug") as server:
        httpx.get(f"{server.url}/nothing")
        server.requests_logged(2)
        assert {line["severity"] for line in server.log} == {"DEBUG", "INFO"}
        assert not [line for line in server.log if "level" in line]


def test_probes_are_logged_only_at_debug(server: RunningServer, tmp_path_factory: pytest.TempPathFactory):
    httpx.get(f"{server.url}/health")
    assert not [line for line in server.log if line.get("route") in ("/alive", "/ready", "/health")]
    with running_server(tmp_path_factory.mktemp("debug") / "log", LOG_LEVEL="debug") as talkative:
        assert {line["level"] for line in talkative.requests_logged(1)} == {"debug"}


def test_the_start_is_told_with_its_load_time(server: RunningServer):
    messages = [line["message"] for line in server.log]
    assert any(message.startswith("Loading model sms-spam-") for message in messages)
    ready = next(line for line in server.log if line["message"].startswith("Model ready (loaded in "))
    assert ready["load_seconds"] > 0
    assert f"Listening on http://127.0.0.1:{server.port}" in messages


def test_every_line_has_time_level_and_message(server: RunningServer):
    for line in server.log:
        assert line["time"].endswith("Z")
        assert line["level"] in ("debug", "info", "warning", "error", "critical")
        assert line["message"]
