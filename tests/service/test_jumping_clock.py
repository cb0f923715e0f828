"""A server whose clock of the day jumps by days: durations, traces, quality and the log go on."""

import time
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx

from tests.service.collector import collecting
from tests.service.metrics_pages import scraped
from tests.service.running_server import AUTHORIZED, HAM, running_server

# What the interpreter of the server runs first: the clock jumps every quarter of a second, forth and back.
JUMPS = """
import time

DAYS = (0, 1, -1, 30, -365)
seconds, nanoseconds, steady = time.time, time.time_ns, time.monotonic

def jumped():
    return DAYS[int(steady() * 4) % len(DAYS)] * 86_400

time.time = lambda: seconds() + jumped()
time.time_ns = lambda: nanoseconds() + jumped() * 10**9
"""
JUMPED_DAYS = 4
# Longer than any request of this test, and far below the jumps.
MOST_SECONDS = 600


def test_a_clock_that_jumps_changes_no_duration_and_no_answer(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(JUMPS)
    with (
        collecting() as collector,
        running_server(
            tmp_path / "log",
            PYTHONPATH=str(tmp_path),
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            TRACE_SHARE="1",
        ) as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client,
    ):
        requests, days, lines = 0, set[date](), list[dict[str, Any]]()
        end = time.monotonic() + 60
        while len(days) < JUMPED_DAYS:
            assert time.monotonic() < end, days
            answer = client.post("/predict", json={"text": HAM})
            assert answer.status_code == 200
            told = {"request_id": answer.headers["x-request-id"], "label": "ham"}
            assert client.post("/feedback", json=told).status_code == 200
            requests += 1
            lines = server.requests_logged(2 * requests)
            days = {datetime.fromisoformat(line["time"]).date() for line in lines}
        spans = collector.wait_for(5)  # an export that a jump cuts off is tried again, or given up
        page = scraped(server.metrics_url)
    assert all(0 <= line["latency_ms"] < MOST_SECONDS * 1000 for line in lines)
    assert all(
        0 <= span.end_time_unix_nano - span.start_time_unix_nano < MOST_SECONDS * 10**9 for span in spans
    )
    assert 0 < page.value("http_server_request_duration_seconds_sum", http_route="/predict") < MOST_SECONDS
    assert page.value("slipway_feedback_total", predicted="ham", label="ham") == requests
