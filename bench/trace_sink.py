"""A collector of traces that takes every batch and keeps none, on a thread of this process."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.in_background import in_background

# Each request's whole span has it once, and no other does.
OF_A_TRACE = b"http.request.method"


class TraceSink:
    """Answers 200 to POST. traces: how many came."""

    def __init__(self) -> None:
        self.traces = 0
        sink, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"  # keeps the connection, as collectors do

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with lock:
                    sink.traces += body.count(OF_A_TRACE)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Write no line for a batch."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def trace_sink() -> Generator[TraceSink]:
    sink = TraceSink()
    with in_background(sink.server):
        yield sink
