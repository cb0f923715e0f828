"""`python -m bench.attackers PORT KEY PATH SECONDS`: clients that mean a server on this machine no good.

One thread for each kind of attack, again and again until the time is over. What the server answers, and
whether it closes a connection, is up to it.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence

from bench.workload import post

HOST = "127.0.0.1"
GET = b"GET /alive HTTP/1.1\r\nhost: a\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
KILOBYTES_60, MEGABYTES_2 = 60_000, 2_000_000
HOLD_SECONDS = 0.5

Attack = Callable[[], None]


class Target:
    """The server under attack. path: of the model's route. key: one that it accepts."""

    def __init__(self, port: int, key: str, path: str) -> None:
        self.port, self.key, self.path = port, key, path

    def attacks(self) -> list[Attack]:
        """Return every kind: what is held open, what is large, what is slow to answer, what is no request."""
        return [
            lambda: self.held(GET + b"a: " + b"b" * KILOBYTES_60, 100),
            lambda: self.held(GET + b"a:b\r\n" * (KILOBYTES_60 // 5), 50),
            lambda: self.held(self.head(CHUNKED) + b"%x\r\n" % (MEGABYTES_2 + 1) + b" " * MEGABYTES_2, 30),
            lambda: self.held(b"", 200),
            lambda: self.held(self.slow() + (GET + b"\r\n") * 8_000, 4),
            lambda: self.held(self.call(["log in"] * 1000) * 4, 8),
            lambda: self.answered(self.call(["a" + " " * 19_998 + "\U0001f600"] * 75)),
            lambda: self.answered(self.call(["\ufdfa" * 20_000])),
            lambda: self.answered(self.raw(b'{"text":[' + b"{}," * 600_000 + b"{}]}")),
            lambda: self.answered(self.raw(b'{"text": ' + b"[" * 1_000_000)),
            lambda: self.answered(self.call(["\\u0061" * 300_000])),
            lambda: self.answered(
                self.head(b"content-length: %d\r\n" % MEGABYTES_2, b"no") + b" " * MEGABYTES_2
            ),
            lambda: self.answered(GET + CHUNKED + b"\r\n0\r\n" + b"a:b\r\n" * 200_000),
            lambda: self.answered(os.urandom(KILOBYTES_60)),
        ]

    def head(self, headers: bytes, key: bytes | None = None) -> bytes:
        authorization = b"authorization: Bearer %b\r\n" % (self.key.encode() if key is None else key)
        first = b"POST %b HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n" % self.path.encode()
        return first + authorization + headers + b"\r\n"

    def raw(self, body: bytes) -> bytes:
        return self.head(b"content-length: %d\r\n" % len(body)) + body

    def call(self, texts: Sequence[object]) -> bytes:
        return self.raw(json.dumps({"text": texts}, separators=(",", ":")).encode())

    def slow(self) -> bytes:
        return post(self.path, {"text": ["word " * 380] * 8}, self.key)

    def held(self, begun: bytes, count: int) -> None:
        """Send the same on many connections, read nothing, and hold them open for a moment."""
        with contextlib.ExitStack() as stack:
            for _ in range(count):
                with contextlib.suppress(OSError):
                    connection = stack.enter_context(self._connected())
                    connection.sendall(begun)
            time.sleep(HOLD_SECONDS)

    def answered(self, request: bytes) -> None:
        """Send it and wait for the first part of an answer."""
        with contextlib.suppress(OSError), self._connected() as connection:
            connection.sendall(request)
            connection.recv(1 << 16)

    def _connected(self) -> socket.socket:
        connection = socket.create_connection((HOST, self.port), timeout=10)
        connection.settimeout(2)
        return connection


def main() -> None:
    port, key, path, seconds = sys.argv[1:]
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    end = time.monotonic() + float(seconds)

    def repeat(attack: Attack) -> None:
        while time.monotonic() < end:
            attack()

    for attack in Target(int(port), key, path).attacks():
        threading.Thread(target=repeat, args=(attack,)).start()


if __name__ == "__main__":
    main()
