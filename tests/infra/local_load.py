"""Load on a local service: clients with kept-alive connections at a steady rate, for tests and numbers."""

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Load:
    """Sends requests from several connections until it is stopped or has sent `most`.

    rate: requests a second of all connections together. failures: what went wrong, in words; a client that is
    told to open a new connection does so, as every HTTP client. latencies: (end, seconds) of each answer.
    """

    url: str
    key: str
    rate: float
    connections: int = 8
    most: int = 1_000_000
    body: bytes = b'{"text": "free prize"}'
    failures: list[str] = field(default_factory=list[str])
    latencies: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    answers: dict[str, int] = field(default_factory=dict[str, int])
    sent: int = 0

    def __enter__(self) -> "Load":
        self._is_over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self._is_over = True
        self._thread.join()

    def wait(self) -> None:
        """Wait until `most` requests are answered."""
        self._thread.join()

    async def _run(self) -> None:
        self._begun = time.perf_counter()
        await asyncio.gather(*(self._client() for _ in range(self.connections)))

    async def _client(self) -> None:
        host, port = self.url.removeprefix("http://").split(":")
        head = (
            f"POST /predict HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        request = head.encode() + self.body
        reader = writer = None
        while not self._is_over and self.sent < self.most:
            turn, self.sent = self.sent, self.sent + 1
            await asyncio.sleep(max(0.0, self._begun + turn / self.rate - time.perf_counter()))
            begun = time.perf_counter()
            try:
                if reader is None or writer is None:
                    reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(request)
                closes = await asyncio.wait_for(self._answer(reader), 30)
            except Exception as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                closes = True
            self.latencies.append((time.time(), time.perf_counter() - begun))
            if closes and writer is not None:
                writer.close()
                reader = writer = None
        if writer is not None:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        lengths = [line for line in head.split("\r\n") if line.startswith("content-length:")]
        body = await reader.readexactly(int(lengths[0].split(":")[1]))
        status = head.split(" ", 2)[1]
        if status != "200":
            self.failures.append(f"status {status}: {body[:200]!r}")
        else:
            version = str(json.loads(body).get("model_version", ""))
            self.answers[version] = self.answers.get(version, 0) + 1
        return "connection: close" in head

    def p99_ms(self, since: float = 0, until: float = float("inf")) -> float:
        found = sorted(seconds for at, seconds in self.latencies if since <= at <= until)
        return found[int(len(found) * 0.99)] * 1000 if found else 0
