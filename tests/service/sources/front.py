"""An HTTP server in front of a bucket: it records what is asked, and answers wrongly where a test says so."""

import http.server
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes = b""

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


@dataclass
class Fault:
    """What happens to the next `times` requests of a file, GETs if no other method is named."""

    name: str
    times: int = 1
    method: str = "GET"
    status: int = 0
    """Answered in place of the file, with `code` as the store's error code."""
    code: str = "Fault"
    cut_after_bytes: int | None = None
    stall_seconds: float = 0
    """Slept after the first 100,000 bytes."""
    silent_seconds: float = 0
    """Slept before the answer."""
    flip: bool = False
    """Change the last byte."""


def error_xml(code: str) -> bytes:
    return (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>told by a test</Message></Error>".encode()
    )


class Front:
    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        self._answer = answer
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.url = ""

    def gets(self, name: str) -> list[Request]:
        return [request for request in self.requests if request.method == "GET" and request.name == name]

    def fault_for(self, request: Request) -> Fault | None:
        for fault in self.faults:
            if request.method == fault.method and fault.name == request.name and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def answer(self, request: Request) -> Answer:
        return self._answer(request)


@contextmanager
def serving(front: Front) -> Generator[Front]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, format: str, *args: Any) -> None: ...

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            request = Request(self.command, unquote(url.path), url.query, headers, body)
            front.requests.append(request)
            fault = front.fault_for(request)
            if fault and fault.silent_seconds:
                time.sleep(fault.silent_seconds)
            if fault and fault.status:
                self._send(Answer(fault.status, {}, error_xml(fault.code)), None)
            else:
                self._send(front.answer(request), fault)

        do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the base class names them

        def _send(self, answer: Answer, fault: Fault | None) -> None:
            body = answer.body
            if fault and fault.flip:
                body = body[:-1] + bytes([body[-1] ^ 1])
            self.send_response(answer.status)
            given = {name.title(): value for name, value in answer.headers.items()}
            for name, value in ({"Content-Length": str(len(body))} | given).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if fault and fault.stall_seconds:
                self.wfile.write(body[:100_000])
                self.wfile.flush()
                time.sleep(fault.stall_seconds)
                body = body[100_000:]
            if fault and fault.cut_after_bytes is not None:
                self.wfile.write(body[: fault.cut_after_bytes])
                self.close_connection = True
                return
            self.wfile.write(body)

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None: ...  # a client that left

    with Server(("127.0.0.1", 0), Handler) as server:
        front.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield front
        finally:
            server.shutdown()
            thread.join()
