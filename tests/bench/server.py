"""`python -m tests.bench.server`: the model in this process against the model behind HTTP, in one run.

The two take turns, so that a busy machine slows both. Times are milliseconds at one keep-alive connection.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from tokenizers import Tokenizer

from service.backends.onnx import OnnxBackend
from service.manifest import MODEL_FILE, TOKENIZER_FILE
from service.settings import BUNDLED_MODEL
from service.tasks import TASKS
from service.tasks.classify import SPAM, ClassifyManifest, prediction_of
from service.tasks.texts import TextModel

KEY = "a-key-for-the-bench-only"
ROUNDS, CALLS_PER_ROUND = 20, 200
BODY = json.dumps({"text": SPAM}).encode()
REQUEST = (
    b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + KEY.encode() + b"\r\n"
    b"Content-Type: application/json\r\nContent-Length: " + str(len(BODY)).encode() + b"\r\n\r\n" + BODY
)


def main() -> None:
    with tempfile.TemporaryFile() as log:
        port = free_port()
        server, ready_s = started(port, log.fileno())
        try:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                inprocess_ms, http_ms = _take_turns(_inprocess_call(), lambda: _http_call(connection))
            rss_mb = psutil.Process(server.pid).memory_info().rss / 1e6
        finally:
            server.terminate()
            server.wait(timeout=30)
    _print(inprocess_ms, http_ms, ready_s, rss_mb)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def started(port: int, log: int, **settings: str) -> tuple[subprocess.Popen[bytes], float]:
    """The server, and seconds from its start to the first 200 of /ready."""
    env = {**os.environ, "MODEL_API_KEY": KEY, "PORT": str(port), "HOST": "127.0.0.1", **settings}
    begun = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-m", "service"], env=env, stdout=log)
    while time.perf_counter() - begun < 60:
        if _status(port, b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n") == 200:
            return server, time.perf_counter() - begun
        if server.poll() is not None:
            raise SystemExit(f"the server ended with exit code {server.returncode} before it was ready")
        time.sleep(0.002)
    server.kill()
    raise SystemExit("the server was not ready within 60 s")


def _status(port: int, request: bytes) -> int:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(request)
            return int(connection.recv(4096).split(b" ", 2)[1])
    except (ConnectionError, IndexError):
        return 0


def _inprocess_call() -> Callable[[], object]:
    manifest = ClassifyManifest.read(BUNDLED_MODEL, TASKS)
    tokenizer = Tokenizer.from_file(str(BUNDLED_MODEL / TOKENIZER_FILE))
    model = TextModel(manifest, tokenizer, OnnxBackend(Path(BUNDLED_MODEL / MODEL_FILE)))
    return lambda: prediction_of(model.output(model.token_ids(SPAM)).tolist(), manifest.labels)


def _http_call(connection: socket.socket) -> bytes:
    connection.sendall(REQUEST)
    answer = connection.recv(65536)
    while b"\r\n\r\n{" not in answer or not answer.endswith(b"}"):
        answer += connection.recv(65536)
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"the server answered {answer[:300]!r}")
    return answer


def _take_turns(*calls: Callable[[], object]) -> list[float]:
    """The median milliseconds of each call; the first round warms up and is not counted."""
    times_ms: list[list[float]] = [[] for _ in calls]
    for round_number in range(ROUNDS + 1):
        for call, measured in zip(calls, times_ms, strict=True):
            for _ in range(CALLS_PER_ROUND):
                begun = time.perf_counter()
                call()
                if round_number > 0:
                    measured.append((time.perf_counter() - begun) * 1000)
    return [statistics.median(measured) for measured in times_ms]


def _print(inprocess_ms: float, http_ms: float, ready_s: float, rss_mb: float) -> None:
    result: dict[str, Any] = {
        "p50_inprocess_ms": round(inprocess_ms, 3),
        "p50_http_ms": round(http_ms, 3),
        "overhead_ms": round(http_ms - inprocess_ms, 3),
        "p50_c1_over_inprocess": round(http_ms / inprocess_ms, 2),
        "ready_s": round(ready_s, 3),
        "rss_mb": round(rss_mb, 1),
    }
    for name, value in result.items():
        print(f"{name:24} {value:>10}")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
