"""What stands around a chunked body - sizes, extensions, trailers - is bounded, and never a header."""

import json

import pytest

from tests.fuzz.connection import KEY as FUZZED_KEY
from tests.fuzz.connection import Server
from tests.service.connections.wire import (
    ALIVE,
    CHUNKED,
    PIECE,
    PREDICT,
    all_answers,
    answer_to,
    connected,
    sent_until_closed,
    statuses,
)
from tests.service.running_server import AUTHORIZED, HAM, KEY, RunningServer

MIB = 1 << 20
BODY = json.dumps({"text": HAM}).encode()
# What the kernel's buffers may take in before the sender sees that the server has closed.
MOST_SENT = 32 * MIB
ALIVE_CHUNKED = b"GET /alive HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


def chunked(body: bytes, size: int, extension: bytes = b"") -> bytes:
    """Without the last chunk."""
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part in parts)


ENDLESS = {
    "trailers": (b"0\r\n", b"a:b\r\n" * (PIECE // 5)),
    "a trailer's name": (b"0\r\n", b"a" * PIECE),
    "a trailer's value": (b"0\r\na:", b"b" * PIECE),
    "a chunk's extension": (b"1;", b"a" * PIECE),
    "an extension's quoted value": (b'1;a="', b"a" * PIECE),
    "a chunk's size": (b"", b"0" * PIECE),
    "extensions of small chunks": (b"", chunked(b"a", 1, b";" + b"e" * (PIECE // 2))),
}


@pytest.mark.parametrize("endless", ENDLESS)
@pytest.mark.parametrize("head", [ALIVE_CHUNKED, CHUNKED], ids=["answered already", "waited for"])
def test_an_endless_part_around_a_chunked_body_closes_the_connection(
    server: RunningServer, head: bytes, endless: str
):
    begun, repeated = ENDLESS[endless]
    with connected(server.port) as connection:
        assert sent_until_closed(connection, head + begun, repeated, MOST_SENT) < MOST_SENT
    with connected(server.port) as connection:
        assert answer_to(connection, PREDICT)[0] == 200


def test_a_request_whose_trailers_are_too_large_is_told_so_and_one_answered_already_gets_no_second_answer():
    server = Server()
    try:
        too_long = b"0\r\n" + b"a:b\r\n" * (PIECE // 4)
        waited_for = server.answers(
            [CHUNKED.replace(KEY.encode(), FUZZED_KEY.encode()), chunked(BODY, 50) + too_long]
        )
        answered = server.answers([ALIVE_CHUNKED, too_long])
    finally:
        server.stop()
    assert statuses(waited_for) == [431]
    assert b"application/problem+json" in waited_for
    assert statuses(answered) == [200]


def test_a_key_that_stands_in_a_trailer_authorises_nothing(server: RunningServer):
    head = b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    head += b"transfer-encoding: chunked\r\n\r\n"
    trailer = b"0\r\nAuthorization: %b\r\n\r\n" % AUTHORIZED["Authorization"].encode()
    with connected(server.port) as connection:
        status, body = answer_to(connection, head + chunked(BODY, 50) + trailer)
    assert status == 401
    assert json.loads(body)["type"] == "urn:slipway:problem:key-missing"


@pytest.mark.parametrize(
    "trailer",
    [
        b"x-request-id: from-a-trailer\r\n",
        b"expect: 100-continue\r\n",
        b"content-encoding: gzip\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\n",
    ],
)
def test_no_trailer_changes_the_answer(server: RunningServer, trailer: bytes):
    with connected(server.port) as connection:
        connection.sendall(CHUNKED + chunked(BODY, 50) + b"0\r\n" + trailer + b"\r\n")
        connection.sendall(b"GET /alive HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        answers = all_answers(connection)
    assert statuses(answers) == [200, 200]
    assert b"from-a-trailer" not in answers


def test_a_body_in_chunks_of_one_byte_with_trailers_is_read_and_the_connection_goes_on(server: RunningServer):
    body = json.dumps({"text": [HAM] * 500}).encode()
    with connected(server.port) as connection:
        small = CHUNKED + chunked(body, 1, b";a=b") + b"0\r\nchecksum: 1\r\nother: 2\r\n\r\n"
        status, answer = answer_to(connection, small)
        assert status == 200
        assert len(json.loads(answer)["predictions"]) == 500
        assert answer_to(connection, ALIVE)[0] == 200
        assert answer_to(connection, PREDICT)[0] == 200


@pytest.mark.parametrize("header", [b"a: " + b"b" * 70_000 + b"\r\n", b"a:b\r\n" * 14_000])
def test_a_head_over_the_limit_is_refused_even_where_it_comes_whole(header: bytes):
    server = Server()
    try:
        answers = server.answers([b"GET /alive HTTP/1.1\r\n" + header + b"\r\n"])
    finally:
        server.stop()
    assert statuses(answers) == [431]
