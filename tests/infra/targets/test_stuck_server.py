"""What `slipway status` says of a server that runs and is not ready."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slipway.infra.targets.status import running_state


@contextmanager
def server(ready: int, health: bytes) -> Generator[str]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(ready if self.path == "/ready" else 200)
            self.end_headers()
            self.wfile.write(b"" if self.path == "/ready" else health)

        def log_message(self, format: str, *args: object) -> None: ...

    listening = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.mark.parametrize(
    ("ready", "health", "state"),
    [
        (200, {"state": "ready"}, "ready"),
        (503, {"state": "loading"}, "starting"),
        (503, {"state": "stuck"}, "stuck"),
        (503, {}, "starting"),
        (503, [], "starting"),
    ],
)
def test_a_stuck_server_is_told_from_one_that_is_starting(ready: int, health: object, state: str) -> None:
    with server(ready, json.dumps(health).encode()) as url:
        found, reason = running_state(url)
    assert found == state
    assert (reason is not None) == (state == "stuck")


def test_a_server_that_answers_what_is_no_json_is_starting() -> None:
    with server(503, b"<html>") as url:
        assert running_state(url) == ("starting", None)


def test_a_server_that_does_not_answer_is_starting() -> None:
    assert running_state("http://127.0.0.1:1") == ("starting", None)
