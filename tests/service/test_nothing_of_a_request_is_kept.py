"""Requests whose every part is marked: no mark reaches the log, the metrics, the traces or other pages.

Sampled payloads are part of that log: what the marks stand for is recognised there.
"""

import json
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.collector import collecting
from tests.service.metrics_pages import scraped
from tests.service.running_server import AUTHORIZED, KEY, RunningServer, running_server

# In a text, a key, an address and a card number.
MARK = "Zq7Mark"
CARDS = ("4111111111111111", "4111 1111 1111 1111", "5500-0000-0000-0004")
PERSONAL = (f"{MARK} Lane 12", f"{MARK}@example.com", f"sk-{MARK}-0123456789abcdef", *CARDS)
LEAST_PAYLOADS = 50  # all that wait are written in the end
FORBIDDEN = (MARK, MARK.lower(), KEY, *CARDS)


def requests(count: int, seed: int) -> Iterator[bytes]:
    """Yield requests, each with marks in a part that chance chooses."""
    chance = random.Random(seed)
    for _ in range(count):
        mark = chance.choice(PERSONAL)
        yield chance.choice(KINDS)(mark, chance)


def _request(
    body: bytes, path: str = "/predict", head: str = "", key: str = KEY, method: str = "POST"
) -> bytes:
    return (
        f"{method} {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\n{head}Content-Length: {len(body)}\r\n\r\n"
    ).encode("latin-1") + body


def _text(mark: str, chance: random.Random) -> bytes:
    texts = [mark, f"Write to {mark}. Thank you."] * chance.randint(1, 3)
    return _request(json.dumps({"text": texts, "truncate": chance.random() < 0.5}).encode())


def _wrong_body(mark: str, chance: random.Random) -> bytes:
    bodies = (
        f'{{"text": "{mark}',
        f'{{"{mark}": 1}}',
        f'{{"text": {{"{mark}": "{mark}"}}}}',
        f'{{"text": ["{mark}", 1, null, "\\ud800 {mark}"]}}',
        f'{{"text": "{mark * 4000}"}}',
        json.dumps({"text": [mark] * 1001}),
        mark,
        f"\x00{mark}\xff",
    )
    return _request(chance.choice(bodies).encode("latin-1"))


def _path(mark: str, chance: random.Random) -> bytes:
    safe = mark.replace(" ", chance.choice(("%20", "+")))
    path = chance.choice((f"/{safe}", f"/predict/{safe}", f"/predict?q={safe}", f"/health?{safe}"))
    return _request(b"{}", path, method=chance.choice(("POST", "GET", "PUT")))


def _head(mark: str, chance: random.Random) -> bytes:
    names = ("Cookie", "User-Agent", "Referer", "X-Forwarded-For", "traceparent", "tracestate", "baggage")
    names += ("X-Request-ID", "Forwarded", "From", "Content-Encoding", "Expect", "Transfer-Encoding")
    name = chance.choice(names)
    if name == "X-Request-ID":  # a sane one is logged, and the client's to choose: but none of these
        mark = chance.choice((f"{MARK}@example.com", *CARDS, KEY))
    return _request(json.dumps({"text": "hello"}).encode(), head=f"{name}: {mark}\r\n")


def _key(mark: str, chance: random.Random) -> bytes:
    return _request(json.dumps({"text": mark}).encode(), key=chance.choice((mark, KEY + mark, mark + KEY)))


def _malformed(mark: str, chance: random.Random) -> bytes:
    heads = (
        f"{mark} / HTTP/1.1\r\n\r\n",
        f"POST /{mark} HTTP/1.1\r\nHost: {mark}/\r\n\r\n",
        f"GET / HTTP/9.{mark}\r\n\r\n",
        f"GET /#{mark} HTTP/1.1\r\nHost: a\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nHost: {mark}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\n{mark}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n" + f"{MARK}: {mark}\r\n" * 200 + "\r\n",
        f"POST /predict HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {mark}\r\n"
        f"Transfer-Encoding: chunked\r\n\r\n{mark}\r\n",
    )
    return chance.choice(heads).encode()


KINDS = (_text, _wrong_body, _path, _head, _key, _malformed)


def _answer(server: RunningServer, sent: bytes, number: int) -> bytes:
    """Return the answer. Addresses take turns, because each has only so many ports."""
    source = (f"127.0.0.{number % 200 + 1}", 0)
    with socket.create_connection(("127.0.0.1", server.port), 20, source_address=source) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
        return answer


@pytest.mark.parametrize("count", [3000, pytest.param(100_000, marks=pytest.mark.long)])
def test_no_mark_of_a_request_is_logged_counted_or_kept(tmp_path: Path, count: int) -> None:
    with (
        collecting() as collector,
        running_server(
            tmp_path / "log",
            LOG_LEVEL="debug",
            LOG_CLIENT_ADDRESS="full",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            TRACE_SHARE="1",
            PAYLOAD_SHARE="1",
        ) as server,
    ):
        statuses: set[bytes] = set()
        for number, sent in enumerate(requests(count, seed=22)):
            statuses.add(_answer(server, sent, number)[9:12])
        assert statuses >= {b"200", b"400", b"401", b"404", b"405", b"415", b"422", b"431"}
        httpx.get(f"{server.url}/alive")
        end = time.monotonic() + 180
        while server.log_text.count('"message":"payload"') < LEAST_PAYLOADS:
            assert time.monotonic() < end
            time.sleep(0.1)
        pages = [httpx.get(f"{server.url}{path}").text for path in ("/health", "/openapi.json", "/")]
        pages.append(httpx.get(f"{server.url}/quality", headers=AUTHORIZED).text)
        spans = "".join(map(str, collector.wait_for(100)))
        kept = [spans, server.log_text, scraped(server.metrics_url).text, *pages]
        for forbidden in FORBIDDEN:
            assert not [text for text in kept if forbidden in text], forbidden
        answered = httpx.post(f"{server.url}/predict", json={"text": MARK}, headers=AUTHORIZED)
        assert answered.status_code == 200
        assert len(server.log) > count * 0.9  # each left a line
