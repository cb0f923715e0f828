"""What a connection sends for some bytes, and whether what it gets is what it may get."""

import logging
import re

from tests.fuzz.connection import KEY, Server

STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
MEANT = {200, 202, 400, 401, 404, 405, 408, 413, 415, 417, 422, 429, 431, 501, 503, 504, 505}
HEAD = (
    f"POST /predict HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
)
KEYED = f"host: a\r\nauthorization: Bearer {KEY}\r\n\r\n"
JOB_HEAD = HEAD.replace("/predict", "/jobs")
JOB_BODIES = (
    b'{"request": {"text": "hello"}, "priority": 3}',
    b'{"requests": [{"text": "a"}, {"text": [""]}], "path": "/predict"}',
    b'{"file": "file:/in/a.jsonl", "output": "gs://bucket/in/b.jsonl", "format": "csv"}',
    b'{"request": {"text": 1e999}, "webhook": "https://hooks.example.com:443/a?b#c"}',
)
BODIES = (
    b'{"text": "hello"}',
    b'{"text": ["a", "b"], "truncate": true}',
    b'{"text": [], "x": null}',
    b'{"text": "\\ud800"}',
    b'{"text": "' + b"a " * 300 + b'"}',
    b'[{"text": 1e999}]',
)
REQUESTS = (
    b"GET /ready HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /health HTTP/1.1\r\nhost: a\r\n\r\nGET /alive HTTP/1.0\r\n\r\n",
    b"GET /openapi.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    HEAD.encode() + b"content-length: 17\r\n\r\n" + BODIES[0],
    HEAD.encode() + b"transfer-encoding: chunked\r\n\r\n11\r\n" + BODIES[0] + b"\r\n0\r\n\r\n",
    HEAD.encode() + b"expect: 100-continue\r\ncontent-length: 17\r\n\r\n",
    b"POST /predict HTTP/1.1\r\nhost: a\r\nauthorization: Basic YTpi\r\ncontent-length: 2\r\n\r\n{}",
    b"GET http://[::1/ HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET / HTTP/2.0\r\nhost: a:1\r\n\r\n",
    HEAD.encode() + b"transfer-encoding: gzip, chunked\r\nexpect: 200-ok\r\n\r\n0\r\n\r\n",
    HEAD.encode() + b"transfer-encoding: chunked\r\n\r\n11;a=b\r\n" + BODIES[0] + b"\r\n0\r\nc: d\r\n\r\n",
    HEAD.encode() + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 17\r\n\r\n" + BODIES[0],
    f"GET /jobs?state=failed&limit=2&cursor=ab HTTP/1.1\r\n{KEYED}".encode(),
    f"DELETE /jobs/job-1 HTTP/1.1\r\n{KEYED}".encode(),
    f"GET /jobs/job-1?wait=1.5 HTTP/1.1\r\n{KEYED}".encode(),
    JOB_HEAD.encode() + b'idempotency-key: "a b"\r\ncontent-length: 45\r\n\r\n' + JOB_BODIES[0],
    b"CONNECT a:80 HTTP/1.1\r\n\r\nGET /alive HTTP/1.1\r\n\r\n",
)
# The first byte says what the rest is: a body in an otherwise right request, or all that a connection sends.
BODY, CONNECTION, JOB = b"\x00", b"\x01", b"\x02"


class Watch(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))


def parts_of(data: bytes) -> list[bytes]:
    """Split what a connection sends into the pieces in which it sends it."""
    kind, rest = data[:1], data[1:]
    if kind in (BODY, JOB):
        head = HEAD if kind == BODY else JOB_HEAD
        return [f"{head}content-length: {len(rest)}\r\n\r\n".encode() + rest]
    cut = rest[0] if rest else 0
    return [part for part in (rest[1 : 1 + cut], rest[1 + cut :]) if part]


def check(server: Server, watch: Watch, data: bytes) -> None:
    """Send the data. Raises AssertionError if an answer is not one that a request may get."""
    answers = server.answers(parts_of(data))
    assert not watch.found, watch.found
    assert not answers or STATUS.match(answers) or answers.startswith(b"HTTP/1.1 100 "), answers[:200]
    statuses = {int(status) for status in STATUS.findall(answers)} - {100}
    assert statuses <= MEANT, statuses
    if data[:1] in (BODY, JOB):
        assert len(statuses) == 1, answers[:200]


def seeds() -> list[bytes]:
    bodies = [BODY + body for body in BODIES] + [JOB + body for body in JOB_BODIES]
    return bodies + [CONNECTION + b"\xff" + request for request in REQUESTS]
