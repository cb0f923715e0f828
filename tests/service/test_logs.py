"""The lines of requests may wait a moment; every other line is handed over at once, after those before it."""

import asyncio
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from slipway.service.log_writer import MAX_WAITING_BYTES
from slipway.service.logs import JsonFormatter, LineHandler, fields, log, log_line, log_requests
from tests.checkout import ROOT
from tests.service.metrics_pages import scraped
from tests.service.running_server import AUTHORIZED, HAM, environment

DROPPED = "slipway_dropped_log_lines_total"


class Reader:
    """The reading end of the log."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._text = b""

    def lines(self, count: int) -> list[dict[str, Any]]:
        """Wait for the next `count` lines."""
        while self._text.count(b"\n") < count:
            assert select.select([self.descriptor], [], [], 20)[0], self._text
            self._text += os.read(self.descriptor, 1 << 16)
        *lines, self._text = self._text.split(b"\n", count)
        return [json.loads(line) for line in lines]

    def messages(self, count: int) -> list[str]:
        return [line["message"] for line in self.lines(count)]

    @property
    def is_quiet(self) -> bool:
        return not self._text and not select.select([self.descriptor], [], [], 0.01)[0]


@pytest.fixture
def log_reader() -> Generator[Reader]:
    reading, writing = os.pipe()
    handler = LineHandler(writing, JsonFormatter())
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield Reader(reading)
    log.removeHandler(handler)
    log.setLevel(level)
    os.close(reading)  # or the end would wait for it
    handler.close()
    os.close(writing)


def test_request_lines_are_written_together_a_moment_later(log_reader: Reader) -> None:
    async def say() -> None:
        for number in range(3):
            log_line(logging.INFO, f"request {number}")
        assert log_reader.is_quiet
        await asyncio.sleep(0.1)

    asyncio.run(say())
    assert log_reader.messages(3) == ["request 0", "request 1", "request 2"]


def test_a_line_has_a_kind_by_which_it_is_kept(log_reader: Reader) -> None:
    log.info("draining")
    log_requests([(logging.INFO, 1_800_000_000.0, {"status": 200})])
    try:
        raise ValueError
    except ValueError:
        log.exception("Unexpected error")
    log.info("a sample", extra=fields(kind="payload"))
    kinds = [line["kind"] for line in log_reader.lines(4)]
    assert kinds == ["event", "access", "exception", "payload"]


def test_another_line_is_written_at_once_and_in_order(log_reader: Reader) -> None:
    async def say() -> None:
        log_line(logging.INFO, "request")
        log.info("draining")
        assert log_reader.messages(2) == ["request", "draining"]

    asyncio.run(say())


def test_many_request_lines_do_not_wait_for_the_moment_to_pass(log_reader: Reader) -> None:
    async def say() -> None:
        for _ in range(64):
            log_line(logging.INFO, "request")
        assert len(log_reader.messages(64)) == 64

    asyncio.run(say())


def test_without_an_event_loop_a_line_is_written_at_once(log_reader: Reader) -> None:
    log_line(logging.INFO, "request")
    assert log_reader.messages(1) == ["request"]


def test_a_line_is_ascii_whatever_is_said(log_reader: Reader) -> None:
    log_line(logging.INFO, "request", path="/ü\u2028\ud800")
    [line] = log_reader.lines(1)
    assert line["path"] == r"/ü\u2028\ud800"


def test_a_reader_that_stalls_costs_lines_and_no_time(log_reader: Reader) -> None:
    long = "x" * 1000
    said = 2 * MAX_WAITING_BYTES // 1000
    for number in range(said):
        log.info("%d %s", number, long)
    read, offers = log_reader.messages(1), 0
    dropped = 0
    while not read[-1].startswith("once there is room"):
        if log_reader.is_quiet:
            log.info("once there is room, offer %d", offers)
            offers += 1
        [line] = log_reader.lines(1)
        if "dropped" in line:
            assert line["level"] == "warning"
            dropped += line["dropped"]
        else:
            read.append(line["message"])
    numbers = [int(message.split()[0]) for message in read[:-1]]
    assert numbers == sorted(set(numbers))
    dropped_offers = int(read[-1].split()[-1])
    assert 0 < dropped == said - len(numbers) + dropped_offers


@pytest.mark.parametrize("has_left", [False, True])
def test_a_server_whose_log_nobody_reads_answers_and_stops(has_left: bool) -> None:
    """The pipe takes 64 KiB, and then a write waits, or fails where its reader has left."""
    with subprocess.Popen(
        [sys.executable, "-m", "service"], cwd=ROOT, env=environment(), stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        said = ""
        while not said.startswith("Listening on "):
            said = json.loads(server.stdout.readline())["message"]
        if has_left:
            server.stdout.close()
        url = said.removeprefix("Listening on ")
        with httpx.Client(timeout=20) as client:
            for _ in range(400):  # lines of about 1 KB: what is written and what may wait are both full
                assert client.get(f"{url}/{'x' * 1000}").status_code == 404
            assert client.get(f"{url}/alive").status_code == 200
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
def test_a_server_whose_log_disk_is_full_answers_counts_the_lines_and_stops() -> None:
    ports: list[int] = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as probe:
            ports.append(probe.getsockname()[1])
    settings = environment(PORT=str(ports[0]), METRICS_PORT=str(ports[1]))
    url = f"http://127.0.0.1:{ports[0]}"
    with (
        open("/dev/full", "wb") as full,
        subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=settings, stdout=full) as server,
        httpx.Client(timeout=20) as client,
    ):
        wait_until_ready(client, url, server)
        for _ in range(20):
            assert client.post(f"{url}/predict", json={"text": HAM}, headers=AUTHORIZED).status_code == 200
        end = time.monotonic() + 60
        while scraped(f"http://127.0.0.1:{ports[1]}/metrics").value(DROPPED) < 20:
            assert time.monotonic() < end
            time.sleep(0.05)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) == 0


def wait_until_ready(client: httpx.Client, url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            if client.get(f"{url}/ready").status_code == 200:
                return
        except httpx.ConnectError:
            assert server.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)
