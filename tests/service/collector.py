"""A collector of traces: what it receives over OTLP, and answers as the test says."""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from tests.in_background import in_background

MESSAGES: Any = trace_service_pb2


class Collector:
    """Keeps the spans that it receives."""

    def __init__(self, status: int = 200) -> None:
        self.spans: list[Any] = []
        self.resource: dict[str, str] = {}
        self.asked = threading.Event()
        keep, answers = self._keep, status

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                keep(self.path, self.rfile.read(int(self.headers["content-length"])))
                self.send_response(answers)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _keep(self, path: str, body: bytes) -> None:
        assert path == "/v1/traces"
        message = MESSAGES.ExportTraceServiceRequest.FromString(body)
        for resource in message.resource_spans:
            self.resource |= {each.key: each.value.string_value for each in resource.resource.attributes}
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        self.asked.set()

    def wait_for(self, count: int) -> list[Any]:
        end = time.monotonic() + 60
        while len(self.spans) < count:
            assert time.monotonic() < end, f"{len(self.spans)} of {count} spans came"
            time.sleep(0.02)
        return self.spans


@contextmanager
def collecting(status: int = 200) -> Generator[Collector]:
    collector = Collector(status)
    with in_background(collector.server):
        yield collector
