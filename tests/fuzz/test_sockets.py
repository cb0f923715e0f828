"""Mutated requests over real sockets, from several clients, at the memory that `slipway fit` recommends."""

import json
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from slipway.components.local.record import LOG
from tests.fuzz.verdict import HEAD, MEANT, REQUESTS, STATUS
from tests.fuzz.verdict import KEY as FUZZER
from tests.service.attacks.limited_server import LimitedServer, limited_server
from tests.service.running_server import HAM, KEY

SECONDS = 60
CLIENTS = 4
# What parsers of HTTP have stumbled over: line ends, sizes, signs, separators, repeated fields.
TOKENS = (
    b"\r\n|\n|\r|\0| |\t|:|;|,|%|\xff|\r\n\r\n|0\r\n\r\n|ffffffffffffffff\r\n|HTTP/1.0|HTTP/9.9|host: a\r\n|"
    b"content-length: 17\r\n|content-length: -1\r\n|transfer-encoding: chunked\r\n|expect: 100-continue\r\n|"
    b"connection: close\r\n"
).split(b"|")


def requests() -> list[bytes]:
    return [request.replace(FUZZER.encode(), KEY.encode()) for request in REQUESTS]


def mutated(request: bytes, choice: random.Random) -> bytes:
    """Change a request in up to four places."""
    for _ in range(choice.randint(1, 4)):
        at, end = sorted(choice.choices(range(len(request) + 1), k=2))
        request = choice.choice(
            (
                request[:at] + choice.choice(TOKENS) + request[at:],
                request[:at] + request[end:],
                request[:end] + request[at:],
                request[:at] + bytes([choice.randrange(256)]) + request[at + 1 :],
            )
        )
    return request


def pieces(message: bytes, choice: random.Random) -> Iterator[bytes]:
    cuts = sorted(choice.choices(range(len(message) + 1), k=choice.randint(0, 3)))
    for start, end in zip((0, *cuts), (*cuts, len(message)), strict=True):
        yield message[start:end]


def exchanged(port: int, message: bytes, choice: random.Random) -> bytes:
    """Send a message in pieces, end the client's side, and return what comes until the server closes."""
    answers = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            for piece in pieces(message, choice):
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(1 << 16):
                answers += part
        except TimeoutError:
            raise
        except OSError:  # a reset, at whatever call: what came before it stands
            return answers
    return answers


class Client(threading.Thread):
    """Sends until the time is over, and keeps each message whose answers no request may get."""

    def __init__(self, port: int, seed: int, end: float) -> None:
        super().__init__()
        self._port, self._end = port, end
        self._choice = random.Random(seed)
        self.sent = 0
        self.wrong: list[tuple[bytes, bytes]] = []

    def run(self) -> None:
        while time.monotonic() < self._end and not self.wrong:
            several = self._choice.choices(requests(), k=self._choice.randint(1, 3))
            message = mutated(b"".join(several), self._choice)
            try:
                answers = exchanged(self._port, message, self._choice)
            except TimeoutError:
                answers = b"nothing, and no end"
            self.sent += 1
            if not _may_be(answers):
                self.wrong.append((message, answers[:300]))


def _may_be(answers: bytes) -> bool:
    statuses = {int(status) for status in STATUS.findall(answers)} - {100}
    return not answers or (answers.startswith(b"HTTP/1.1 ") and statuses <= MEANT)


def _errors(server: LimitedServer) -> list[str]:
    lines = (server.folder / LOG).read_text().splitlines()
    return [line for line in lines if json.loads(line)["level"] in ("error", "critical")]


def test_a_mutation_changes_a_request_and_keeps_it_short() -> None:
    choice = random.Random(1)
    request = HEAD.encode()
    made = [mutated(request, choice) for _ in range(200)]
    assert sum(each != request for each in made) > 150
    assert max(map(len, made)) < 20 * len(request)
    assert b"".join(pieces(request, choice)) == request


@pytest.mark.parametrize("answers", [b"nonsense", b"HTTP/1.1 500 Internal Server Error\r\n\r\n"])
def test_an_answer_that_no_request_may_get_over_a_socket_is_found(answers: bytes) -> None:
    assert not _may_be(answers)


@pytest.mark.long
def test_no_bytes_over_sockets_break_the_server() -> None:
    with limited_server("bundled:sms-spam", {"text": HAM}) as server:
        end = time.monotonic() + SECONDS
        clients = [Client(server.port, seed, end) for seed in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert [wrong for client in clients for wrong in client.wrong] == []
        assert sum(client.sent for client in clients) > 500
        assert _errors(server) == []
        server.assert_well()
