"""One real connection to a running server, spoken to in bytes."""

import re
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from bench.workload import post
from tests.service.running_server import HAM, KEY

ALIVE = b"GET /alive HTTP/1.1\r\nhost: a\r\n\r\n"
PREDICT = post("/predict", {"text": HAM}, KEY)
CHUNKED = f"POST /predict HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\n".encode() + (
    b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
)
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PIECE = 1 << 16


@contextmanager
def connected(port: int) -> Generator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield connection


def statuses(answers: bytes) -> list[int]:
    return [int(status) for status in STATUS.findall(answers)]


def answer_to(connection: socket.socket, *parts: bytes) -> tuple[int, bytes]:
    """Status and body of the one answer to what these parts make together. Raises ConnectionError."""
    for part in parts:
        connection.sendall(part)
    answer = b""
    while True:
        head, separator, body = answer.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if separator and len(body) >= int(length):
            assert len(body) == int(length), answer
            return int(head[9:12]), body
        part = connection.recv(PIECE)
        if not part:
            raise ConnectionError(f"closed; so far {answer[:200]!r}")
        answer += part


def all_answers(connection: socket.socket) -> bytes:
    """Until the server closes; what came before a reset is lost with it, as for any client."""
    answers = b""
    try:
        while part := connection.recv(PIECE):
            answers += part
    except ConnectionError:
        return answers
    return answers


def sent_until_closed(connection: socket.socket, head: bytes, repeated: bytes, most_bytes: int) -> int:
    """Send the head, then the rest repeatedly until the server closes; return the number of bytes sent."""
    sent = 0
    try:
        connection.sendall(head)
        while sent < most_bytes:
            connection.sendall(repeated)
            sent += len(repeated)
    except ConnectionError:
        return sent
    return sent


def splits(message: bytes) -> Sequence[list[bytes]]:
    """Every way to send it in two parts, and a byte at a time."""
    return [
        *([message[:at], message[at:]] for at in range(1, len(message))),
        [bytes([byte]) for byte in message],
    ]
