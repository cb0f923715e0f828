"""Requests are recorded together, a moment after their answers, and before anybody reads."""

import asyncio
import logging
import threading
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from slipway.service.api import ended as module
from slipway.service.api.ended import HELD_REQUESTS, NO_PHASES, EndedRequest, EndedRequests
from slipway.service.clients import Clients
from slipway.service.metrics import Instruments
from slipway.service.quality import Quality


def request(number: int = 0, status: int = 200) -> EndedRequest:
    return EndedRequest(
        method="POST",
        route="/predict",
        status=status,
        cause="",
        cut="",
        started=1.0,
        ended=1.5,
        at=1_800_000_000.25,
        request_id=f"id-{number}",
        texts=1,
        request_bytes=30,
        response_bytes=80,
        client=None,
        caller=None,
        timing=None,
        phases=NO_PHASES,
    )


@dataclass
class Recording:
    """Requests under test, and the lines that they made so far."""

    requests: EndedRequests
    instruments: Instruments
    lines: list[tuple[int, float, Any]] = field(default_factory=list[tuple[int, float, Any]])

    @property
    def counted(self) -> int:
        return sum(int(counts[float("inf")]) for _, _, counts in self.instruments.counted())


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Recording:
    caplog.set_level(logging.INFO, "service")
    instruments = Instruments()
    made = Recording(EndedRequests(instruments, cast("Quality", None), Clients((), "none")), instruments)
    monkeypatch.setattr(module, "log_requests", made.lines.extend)
    return made


def test_a_request_is_recorded_a_moment_later_without_another_one(recording: Recording) -> None:
    async def serve() -> None:
        recording.requests.add(request())
        assert (recording.counted, recording.lines) == (0, [])
        async with asyncio.timeout(30):
            while not recording.lines:
                await asyncio.sleep(0.01)

    asyncio.run(serve())
    [(level, at, values)] = recording.lines
    assert (level, at) == (logging.INFO, 1_800_000_000.25)
    assert (values["request_id"], values["latency_ms"]) == ("id-0", 500.0)
    assert recording.counted == 1


def test_many_are_recorded_at_once_in_their_order(recording: Recording) -> None:
    async def serve() -> None:
        for number in range(HELD_REQUESTS):
            recording.requests.add(request(number))
        assert [values["request_id"] for _, _, values in recording.lines] == [
            f"id-{number}" for number in range(HELD_REQUESTS)
        ]

    asyncio.run(serve())
    assert recording.counted == HELD_REQUESTS


def test_a_reader_on_another_thread_sees_what_has_just_ended(recording: Recording) -> None:
    async def serve() -> None:
        recording.requests.add(request())
        await asyncio.to_thread(recording.requests.settle)
        assert recording.counted == 1

    asyncio.run(serve())
    recording.requests.settle()  # of an event loop that has ended, with nothing to record


def test_a_reader_does_not_wait_long_for_a_full_event_loop(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.01)

    async def serve() -> None:
        recording.requests.add(request())
        reader = threading.Thread(target=recording.requests.settle)
        reader.start()
        reader.join(30)  # holds the event loop
        assert not reader.is_alive()
        assert recording.counted == 0

    asyncio.run(serve())


def test_one_that_cannot_be_recorded_costs_no_other(
    recording: Recording, caplog: pytest.LogCaptureFixture
) -> None:
    count = recording.instruments.request_ended

    def broken(method: str, route: str, status: int, cause: str, seconds: float) -> None:
        if status == 500:
            raise RuntimeError("broken")
        count(method, route, status, cause, seconds)

    recording.instruments.request_ended = broken

    async def serve() -> None:
        recording.requests.add(request(0))
        recording.requests.add(request(1, status=500))
        recording.requests.add(request(2))
        recording.requests.record()

    asyncio.run(serve())
    assert [values["request_id"] for _, _, values in recording.lines] == ["id-0", "id-2"]
    assert "A request could not be recorded" in caplog.text
