"""The lines of requests may wait a moment; every other line is written at once, after those before it."""

import asyncio
import io
import json
import logging
from collections.abc import Generator

import pytest

from slipway.service.logs import JsonFormatter, LineHandler, log, log_line


@pytest.fixture
def written() -> Generator[io.StringIO]:
    stream = io.StringIO()
    handler = LineHandler(stream)
    handler.setFormatter(JsonFormatter())
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield stream
    log.removeHandler(handler)
    log.setLevel(level)


def messages(stream: io.StringIO) -> list[str]:
    return [json.loads(line)["message"] for line in stream.getvalue().splitlines()]


def test_request_lines_are_written_together_a_moment_later(written: io.StringIO):
    async def say() -> None:
        for number in range(3):
            log_line(logging.INFO, f"request {number}")
        assert messages(written) == []
        async with asyncio.timeout(20):
            while not messages(written):
                await asyncio.sleep(0.001)

    asyncio.run(say())
    assert messages(written) == ["request 0", "request 1", "request 2"]


def test_another_line_is_written_at_once_and_in_order(written: io.StringIO):
    async def say() -> None:
        log_line(logging.INFO, "request")
        log.info("draining")
        assert messages(written) == ["request", "draining"]

    asyncio.run(say())


def test_many_request_lines_do_not_wait_for_the_moment_to_pass(written: io.StringIO):
    async def say() -> None:
        for _ in range(64):
            log_line(logging.INFO, "request")
        assert len(messages(written)) == 64

    asyncio.run(say())


def test_without_an_event_loop_a_line_is_written_at_once(written: io.StringIO):
    log_line(logging.INFO, "request")
    assert messages(written) == ["request"]


def test_a_line_is_ascii_whatever_is_said(written: io.StringIO):
    log_line(logging.INFO, "request", path="/ü\u2028\ud800")
    assert written.getvalue().isascii()
    assert json.loads(written.getvalue())["path"] == "/ü\u2028\ud800"
