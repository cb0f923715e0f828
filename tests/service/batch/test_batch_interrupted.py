"""Batches that are stopped, killed, crashed by a row, or left without disk or bucket: they go on, exactly."""

import errno
import json
import logging
import os
import random
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.batch.running import (
    batch,
    batch_stopped_early,
    environment,
    failures,
    parts,
    progress,
    results,
    started,
    texts,
    write_csv,
)

# What a worker runs in which a text ends the process, as a fault in native code would.
CRASHING = """
import os, sys
from slipway.service.batch import __main__ as worker
from slipway.service.tasks.texts import TextModel
whole = TextModel.token_ids
def token_ids(self, text, truncate):
    if text.startswith("crash"):
        os.abort()
    return whole(self, text, truncate)
TextModel.token_ids = token_ids
sys.exit(worker.main())
"""
SUPERVISING = """
import sys
from slipway.service.batch import supervisor
from slipway.service.batch.places import place_of
from slipway.service.batch.settings import batch_settings
from slipway.service.logs import configure_logs
configure_logs("info")
settings = batch_settings()
command = [sys.executable, "-c", sys.argv[1]]
sys.exit(supervisor.Supervisor(settings, place_of(settings.batch_output), command).run())
"""


def lines_of(process: subprocess.Popen[str]) -> Iterator[dict[str, object]]:
    assert process.stdout is not None
    for line in process.stdout:
        yield json.loads(line)


def killed_after(process: subprocess.Popen[str], rows: int, number: int = signal.SIGKILL) -> int:
    """Signal a batch once it says that so many rows are done; return how it ended."""
    for line in lines_of(process):
        if line["message"] == "Batch" and int(str(line["batch_rows_done"])) >= rows:
            process.send_signal(number)
            break
    code = process.wait(60)
    assert process.stdout is not None
    process.stdout.close()
    return code


def interrupted(rows: Path, out: Path, kills: list[int], whole: int, **settings: str) -> None:
    """Run a batch that is killed once so many rows are done, each time, and then to its end."""
    given = environment(rows, out, BATCH_PROGRESS_SECONDS="0.1", BATCH_PIECE_SECONDS="0.2", **settings)
    for kill in kills:
        assert killed_after(started(given), kill) == -signal.SIGKILL
        assert len(results(out)) < whole
    last = started(given)
    said, _ = last.communicate(timeout=300)
    assert last.returncode == 0, said
    assert progress(said)[-1]["batch_state"] == "complete"


@pytest.mark.long
def test_a_batch_that_is_killed_twice_has_each_result_once_and_byte_for_byte(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(6000))
    assert batch(rows, tmp_path / "whole", BATCH_PART_ROWS="1000") == 0
    interrupted(rows, tmp_path / "out", [700, 2500], 6000, BATCH_PART_ROWS="1000")
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


@pytest.mark.long
def test_50_000_texts_with_three_kills_give_50_000_results(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(50_000))
    assert batch(rows, tmp_path / "whole") == 0
    chance = random.Random(7)
    kills = sorted(chance.randrange(1000, 45_000) for _ in range(3))
    interrupted(rows, tmp_path / "out", kills, 50_000)
    found = [int(row["row"]) for row in results(tmp_path / "out")]
    assert found == list(range(1, 50_001))
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def test_a_batch_that_stops_between_rows_goes_on_to_the_same_results(tmp_path: Path) -> None:
    rows, out = write_csv(tmp_path / "rows.csv", texts(300)), tmp_path / "out"
    assert batch(rows, tmp_path / "whole", BATCH_PART_ROWS="200") == 0
    assert batch_stopped_early(rows, out, BATCH_PART_ROWS="200") == 75
    assert parts(out) == {}
    assert list((out / "_batch" / "pieces" / "part-00000").iterdir())
    assert batch(rows, out, BATCH_PART_ROWS="200") == 0
    assert parts(out) == parts(tmp_path / "whole")


