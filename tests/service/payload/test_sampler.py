"""Sampled payloads: who is chosen, that nothing waits for the thread that anonymises, and what is counted."""

import threading
import time
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from slipway.service.engine import CallFacts, Observation
from slipway.service.payload.sampler import MOST_BODY_BYTES, MOST_WAITING, Sampler

BODY = orjson.dumps({"text": ["hello", "there"], "truncate": True})


def wait_until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


def offered(sampler: Sampler, body: bytes = BODY, facts: CallFacts | None = None) -> None:
    sample = sampler.sample(body)
    if sample is not None:
        sample.ended("/predict", 200, b"an-id", facts)


def test_a_line_has_the_request_anonymised_and_what_was_predicted() -> None:
    lines: list[dict[str, Any]] = []
    sampler = Sampler(1, lambda request: {"cleaned": request}, "m-1", lines.append)
    observations = (Observation("spam", 0.9, 3, 0), Observation("ham", 0.8, 2, 0))
    offered(sampler, facts=CallFacts(5, observations=observations))
    wait_until(lambda: len(lines) == 1)
    assert lines == [
        {
            "kind": "payload",
            "route": "/predict",
            "status": 200,
            "request_id": "an-id",
            "model_version": "m-1",
            "predictions": [{"label": "spam", "confidence": 0.9}, {"label": "ham", "confidence": 0.8}],
            "request": {"cleaned": {"text": ["hello", "there"], "truncate": True}},
        }
    ]


def test_about_the_share_of_the_requests_is_chosen() -> None:
    sampler = Sampler(0.1, lambda request: request, "m-1", lambda _: None)
    chosen = sum(sampler.sample(BODY) is not None for _ in range(20_000))
    assert 1600 < chosen < 2400


def test_while_the_anonymiser_hangs_a_bounded_number_waits_and_the_rest_is_dropped() -> None:
    go_on = threading.Event()
    lines: list[dict[str, Any]] = []

    def hanging(request: Any) -> Any:
        go_on.wait(30)
        return request

    sampler = Sampler(1, hanging, "m-1", lines.append)
    for _ in range(MOST_WAITING + 100):
        offered(sampler)
    assert sampler.counts["dropped"] >= 99
    assert not lines
    go_on.set()
    wait_until(lambda: sum(sampler.counts.values()) == MOST_WAITING + 100)
    assert sampler.counts["written"] == len(lines) <= MOST_WAITING + 1


def test_what_is_too_large_or_cannot_be_anonymised_is_dropped_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failing(request: Any) -> Any:
        raise RuntimeError(f"cannot read {request}")

    sampler = Sampler(1, failing, "m-1", lambda _: None)
    offered(sampler, b'"' + b"a" * MOST_BODY_BYTES + b'"')
    assert sampler.counts == {"written": 0, "dropped": 1}
    offered(sampler)
    wait_until(lambda: sampler.counts["dropped"] == 2)
    wait_until(lambda: bool(caplog.records))
    assert "hello" not in str(caplog.records[0].__dict__["fields"])
