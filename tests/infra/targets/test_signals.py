"""What `slipway status` makes of a metrics page, and that it shows nothing where there is none."""

from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client import CollectorRegistry, Gauge

from slipway.components.local.record import LOOK
from slipway.infra.targets.signals import Look, look_at, quantile_ms, signal_lines, signals_of
from slipway.service.metrics import Instruments
from tests.service.running_server import running_server

MIB = 2**20


def counted(instruments: Instruments, now: float, started: float = 100.0) -> Look:
    registry = CollectorRegistry()
    Gauge("process_start_time_seconds", "When.", registry=registry).set(started)
    families = [*registry.collect(), *instruments.registry.collect()]
    look = look_at([sample for family in families for sample in family.samples], now)
    assert look is not None
    return look


def answered(instruments: Instruments, status: int = 200, route: str = "/predict", cause: str = "") -> None:
    instruments.request_ended("POST", route, status, cause, 0.004)


def test_only_what_came_after_the_last_look_counts_until_the_server_is_another() -> None:
    instruments = Instruments()
    answered(instruments)
    before = counted(instruments, 110)
    answered(instruments)
    answered(instruments, 503, cause="not-ready")
    after = counted(instruments, 114).since(before)
    assert (after.since, after.seconds, after.requests, after.failures) == ("last-look", 4, 2, 1)
    assert after.buckets["+Inf"] == 1
    other = counted(instruments, 210, started=200).since(before)
    assert (other.since, other.seconds, other.requests) == ("start", 10, 3)


def test_a_clock_that_went_back_counts_from_the_start() -> None:
    before = counted(Instruments(), 500)
    assert counted(Instruments(), 130).since(before).seconds == 30


def test_a_clients_mistake_is_no_failure_and_probes_are_no_requests() -> None:
    instruments = Instruments()
    for route in ("/alive", "/ready", "/health", "/live"):
        answered(instruments, route=route)
    answered(instruments, 422, cause="invalid-input")
    answered(instruments, 429, cause="queue-full")
    look = counted(instruments, 110)
    assert (look.requests, look.failures) == (2, 1)
    assert not look.buckets.get("+Inf")


def test_a_quantile_lies_where_prometheus_puts_it() -> None:
    buckets = {"0.01": 50.0, "0.1": 90.0, "1.0": 100.0, "+Inf": 100.0}
    assert quantile_ms(buckets, 0.5) == 10
    assert quantile_ms(buckets, 0.7) == pytest.approx(55)
    assert quantile_ms(buckets, 0.99) == pytest.approx(910)
    assert quantile_ms({"1.0": 0.0, "+Inf": 4.0}, 0.5) == 1000
    assert quantile_ms({"1.0": 0.0, "+Inf": 0.0}, 0.5) is None


def test_a_page_on_whatever_port_is_read_and_a_damaged_look_is_none(tmp_path: Path) -> None:
    (tmp_path / LOOK).write_text("{")
    with running_server(tmp_path / "log") as server:
        process = psutil.Process(server.process.pid)
        first = signals_of(tmp_path, process, server.url, 512 * MIB)
        assert first is not None
        assert (first["since"], first["memory_limit_mib"]) == ("start", 512)
        second = signals_of(tmp_path, process, server.url, 512 * MIB)
        assert second is not None
        assert second["since"] == "last-look"


@pytest.mark.parametrize("metrics", ["off", "public-port"])
def test_without_a_page_there_are_no_signals(tmp_path: Path, metrics: str) -> None:
    with running_server(tmp_path / "log", METRICS=metrics) as server:
        process = psutil.Process(server.process.pid)
        assert signals_of(tmp_path, process, server.url, MIB) is None
    assert signals_of(tmp_path, None, server.url, MIB) is None


def test_a_drift_that_stands_is_named() -> None:
    signals: dict[str, Any] = {
        "since": "start", "seconds": 2.0, "requests_per_second": 1.5, "error_share": 0.25, "p50_ms": 2.0,
        "p99_ms": 8.0, "queue_calls": 1, "queue_calls_limit": 96, "memory_mib": 90.5, "memory_limit_mib": 512,
        "drift": {"class": {"has_drifted": True, "alarms": 2}, "length": {"has_drifted": False, "alarms": 0}},
    }  # fmt: skip
    lines = dict(signal_lines(signals))
    assert lines["drift"] == "class (2 alarms)"
    assert lines["requests"] == "1.5/s, 25.0% failed (since the start, 2 s)"
    assert lines["queue"] == "1 of 96 calls"