@pytest.mark.long
def test_a_batch_that_is_asked_to_stop_keeps_what_it_has_and_goes_on(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(3000))
    out = tmp_path / "out"
    given = environment(rows, out, BATCH_PROGRESS_SECONDS="0.1", BATCH_PIECE_SECONDS="3600")
    assert killed_after(started(given), 200, signal.SIGTERM) == 75
    assert parts(out) == {}
    [piece] = (out / "_batch" / "pieces" / "part-00000").iterdir()
    kept = json.loads(piece.read_bytes().split(b"\n")[0])["rows"]
    assert kept >= 200
    last = started(given)
    said, _ = last.communicate(timeout=120)
    assert last.returncode == 0
    # The first line is of before the piece is read; no later one counts less than what was kept.
    assert min(line["batch_rows_done"] for line in progress(said)[1:]) >= kept
    assert len(results(out)) == 3000
    assert not list((out / "_batch" / "pieces").rglob("*.jsonl"))


@pytest.mark.long
def test_a_batch_ends_when_the_command_that_follows_it_does(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(20_000))
    reading, writing = os.pipe()
    given = environment(rows, tmp_path / "out", BATCH_LIFELINE_FD=str(reading), BATCH_PROGRESS_SECONDS="0.1")
    command = ["-c", "import sys; from slipway.service.__main__ import main; sys.exit(main())"]
    with subprocess.Popen(
        [sys.executable, *command], env=given, pass_fds=(reading,), stdout=subprocess.PIPE, text=True
    ) as process:
        os.close(reading)
        next(lines_of(process))
        os.close(writing)
        assert process.wait(60) == 75


@pytest.mark.long
def test_rows_that_crash_the_process_are_found_and_set_aside(tmp_path: Path) -> None:
    messages = texts(60)
    messages[17] = messages[41] = "crash me"
    rows, out = write_csv(tmp_path / "rows.csv", messages), tmp_path / "out"
    process = started(environment(rows, out, BATCH_PART_ROWS="25"), "-c", SUPERVISING, CRASHING)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 3, said
    assert [int(row["row"]) for row in results(out)] == [n for n in range(1, 61) if n not in (18, 42)]
    assert [each["row"] for each in failures(out)] == [18, 42]
    assert {each["reason"] for each in failures(out)} == {"crashed (SIGABRT) when it was computed alone"}
    assert "crash me" not in said


def test_a_process_that_crashes_whatever_it_computes_ends_the_batch(tmp_path: Path) -> None:
    rows, out = write_csv(tmp_path / "rows.csv", texts(5)), tmp_path / "out"
    process = started(environment(rows, out), "-c", SUPERVISING, "import os; os.abort()")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert not parts(out), said


def test_a_full_disk_ends_the_batch_and_the_next_start_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, out = write_csv(tmp_path / "rows.csv", texts(40)), tmp_path / "out"
    room = [0]
    written = os.fsync

    def full(descriptor: int) -> None:
        room[0] += 1
        if room[0] > 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        written(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with caplog.at_level(logging.ERROR):
        assert batch(rows, out, BATCH_PART_ROWS="10") == 1
    assert "No space left on device. Make room" in caplog.text
    assert 0 < len(parts(out)) < 4
    monkeypatch.setattr(os, "fsync", written)
    assert batch(rows, out, BATCH_PART_ROWS="10") == 0
    assert len(results(out)) == 40


@pytest.mark.long
def test_two_batches_do_not_write_to_one_folder_at_once(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(20_000))
    given = environment(rows, tmp_path / "out", BATCH_PROGRESS_SECONDS="0.1")
    first = started(given)
    next(lines_of(first))
    second = started(given)
    assert second.stdout is not None
    assert select.select([second.stdout], [], [], 1) == ([], [], [])  # it waits, and says nothing
    assert killed_after(first, 1) == -signal.SIGKILL
    assert killed_after(second, 1, signal.SIGTERM) == 75


def test_a_part_that_was_deleted_is_computed_again_and_no_other(tmp_path: Path) -> None:
    rows, out = write_csv(tmp_path / "rows.csv", texts(10)), tmp_path / "out"
    assert batch(rows, out, BATCH_PART_ROWS="5") == 0
    before = parts(out)
    kept, deleted = sorted(out.glob("part-*"))
    written_at = kept.stat().st_mtime_ns
    deleted.unlink()
    assert batch(rows, out, BATCH_PART_ROWS="5") == 0
    assert parts(out) == before
    assert kept.stat().st_mtime_ns == written_at
