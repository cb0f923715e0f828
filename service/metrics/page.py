"""The page on a port of its own, answered by threads of its own: it shows how a full event loop is doing.

It needs no key. It holds nothing of what was sent, but it shows how busy the service is; so no component
opens its port to the internet. A scrape that stalls ends after STALL_SECONDS; past MOST_SCRAPES the oldest
gives way.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from ..logs import log

STALL_SECONDS = 5.0
MOST_SCRAPES = 8


def page_of(registry: CollectorRegistry, accepted: str) -> tuple[bytes, str]:
    """Return the page and its media type, in the format that an Accept header prefers."""
    encode, media_type = choose_encoder(accepted)
    return encode(registry), media_type


class MetricsServer(ThreadingMixIn, TCPServer):
    """Serves one page from a listening socket until the process ends."""

    daemon_threads = True

    def __init__(
        self,
        sock: socket.socket,
        path: str,
        registry: CollectorRegistry,
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        """Show a registry. settle: called before each page, lest it miss what has just ended."""
        super().__init__(sock.getsockname(), _Page, bind_and_activate=False)
        self.socket.close()
        sock.setblocking(True)
        self.socket = sock
        self.path = path
        self.registry = registry
        self.settle = settle
        self._lock = threading.Lock()
        self._scrapes: dict[socket.socket, None] = {}  # the oldest first

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, name="metrics", daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            while len(self._scrapes) >= MOST_SCRAPES:
                oldest = next(iter(self._scrapes))
                del self._scrapes[oldest]
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._scrapes[request] = None
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._scrapes.pop(request, None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request, client_address
        log.debug("A scrape broke off", exc_info=True)


class _Page(BaseHTTPRequestHandler):
    timeout = STALL_SECONDS
    server: MetricsServer  # pyright: ignore[reportIncompatibleVariableOverride] - the only one

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != self.server.path:
            self.send_error(404)
            return
        self.server.settle()
        body, media_type = page_of(self.server.registry, self.headers.get("Accept", ""))
        self.send_response(200)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "slipway"

    def log_message(self, format: str, *args: Any) -> None:
        """Write no line: a scrape is no request of a client."""
