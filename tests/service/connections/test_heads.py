"""Heads that the parser lets through, and RFC 9110 and RFC 9112 do not; each over a raw connection."""

import httpx
import pytest

from tests.service.connections.wire import ALIVE, all_answers, connected, statuses
from tests.service.running_server import KEY, RunningServer

AUTHORIZED = b"authorization: Bearer %b\r\ncontent-type: application/json\r\n" % KEY.encode()
BODY = b'{"text": "see you"}'
SIZED = b"content-length: %d\r\n" % len(BODY)
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


def get(version: bytes = b"HTTP/1.1", hosts: tuple[bytes, ...] = (b"a",), more: bytes = b"") -> bytes:
    lines = b"".join(b"host: %b\r\n" % host for host in hosts)
    return b"GET /alive %b\r\n%b%b\r\n" % (version, lines, more)


def predict(framing: bytes, body: bytes = BODY, version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST /predict %b\r\nhost: a\r\n%b%b\r\n%b" % (version, AUTHORIZED, framing, body)


CHUNKED = b"transfer-encoding: %b\r\n"
REFUSED: dict[str, tuple[bytes, int]] = {
    "no host": (get(hosts=()), 400),
    "two hosts": (get(hosts=(b"a", b"b")), 400),
    "the same host twice": (get(hosts=(b"a", b"a")), 400),
    "a host with a space": (get(hosts=(b"a b",)), 400),
    "a host with a path": (get(hosts=(b"a/b",)), 400),
    "a host with a user": (get(hosts=(b"user@a",)), 400),
    "a host and another": (get(hosts=(b"a, b",)), 400),
    "a port that is none": (get(hosts=(b"a:b",)), 400),
    "two ports": (get(hosts=(b"a:1:2",)), 400),
    "an open bracket": (get(hosts=(b"[::1",)), 400),
    "a host that is not ASCII": (get(hosts=(b"\xc3\xa4",)), 400),
    "a broken escape in a host": (get(hosts=(b"a%2",)), 400),
    "two hosts in HTTP/1.0": (get(b"HTTP/1.0", (b"a", b"b")), 400),
    "HTTP/0.9": (get(b"HTTP/0.9"), 505),
    "HTTP/0.9 without a version": (b"GET /alive\r\n\r\n", 505),
    "HTTP/1.2": (get(b"HTTP/1.2"), 505),
    "HTTP/2.0": (get(b"HTTP/2.0"), 505),
    "HTTP/3.0": (get(b"HTTP/3.0"), 505),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/1.11": (get(b"HTTP/1.11"), 400),
    "http/1.1": (get(b"http/1.1"), 400),
    "a fragment": (b"GET /alive#a HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "a target with a space": (b"GET /al ive HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "a target that is not ASCII": (b"GET /\xc3\xa4 HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "a target without a host": (b"GET http:///alive HTTP/1.1\r\nhost: a\r\n\r\n", 400),
    "gzip": (predict(CHUNKED % b"gzip", CHUNKS), 501),
    "gzip, chunked": (predict(CHUNKED % b"gzip, chunked", CHUNKS), 501),
    "gzip and chunked": (predict(CHUNKED % b"gzip" + CHUNKED % b"chunked", CHUNKS), 501),
    "identity": (predict(CHUNKED % b"identity", CHUNKS), 501),
    "chunked with a parameter": (predict(CHUNKED % b"chunked;a=b", CHUNKS), 501),
    "xchunked": (predict(CHUNKED % b"xchunked", CHUNKS), 501),
    "chunked, gzip": (predict(CHUNKED % b"chunked, gzip", CHUNKS), 400),
    "chunked twice": (predict(CHUNKED % b"chunked, chunked", CHUNKS), 400),
    "an empty transfer coding": (predict(CHUNKED % b"", CHUNKS), 400),
    "chunked in HTTP/1.0": (predict(CHUNKED % b"chunked", CHUNKS, b"HTTP/1.0"), 400),
    "a length and chunked": (predict(SIZED + CHUNKED % b"chunked", CHUNKS), 400),
    "chunked and a length": (predict(CHUNKED % b"chunked" + SIZED, CHUNKS), 400),
    "two lengths": (predict(SIZED + SIZED), 400),
    "a list of lengths": (predict(b"content-length: 19, 19\r\n"), 400),
    "a length with a sign": (predict(b"content-length: +19\r\n"), 400),
    "a negative length": (predict(b"content-length: -19\r\n"), 400),
    "a length in hexadecimal": (predict(b"content-length: 0x13\r\n"), 400),
    "a length beyond 64 bits": (predict(b"content-length: 18446744073709551635\r\n"), 400),
    "an empty length": (predict(b"content-length:\r\n"), 400),
    "a space before the colon": (get(more=b"a : b\r\n"), 400),
    "a folded header": (get(more=b"a: b\r\n c\r\n"), 400),
    "a header without a name": (get(more=b": b\r\n"), 400),
    "a header without a colon": (get(more=b"a\r\n"), 400),
    "a NUL in a header": (get(more=b"a: b\0c\r\n"), 400),
    "a bare CR in a header": (get(more=b"a: b\rc\r\n"), 400),
    "a bare LF behind a header": (get(more=b"a: b\n"), 400),
    "another expectation": (predict(SIZED + b"expect: 200-ok\r\n"), 417),
    "a body in gzip": (predict(SIZED + b"content-encoding: gzip\r\nconnection: close\r\n"), 415),
    "a body in two codings": (predict(SIZED + b"content-encoding: br, gzip\r\nconnection: close\r\n"), 415),
    "a chunk's size in no hexadecimal": (predict(CHUNKED % b"chunked", b"g\r\n"), 400),
    "a chunk's size with a sign": (predict(CHUNKED % b"chunked", b"+3\r\nabc\r\n"), 400),
    "a chunk longer than its size": (predict(CHUNKED % b"chunked", b"3\r\nabcd\r\n"), 400),
    "129 headers": (get(more=b"".join(b"a%d: b\r\n" % number for number in range(128))), 431),
    "13,000 headers of five bytes": (get(more=b"a:b\r\n" * 13_000), 431),
    "a header of 64 KiB": (get(more=b"a: %b\r\n" % (b"b" * 80_000)), 431),
}
ALLOWED: dict[str, bytes] = {
    "a host with a port": get(hosts=(b"a:8080",)),
    "an empty port": get(hosts=(b"a:",)),
    "an empty host": get(hosts=(b"",)),
    "IPv6": get(hosts=(b"[::1]:8080",)),
    "IPv4": get(hosts=(b"127.0.0.1",)),
    "an underscore": get(hosts=(b"my_service.default",)),
    "no host in HTTP/1.0": get(b"HTTP/1.0", ()),
    "an absolute target": b"GET http://b/alive HTTP/1.1\r\nhost: a\r\n\r\n",
    "CHUNKED": predict(CHUNKED % b"CHUNKED", CHUNKS),
    "identity as the content's coding": predict(SIZED + b"content-encoding: identity\r\n"),
    "128 headers": get(more=b"".join(b"a%d: b\r\n" % number for number in range(127))),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_faulty_head_gets_its_status_once_and_the_connection_ends(server: RunningServer, kind: str) -> None:
    request, status = REFUSED[kind]
    with connected(server.port) as connection:
        connection.sendall(request)
        answers = all_answers(connection)
    assert statuses(answers) == [status], answers[:300]
    assert b"\r\nconnection: close\r\n" in answers
    assert b"urn:slipway:problem:" in answers


@pytest.mark.parametrize("kind", REFUSED)
def test_behind_another_request_it_gets_its_status_in_its_turn(server: RunningServer, kind: str) -> None:
    request, status = REFUSED[kind]
    with connected(server.port) as connection:
        connection.sendall(ALIVE + predict(SIZED) + request)
        assert statuses(all_answers(connection)) == [200, 200, status]


@pytest.mark.parametrize("kind", ALLOWED)
def test_what_is_unusual_and_allowed_is_answered(server: RunningServer, kind: str) -> None:
    with connected(server.port) as connection:
        connection.sendall(ALLOWED[kind] + get(more=b"connection: close\r\n"))
        answers = statuses(all_answers(connection))
    assert answers == ([200] if b"HTTP/1.0" in ALLOWED[kind] else [200, 200])


def test_a_refusal_leaves_one_line_with_its_cause_and_nothing_of_what_was_sent(server: RunningServer) -> None:
    answered = httpx.post(
        f"{server.url}/predict", json={"text": "see you"}, headers={"Authorization": f"Bearer {KEY}"}
    )
    last = answered.headers["x-request-id"]
    server.wait_for(lambda: [line for line in server.log if line.get("request_id") == last], 1)
    before = len(server.log)  # with the lines of all tests before
    with connected(server.port) as connection:
        connection.sendall(get(b"HTTP/1.2", more=b"secret: sesame\r\n"))
        all_answers(connection)
    with connected(server.port) as connection:
        connection.sendall(b"sesame open\r\n\r\n")
        all_answers(connection)

    def refused(cause: str) -> list[dict[str, object]]:
        return [line for line in server.log[before:] if line.get("cause") == cause]

    [unsupported] = server.wait_for(lambda: refused("http-version-unsupported"), 1)
    [malformed] = server.wait_for(lambda: refused("malformed-http"), 1)
    assert (unsupported["status"], malformed["status"]) == (505, 400)
    assert unsupported["message"] == malformed["message"] == "Refused a request"
    assert "sesame" not in server.log_text
