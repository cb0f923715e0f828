import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.components.local.record import (
    PROCESS,
    ProcessId,
    ProcessRecord,
    RecordError,
    ServerExit,
    unwritable,
    write_json,
)

ME = ProcessId(1, 2.0)


def record(ended: ServerExit | None = None) -> ProcessRecord:
    return ProcessRecord(ME, ME, 64 * 2**20, "watchdog", 3.0, ended)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    for one in (record(), record(ServerExit("crashed", -9, 5, 6.0))):
        one.write(tmp_path)
        assert ProcessRecord.read(tmp_path) == one


def test_no_file_is_no_record(tmp_path: Path) -> None:
    assert ProcessRecord.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"supervisor": 1}', "\x00"])
def test_a_damaged_record_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / PROCESS).write_text(text)
    with pytest.raises(RecordError, match=r"process\.json is damaged.*delete process\.json"):
        ProcessRecord.read(tmp_path)


def test_a_file_is_replaced_whole_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    write_json(path, {"a": 1})
    write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["file.json"]


def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    with pytest.raises(RecordError, match=r"taken cannot be written"):
        write_json(tmp_path / "taken" / "file.json", {})


@pytest.mark.parametrize(
    ("ended", "words"),
    [
        (
            ServerExit("out_of_memory", -9, 63 * 2**20, 0),
            "its limit is 64 MiB, it reached 63 MiB.*Raise `memory`",
        ),
        (ServerExit("crashed", -11, 0, 0), "ended by SIGSEGV"),
        (ServerExit("crashed", 3, 0, 0), "ended with exit code 3"),
        (ServerExit("stopped", 0, 0, 0), "was stopped"),
    ],
)
def test_the_end_is_told_in_words(ended: ServerExit, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        raise RecordError(record(ended).end_in_words())


def test_a_process_is_found_by_pid_and_start_time() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        own = ProcessId.of(process.pid)
        assert own.process() is not None
        assert ProcessId(own.pid, own.created - 10).process() is None
        process.kill()
        process.wait()
        assert own.process() is None


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "free some space"), (errno.EACCES, "make the folder writable")]
)
def test_a_folder_that_cannot_be_written_comes_with_what_helps(number: int, advice: str) -> None:
    assert str(unwritable(Path("run"), OSError(number, os.strerror(number)))).endswith(f"{advice}.")
