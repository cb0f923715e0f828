"""A server may ignore Upgrade (RFC 9110, section 7.8); then the request is one like any other."""

import json
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.fuzz.connection import KEY as FUZZED_KEY
from tests.fuzz.connection import Server
from tests.service.connections.wire import ALIVE, PREDICT, answer_to, connected, splits, statuses
from tests.service.running_server import HAM, KEY, RunningServer

BODY = b'{"text": "see you"}'
UPGRADES = {
    "h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAA\r\n",
    "websocket": b"connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: x\r\n",
    "twice": b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: TLS/1.0\r\nConnection: keep-alive\r\n",
    "without a protocol": b"Connection: Upgrade\r\n",
    "not in Connection": b"Upgrade: h2c\r\n",
}


@pytest.fixture(scope="module")
def served() -> Generator[Server]:
    server = Server()
    yield server
    server.stop()


def predicting(upgrade: bytes, framing: bytes) -> bytes:
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {FUZZED_KEY}\r\n".encode()
    return head + b"Content-Type: application/json\r\n" + upgrade + framing


SIZED = b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n7;a=b\r\n%b\r\n%x\r\n%b\r\n0\r\nt: 1\r\n\r\n" % (
    BODY[:7],
    len(BODY) - 7,
    BODY[7:],
)


@pytest.mark.parametrize("upgrade", UPGRADES)
@pytest.mark.parametrize("framing", [SIZED, CHUNKS], ids=["sized", "chunked"])
def test_a_request_with_upgrade_is_answered_once_wherever_its_bytes_are_split(
    served: Server, upgrade: str, framing: bytes
):
    request = predicting(UPGRADES[upgrade], framing)
    for parts in splits(request):
        answers = served.answers(parts)
        assert statuses(answers) == [200], (parts[0], answers)
        assert answers.count(b'"label":"ham"') == 1


@pytest.mark.parametrize("framing", [SIZED, CHUNKS], ids=["sized", "chunked"])
def test_requests_that_follow_one_with_upgrade_get_their_own_answers_wherever_they_are_split(
    served: Server, framing: bytes
):
    upgrading = predicting(UPGRADES["h2c"], framing)
    for parts in splits(upgrading + ALIVE + upgrading):
        answers = served.answers(parts)
        assert statuses(answers) == [200, 200, 200], (parts[0], answers)
        assert answers.count(b'"label":"ham"') == 2


def test_a_body_that_looks_like_a_request_is_no_request(served: Server):
    hidden = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n"
    head = b"GET /alive HTTP/1.1\r\nhost: a\r\n%bcontent-length: %d\r\n\r\n" % (UPGRADES["h2c"], len(hidden))
    for parts in splits(head + hidden):
        assert statuses(served.answers(parts)) == [200]


def test_one_that_expects_100_and_an_upgrade_gets_to_send_its_body(server: RunningServer):
    body = json.dumps({"text": HAM}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n".encode()
    head += b"Content-Type: application/json\r\nExpect: 100-continue\r\n" + UPGRADES["h2c"]
    with connected(server.port) as connection:
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert answer_to(connection, body)[0] == 200
        assert answer_to(connection, PREDICT)[0] == 200


@pytest.mark.parametrize("target", [b"example.org:443", b"/predict"])
def test_connect_is_refused_and_what_follows_it_is_not_read_as_a_request(served: Server, target: bytes):
    request = b"CONNECT %b HTTP/1.1\r\nhost: a\r\n\r\n" % target
    for parts in splits(request + ALIVE):
        answers = served.answers(parts)
        assert statuses(answers) == [405]
        assert b"urn:slipway:problem:method-not-allowed" in answers
        assert b"\r\nallow:" in answers
        assert b"\r\nconnection: close\r\n" in answers


def test_curl_that_asks_for_http2_is_answered(server: RunningServer, tmp_path: Path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not on this machine")
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"text": [HAM] * 1000}))
    command = [curl, "--silent", "--show-error", "--http2", "--max-time", "20", "--fail-with-body"]
    command += ["-H", f"Authorization: Bearer {KEY}", "-H", "Content-Type: application/json"]
    call = ["--data-binary", f"@{body}", f"{server.url}/predict"]
    done = subprocess.run([*command, *call, "--next", *command[1:], *call], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()[:500]
    assert done.stdout.count(b'"label"') == 2000


def test_javas_client_with_its_defaults_is_answered_again_and_again(server: RunningServer):
    java = shutil.which("java")
    if java is None:
        pytest.skip("java is not on this machine")
    source = Path(__file__).with_name("Calls.java")
    done = subprocess.run(
        [java, "-XX:TieredStopAtLevel=1", str(source), f"{server.url}/predict", KEY],
        input=json.dumps({"text": [HAM] * 10}).encode(),
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.decode().split() == ["200"] * 5, done.stderr.decode()[-2000:]
