"""The HTTP side of a slow model: the real app and protocol, with a backend that waits for the test."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

import httpx
import numpy as np
import pytest
import uvicorn
from pydantic import SecretStr
from tokenizers import Tokenizer

from bench.workload import post
from slipway.service.api.app import build_app
from slipway.service.backends import Float32s, Int64s
from slipway.service.engine import Engine
from slipway.service.lifecycle import Lifecycle
from slipway.service.listener import address_of, listener
from slipway.service.manifest import TOKENIZER_FILE
from slipway.service.settings import BUNDLED_MODEL, Settings
from slipway.service.tasks import TASKS, Limits
from slipway.service.tasks.classify import Classify, ClassifyManifest
from tests.service.running_server import AUTHORIZED, HAM, KEY, MOST_CONNECTIONS, protocol


class SlowBackend:
    """Answers at once until `slow` is set; then each call waits for `go`."""

    def __init__(self, fails: bool = False) -> None:
        self.slow = False
        self.fails = fails
        self.begun, self.go = threading.Event(), threading.Event()

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        if self.slow:
            self.begun.set()
            assert self.go.wait(timeout=20)
            if self.fails:
                raise RuntimeError("a secret of the inside")
        return np.array([[0.0, 2.0]], dtype=np.float32)


@contextmanager
def serving(backend: SlowBackend, **changes: object) -> Generator[str]:
    settings = Settings.model_construct(
        None,
        **{name: field.get_default() for name, field in Settings.model_fields.items()}
        | {"model_api_key": SecretStr(KEY)}
        | changes,
    )
    manifest = ClassifyManifest.read(BUNDLED_MODEL, TASKS)
    task = Classify(manifest, Limits(settings.max_texts, settings.max_text_characters))
    task.attach(Tokenizer.from_file(str(BUNDLED_MODEL / TOKENIZER_FILE)), backend)
    backend.slow = True
    lifecycle = Lifecycle()
    lifecycle.model_is_warm()
    engine = Engine(1, settings.max_queue_calls or 96, settings.max_queue_tokens or 100_000)
    sock = listener("127.0.0.1", 0)
    host, port = address_of(sock)
    app = build_app(settings, manifest, task, engine, lifecycle, port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=protocol(),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
    )
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[sock])))
    thread.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        backend.go.set()
        server.should_exit = True
        thread.join()
        assert engine.stop(timeout_seconds=20)


class Asking(threading.Thread):
    def __init__(self, url: str, *texts: str) -> None:
        super().__init__()
        self._url, self._texts = url, texts
        self.status = 0
        self.start()

    def run(self) -> None:
        body = {"text": list(self._texts)}
        self.status = httpx.post(
            f"{self._url}/predict", json=body, headers=AUTHORIZED, timeout=20
        ).status_code


@pytest.mark.parametrize("bound", [{"max_queue_tokens": 60}, {"max_queue_calls": 1}], ids=["tokens", "calls"])
def test_a_full_queue_answers_429_with_retry_after(bound: dict[str, int]):
    backend = SlowBackend()
    with serving(backend, **bound) as url:
        under_way = Asking(url, HAM)
        assert backend.begun.wait(timeout=20)
        statuses = [httpx.Response(0)]
        waiting = Asking(url, HAM, HAM, HAM, HAM)
        while statuses[-1].status_code != 429:  # until the four have arrived in the queue
            try:
                statuses.append(
                    httpx.post(f"{url}/predict", json={"text": [HAM] * 4}, headers=AUTHORIZED, timeout=0.2)
                )
            except httpx.ReadTimeout:  # this one was there first, and has given its place back
                if waiting.status == 429:
                    waiting = Asking(url, HAM, HAM, HAM, HAM)
        refused = statuses[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.json()["type"] == "urn:slipway:problem:queue-full"
        backend.go.set()
        under_way.join()
        waiting.join()
        assert under_way.status == 200


def test_a_call_that_finds_no_place_is_refused_before_its_body_is_read():
    backend = SlowBackend()
    with serving(backend, max_queue_calls=1) as url:
        under_way = Asking(url, HAM)
        assert backend.begun.wait(timeout=20)
        waiting = Asking(url, HAM)
        host, _, port = url.removeprefix("http://").partition(":")
        head = f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\n"
        head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
        answer = b""
        while not answer:  # until the other waits in the queue
            with socket.create_connection((host, int(port)), timeout=0.2) as connection:
                connection.sendall(head.encode())  # the body never comes
                with contextlib.suppress(TimeoutError):
                    answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 429 ")
        backend.go.set()
        under_way.join()
        waiting.join()
        assert (under_way.status, waiting.status) == (200, 200)


def until(connection: socket.socket, end: bytes) -> bytes:
    """Read until the `end` of an answer."""
    answer = b""
    while not answer.endswith(end):
        answer += connection.recv(4000)
    return answer


def test_a_connection_that_was_refused_waits_for_its_next_request_as_any_other() -> None:
    """Else a burst that is refused would hold all places for connections."""
    backend = SlowBackend()
    with serving(backend, max_queue_calls=1) as url:
        under_way = Asking(url, HAM)
        assert backend.begun.wait(timeout=20)
        waiting = Asking(url, HAM)
        while httpx.post(f"{url}/predict", content=b"{", headers=AUTHORIZED, timeout=20).status_code != 429:
            pass  # until the other waits in the queue
        host, _, port = url.removeprefix("http://").partition(":")
        with ExitStack() as held:
            request = post("/predict", {"text": HAM}, KEY)
            refused: list[socket.socket] = []
            for _ in range(MOST_CONNECTIONS):
                refused.append(held.enter_context(socket.create_connection((host, int(port)), timeout=20)))
                refused[-1].sendall(request)
                assert until(refused[-1], b"}").startswith(b"HTTP/1.1 429 ")
            assert httpx.get(f"{url}/docs", timeout=20).status_code == 200
        backend.go.set()
        under_way.join()
        waiting.join()


def test_a_connection_goes_on_after_what_was_refused_on_it():
    backend = SlowBackend()
    with serving(backend, max_queue_calls=1) as url:
        under_way = Asking(url, HAM)
        assert backend.begun.wait(timeout=20)
        waiting = Asking(url, HAM)
        body = b'{"text": "hello"}'
        head = "POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        head += f"Content-Length: {len(body)}\r\n"
        request = (
            head.encode()
            + b"Authorization: Bearer "
            + KEY.encode()
            + b"\r\nX-Request-ID: mine\r\n\r\n"
            + body
        )
        while httpx.post(f"{url}/predict", content=b"{", headers=AUTHORIZED, timeout=20).status_code != 429:
            pass  # until the other waits in the queue
        host, _, port = url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            for parts in ([request], [request[:-4], request[-4:]], [request + request]):
                for part in parts:
                    connection.sendall(part)
                answers = b""
                while answers.count(b"queue-full") < parts[0].count(b"POST"):
                    answers += connection.recv(4000)
                assert answers.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
                assert answers.count(b"\r\nx-request-id: mine\r\n") == parts[0].count(b"POST")
            connection.sendall(request.replace(KEY.encode(), b"not-the-key-of-anybody"))
            assert until(connection, b"}").startswith(b"HTTP/1.1 401 ")
            connection.sendall(b"GET /ready HTTP/1.1\r\nHost: a\r\n\r\n")
            assert until(connection, b"}").startswith(b"HTTP/1.1 200 ")
            connection.sendall(request.replace(b"Host: a", b"Host: a\r\nConnection: close"))
            last = b"".join(iter(lambda: connection.recv(4000), b""))
            assert last.startswith(b"HTTP/1.1 429 ")
            assert b"\r\nconnection: close\r\n" in last
        backend.go.set()
        under_way.join()
        waiting.join()
        assert (under_way.status, waiting.status) == (200, 200)


def test_a_model_that_does_not_answer_in_time_is_a_504():
    backend = SlowBackend()
    with serving(backend, request_timeout_seconds=0.05) as url:
        answer = httpx.post(f"{url}/predict", json={"text": HAM}, headers=AUTHORIZED)
        assert answer.status_code == 504
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_error_in_the_model_is_a_500_that_tells_nothing_and_the_log_tells_everything(
    caplog: pytest.LogCaptureFixture,
):
    backend = SlowBackend(fails=True)
    backend.go.set()
    with serving(backend) as url:
        answer = httpx.post(f"{url}/predict", json={"text": HAM}, headers=AUTHORIZED)
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert "secret" not in answer.text
    logged = [record for record in caplog.records if record.exc_info is not None]
    assert len(logged) == 1
    assert "a secret of the inside" in str(logged[0].exc_info)
    assert logged[0].__dict__["fields"]["request_id"] == answer.headers["x-request-id"]
