import httpx
import pytest

from tests.service.running_server import KEY, SPAM, RunningServer, running_server

SECRET_TEXT = "a text that nobody else may read"


def test_each_request_is_one_json_line_without_the_text_and_the_key(
    server: RunningServer, client: httpx.Client
):
    seen = len(server.requests_logged(0))
    client.post("/predict?q=" + "query-secret", json={"text": [SECRET_TEXT, SPAM]})
    client.post("/predict", json={"text": SECRET_TEXT, SECRET_TEXT: 1})
    client.post("/predict", json={"text": SECRET_TEXT}, headers={"Authorization": f"Bearer {KEY}-wrong"})
    lines = server.requests_logged(seen + 3)[seen:]
    assert [line["status"] for line in lines] == [200, 422, 401]
    assert [line["texts"] for line in lines] == [2, 0, 0]
    for line in lines:
        assert line.keys() == {
            "time", "level", "message", "method", "path", "status", "latency_ms", "texts", "request_id",
        }  # fmt: skip
        assert (line["level"], line["method"], line["path"]) == ("info", "POST", "/predict")
        assert line["latency_ms"] > 0
    for secret in (SECRET_TEXT, "query-secret", KEY):
        assert secret not in server.log_text


@pytest.mark.parametrize("sent", ["abc-123_X.y", "a" * 64])
def test_a_sane_request_id_is_kept(server: RunningServer, client: httpx.Client, sent: str):
    answer = client.post("/predict", json={"text": "a"}, headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == sent
    server.wait_for(lambda: [line for line in server.log if line.get("request_id") == sent], 1)


@pytest.mark.parametrize("sent", ["a b", "a" * 65, '"}', "é", ""])
def test_another_request_id_is_replaced(client: httpx.Client, sent: str):
    answer = client.get("/nothing", headers=[(b"x-request-id", sent.encode())])
    assert answer.headers["x-request-id"] not in ("", sent)


def test_a_path_with_line_breaks_forges_no_line(server: RunningServer, client: httpx.Client):
    client.get('/a%0A{"level":"error","message":"forged"}%0D%0Ab%E2%80%A8' + "c" * 500)
    assert not [line for line in server.log if line["message"] == "forged"]
    found = server.wait_for(
        lambda: [line for line in server.log if line.get("path", "").startswith("/a\n")], 1
    )
    assert len(found[0]["path"]) <= 200


def test_probes_are_logged_only_at_debug(server: RunningServer, tmp_path_factory: pytest.TempPathFactory):
    httpx.get(f"{server.url}/health")
    assert not [line for line in server.log if line.get("path") in ("/alive", "/ready", "/health")]
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
