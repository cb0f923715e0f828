"""The supervisor as a process, with small commands in place of the server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.components.local import memory, supervisor
from slipway.components.local.record import ProcessRecord

MIB = 2**20
FILL = "b = bytearray({size}); import time; time.sleep(30)"


def supervised(folder: Path, limit_bytes: int, code: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "slipway.components.local.supervisor", str(folder), str(limit_bytes)]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen([*command, sys.executable, "-c", code], stdout=log, stderr=log)


def record_when(folder: Path, wanted: Callable[[ProcessRecord], object]) -> ProcessRecord:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        record = ProcessRecord.read(folder)
        if record and wanted(record):
            return record
        time.sleep(0.02)
    raise AssertionError(f"no such record within 20 s; log: {(folder / 'server.log').read_text()}")


def test_a_server_over_its_limit_is_killed_and_the_record_says_so(tmp_path: Path) -> None:
    with supervised(tmp_path, 64 * MIB, FILL.format(size=256 * MIB)) as process:
        record = record_when(tmp_path, lambda one: one.ended)
        assert process.wait(10) == 0
    assert record.ended
    assert record.ended.cause == "out_of_memory"
    assert record.ended.peak_bytes > 32 * MIB
    assert "ran out of memory: its limit is 64 MiB" in (tmp_path / "server.log").read_text()


def test_a_server_within_its_limit_lives_until_it_is_asked_to_stop(tmp_path: Path) -> None:
    with supervised(tmp_path, 256 * MIB, "import time; time.sleep(60)") as process:
        started = record_when(tmp_path, lambda one: one.server.process())
        process.terminate()
        process.wait(10)
    record = ProcessRecord.read(tmp_path)
    assert record
    assert record.ended
    assert record.ended.cause == "stopped"
    assert started.server.process() is None


def test_a_crash_is_told_from_a_stop(tmp_path: Path) -> None:
    with supervised(tmp_path, 256 * MIB, "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"):
        record = record_when(tmp_path, lambda one: one.ended)
    assert record.ended
    assert (record.ended.cause, record.ended.exit_code) == ("crashed", -11)


def test_no_cgroup_is_left_behind(tmp_path: Path) -> None:
    with supervised(tmp_path, 256 * MIB, "pass") as process:
        process.wait(10)
        left = list(Path("/sys/fs/cgroup").rglob(f"slipway-{process.pid}"))
    assert left == []


def no_cgroup(_name: str, _limit_bytes: int) -> None:
    """As on a machine where this user may make none."""


def test_without_a_cgroup_the_supervisor_watches_the_servers_own_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "cgroup_with_limit", no_cgroup)
    monkeypatch.setattr(
        sys,
        "argv",
        ["supervisor", str(tmp_path), str(64 * MIB), sys.executable, "-c", FILL.format(size=256 * MIB)],
    )
    assert supervisor.main() == 0
    record = ProcessRecord.read(tmp_path)
    assert record
    assert record.enforced_by == "watchdog"
    assert record.ended
    assert record.ended.cause == "out_of_memory"


def test_memory_that_maps_a_file_does_not_count_as_its_own(tmp_path: Path) -> None:
    big = tmp_path / "weights"
    big.write_bytes(os.urandom(MIB) * 64)
    code = (
        f"import mmap; f = open({str(big)!r}, 'rb'); m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); "
        "sum(m[::4096]); print('read', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"read\n"
        assert 0 < memory.anonymous_bytes(process.pid) < 40 * MIB
        process.kill()


def test_a_process_that_is_gone_has_no_memory() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    assert memory.anonymous_bytes(process.pid) == 0
