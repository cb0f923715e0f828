"""The local log keeps within its size, loses no line at a rotation, and is followed from file to file."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.components.local.log import KEPT_FILES, RotatingLog, following, last_lines, new_file
from slipway.components.local.output import Output


def written(folder: Path, numbers: range, max_bytes: int = 40) -> None:
    rotating = RotatingLog(folder, max_bytes)
    for number in numbers:
        rotating.write(f"line {number:03}\n".encode())
    rotating.close()


def test_a_log_never_takes_more_room_than_its_files_may_have(tmp_path: Path) -> None:
    written(tmp_path, range(100))
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"server.log", "server.log.1", "server.log.2"}
    assert all(size <= 40 for size in sizes.values())


def test_each_line_is_in_one_file_whole_and_the_newest_are_kept(tmp_path: Path) -> None:
    written(tmp_path, range(10))
    files = [tmp_path / name for name in ("server.log.2", "server.log.1", "server.log")]
    assert "".join(path.read_text() for path in files) == "".join(f"line {n:03}\n" for n in range(10))
    assert all(path.read_text().endswith("\n") for path in files)


def test_only_its_owner_can_read_a_log(tmp_path: Path) -> None:
    written(tmp_path, range(10))
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_line_that_is_longer_than_a_file_may_be_is_kept_whole(tmp_path: Path) -> None:
    rotating = RotatingLog(tmp_path, 40)
    for line in (b"short\n", b"x" * 100 + b"\n", b"short again\n"):
        rotating.write(line)
    rotating.close()
    assert last_lines(tmp_path, 10) == ["short\n", "x" * 100 + "\n", "short again\n"]


def test_a_restart_begins_a_file_and_keeps_what_was_logged_before(tmp_path: Path) -> None:
    for start in range(4):
        new_file(tmp_path).close()
        written(tmp_path, range(start, start + 1))
    assert (tmp_path / "server.log").read_text() == "line 003\n"
    assert last_lines(tmp_path, 10) == [f"line {number:03}\n" for number in range(1, 4)]
    assert len(list(tmp_path.iterdir())) == KEPT_FILES


@pytest.mark.parametrize(("tail", "first"), [(0, 10), (1, 9), (5, 5), (10, 0), (100, 0)])
def test_the_last_lines_are_found_in_as_many_files_as_it_takes(tmp_path: Path, tail: int, first: int) -> None:
    written(tmp_path, range(10))
    assert last_lines(tmp_path, tail) == [f"line {number:03}\n" for number in range(first, 10)]


def taken(lines: Iterator[str | None]) -> list[str]:
    """Read the lines that are available now."""
    found: list[str] = []
    while (line := next(lines)) is not None:
        found.append(line)
    return found


@pytest.mark.parametrize("many", [1, 3, 4, 8, 11])
def test_what_is_followed_goes_on_over_rotations_without_a_gap(tmp_path: Path, many: int) -> None:
    written(tmp_path, range(2))
    lines = following(tmp_path, 1)
    assert taken(lines) == ["line 001\n"]
    done = 2
    for _ in range(5):
        written(tmp_path, range(done, done + many))
        assert taken(lines) == [f"line {number:03}\n" for number in range(done, done + many)]
        done += many


def test_who_followed_too_slowly_goes_on_with_the_oldest_line_that_is_kept(tmp_path: Path) -> None:
    written(tmp_path, range(2))
    lines = following(tmp_path, 1)
    taken(lines)
    written(tmp_path, range(2, 100))
    rest_of_the_old_file = ["line 002\n", "line 003\n"]
    assert taken(lines) == rest_of_the_old_file + last_lines(tmp_path, 100)


def test_a_line_that_is_not_whole_yet_is_followed_by_its_rest(tmp_path: Path) -> None:
    rotating = RotatingLog(tmp_path, 40)
    rotating.write(b"be")
    lines = following(tmp_path, 10)
    assert taken(lines) == ["be"]
    rotating.write(b"gun\n")
    rotating.close()
    assert taken(lines) == ["gun\n"]


def test_without_a_log_there_is_nothing_to_follow(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(following(tmp_path, 1))


def test_a_link_in_place_of_the_log_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "server.log").symlink_to(tmp_path / "another")
    with pytest.raises(OSError, match="Too many levels of symbolic links"):
        RotatingLog(tmp_path)
    assert not (tmp_path / "another").exists()


def test_lines_that_the_disk_does_not_take_are_counted(tmp_path: Path) -> None:
    rotating = RotatingLog(tmp_path, 1000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))  # as on a full disk, of this process alone
    try:
        rotating.write(b"one\ntwo\n")
        rotating.write(b"three\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    rotating.write(b"four\n")
    rotating.close()
    told, four = (tmp_path / "server.log").read_text().splitlines()
    assert "3 lines were lost" in json.loads(told)["message"]
    assert four == "four"


def copied(folder: Path, code: str) -> list[str]:
    rotating = RotatingLog(folder)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        output = Output(process, rotating)
        assert process.wait(60) == 0
        output.wait(60)
    rotating.close()
    return (folder / "server.log").read_text().splitlines()


def test_standard_error_comes_into_the_log_as_fields_and_can_forge_no_line(tmp_path: Path) -> None:
    forged = json.dumps({"level": "error", "message": "forged", "cause": "forged"})
    code = f"import sys; print({forged!r}, file=sys.stderr); sys.stderr.write('\\x1b[2J no end')"
    lines = [json.loads(line) for line in copied(tmp_path, code)]
    assert [line["message"] for line in lines] == [forged, "\x1b[2J no end"]
    assert {(line["level"], line["source"]) for line in lines} == {("error", "stderr")}


def test_standard_output_comes_into_the_log_as_it_is(tmp_path: Path) -> None:
    code = "for number in range(50_000): print('{\"message\": %d}' % number)"
    assert copied(tmp_path, code) == [f'{{"message": {number}}}' for number in range(50_000)]


def test_a_line_without_an_end_takes_no_memory_without_end(tmp_path: Path) -> None:
    lines = copied(tmp_path, "import sys; sys.stdout.write('x' * 1_000_000)")
    assert "".join(lines) == "x" * 1_000_000
    assert max(map(len, lines)) <= 3 * (64 << 10)
