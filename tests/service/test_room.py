"""How many connections and bytes there is room for, by the process's descriptors and memory."""

import logging
from pathlib import Path

import pytest

from slipway.service import account, connections
from slipway.service.account import most_held_bytes
from slipway.service.connections import most_connections
from slipway.service.machine import used_memory_bytes

GIB = 1 << 30


@pytest.mark.parametrize(
    ("descriptors", "wanted", "most"),
    [
        (1024, 60_000, 864),  # 1024, less 128 of others and 32 for probes
        (1024, 864, 864),
        (1024, 10, 10),
        (65_536, 60_000, 60_000),
        (64, 60_000, 16),  # even then the model's files and the probes have some
        (64, None, 16),
        (1024, None, 864),
        (65_536, None, 4096),  # by memory
    ],
)
def test_connections_are_never_more_than_the_descriptors_allow(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, wanted: int | None, most: int
) -> None:
    monkeypatch.setattr(connections, "raised_descriptors", lambda: descriptors)
    monkeypatch.setattr(connections, "usable_memory_bytes", lambda: GIB)
    assert most_connections(wanted) == most


def test_a_setting_that_is_lowered_is_said_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "raised_descriptors", lambda: 1024)
    with caplog.at_level(logging.WARNING, logger="service"):
        most_connections(864)
        assert not caplog.records
        most_connections(865)
    [line] = caplog.records
    assert line.__dict__["fields"] == {"max_connections": 865, "connections": 864, "descriptors": 1024}


@pytest.mark.parametrize(
    ("used", "held"), [(0, GIB // 3), (GIB // 2, GIB // 6), (GIB - 1, GIB // 16), (2 * GIB, GIB // 16)]
)
def test_requests_may_hold_a_third_of_what_is_left_of_the_memory_and_never_next_to_nothing(
    monkeypatch: pytest.MonkeyPatch, used: int, held: int
) -> None:
    monkeypatch.setattr(account, "usable_memory_bytes", lambda: GIB)
    monkeypatch.setattr(account, "used_memory_bytes", lambda: used)
    assert most_held_bytes() == held


def test_the_memory_that_is_used_grows_with_what_is_held(tmp_path: Path) -> None:
    before = used_memory_bytes()
    held = bytearray(b"a" * (64 << 20))
    assert used_memory_bytes() - before > (60 << 20)
    del held
    assert used_memory_bytes(tmp_path / "statm") > before  # the peak, where the system does not say


def test_a_body_that_waits_to_be_read_counts_after_its_client_has_left() -> None:
    shared = account.Account(100)
    connection = account.Holding(shared)
    own = connection.apart()
    own.hold_body(60)
    connection.let_go()
    assert shared.held_bytes == 60
    own.let_go()
    assert shared.held_bytes == 0
