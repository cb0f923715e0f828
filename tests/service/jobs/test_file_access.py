"""The files of jobs without a server: large results, full disks, and what is left of a file that fails."""

import os
from pathlib import Path

import pytest

from slipway.service.faults import FileUnavailable, InvalidInput, ResultTooLarge
from slipway.service.jobs.file_access import FileAccess
from slipway.service.jobs.job import FileInput
from slipway.service.jobs.prefixes import FileAddress, Prefixes


def access(folder: Path, result_prefix: str = "") -> FileAccess:
    return FileAccess(Prefixes([f"file:{folder}/"]), result_prefix)


def file_input(folder: Path, output: str = "out.jsonl") -> FileInput:
    (folder / "in.jsonl").write_text("{}\n")
    os.utime(folder / "in.jsonl", ns=(1, 1))
    return FileInput(f"file:{folder}/in.jsonl", f"file:{folder}/{output}", "jsonl")


def test_a_large_result_is_kept_in_a_file_and_deleted_with_its_job(tmp_path: Path):
    files = access(tmp_path, f"file:{tmp_path}/")
    address = files.keep_result("job-1", 1, b'{"a":1}')
    path = Path(address.removeprefix("file:"))
    assert path.read_bytes() == b'{"a":1}\n'
    assert path.stat().st_mode & 0o077 == 0
    files.delete_result(address)
    files.delete_result(address)
    assert os.listdir(tmp_path) == []


def test_without_a_place_a_large_result_is_refused_with_what_to_do(tmp_path: Path):
    with pytest.raises(ResultTooLarge, match="JOBS_RESULT_PREFIX"):
        access(tmp_path).keep_result("job-1", 1, b"x")


def test_only_what_is_below_the_result_prefix_is_deleted(tmp_path: Path):
    (tmp_path / "results").mkdir()
    (tmp_path / "other").write_text("kept")
    access(tmp_path, f"file:{tmp_path}/results/").delete_result(f"file:{tmp_path}/other")
    assert (tmp_path / "other").read_text() == "kept"


def test_a_file_that_is_not_finished_leaves_nothing(tmp_path: Path):
    writer = access(tmp_path).writer(file_input(tmp_path), "job-1")
    writer.write(b"{}")
    writer.discard()
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_a_file_appears_whole_and_replaces_the_one_before(tmp_path: Path):
    (tmp_path / "out.jsonl").write_text("before\n")
    writer = access(tmp_path).writer(file_input(tmp_path), "job-1")
    writer.write(b"{}")
    assert (tmp_path / "out.jsonl").read_text() == "before\n"
    writer.finish()
    assert (tmp_path / "out.jsonl").read_text() == "{}\n"


def test_an_attempt_that_was_lost_and_still_writes_spoils_nothing_of_the_next(tmp_path: Path):
    files = access(tmp_path)
    lost = files.writer(file_input(tmp_path), "job-1")
    lost.write(b'{"of":1}')
    following = files.writer(file_input(tmp_path), "job-1")
    following.write(b'{"of":2}')
    with pytest.raises(InvalidInput, match="no such file"):
        lost.finish()
    lost.discard()
    following.finish()
    assert (tmp_path / "out.jsonl").read_text() == '{"of":2}\n'
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "out.jsonl"]


def test_a_name_may_be_as_long_as_the_disk_allows_and_no_longer(tmp_path: Path):
    files = access(tmp_path)
    writer = files.writer(file_input(tmp_path, "x" * 255), "job-1")
    writer.finish()
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "x" * 255]
    writer = files.writer(file_input(tmp_path, "x" * 256), "job-1")
    with pytest.raises(InvalidInput, match="longer than the disk allows"):
        writer.finish()
    writer.discard()


def test_a_full_disk_is_a_fault_that_passes(tmp_path: Path):
    """/dev/full takes no byte, as a full disk."""
    writer = access(tmp_path).writer(file_input(tmp_path), "job-1")
    os.dup2(os.open("/dev/full", os.O_WRONLY), writer._writer._output.fileno())  # pyright: ignore
    with pytest.raises(FileUnavailable, match="No space left"):
        writer.write(b"x" * 1_000_000)
    writer.discard()
    assert os.listdir(tmp_path) == ["in.jsonl"]


def test_prefixes_that_changed_since_refuse_the_file(tmp_path: Path):
    elsewhere = FileAccess(Prefixes(["file:/elsewhere/"]), "")
    with pytest.raises(InvalidInput, match="not below a prefix"):
        elsewhere.count(file_input(tmp_path))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("file:///srv/in/a.jsonl", "file:/srv/in/a.jsonl"),
        ("file:/srv/in/a.jsonl", "file:/srv/in/a.jsonl"),
        ("gs://bucket/a b/é.csv", "gs://bucket/a b/é.csv"),
        ("s3://bucket/x%2fy", "s3://bucket/x%2fy"),
    ],
)
def test_an_address_is_read_into_one_form(text: str, shown: str):
    assert str(FileAddress.parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.jsonl", "/a.jsonl", "file:a", "file://host/a", "file://///a", "http://x/a", "gs://bucket"),
        *("gs://bucket/", "gs://bucket//a", "gs://bucket/../a", "gs://bucket/a/.", "s3://UPPER/a", "gs:///a"),
        *("file:/a\x00b", "file:/a\nb", "file:/a\\b", "gs://bucket/" + "x" * 2000, "GS://bucket/a"),
    ],
)
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(ValueError, match=r"is no address|has"):
        FileAddress.parse(text)


def test_a_prefix_is_compared_whole():
    prefixes = Prefixes(["gs://bucket/in/", "file:/srv/"])
    assert prefixes.fault("gs://bucket/in/a") == ""
    for address in ("gs://bucket/internal/a", "gs://bucket2/in/a", "gs://bucket/IN/a", "file:/srv2/a"):
        assert "not below a prefix" in prefixes.fault(address)


def test_an_attempt_goes_on_after_the_whole_rows_of_the_one_before(tmp_path: Path):
    first = access(tmp_path).writer(file_input(tmp_path), "job-1")
    for row in (b'{"a":1}', b'{"problem":{}}', b'{"a":'):
        first.write(row)
    first.leave()
    second = access(tmp_path).writer(file_input(tmp_path), "job-1")
    assert (second.rows, second.refused) == (2, 1)
    second.write(b'{"a":2}')
    second.finish()
    assert (tmp_path / "out.jsonl").read_text() == '{"a":1}\n{"problem":{}}\n{"a":2}\n'
    assert sorted(os.listdir(tmp_path)) == ["in.jsonl", "out.jsonl"]


def test_rows_of_another_input_model_or_job_are_not_gone_on_with(tmp_path: Path):
    file = file_input(tmp_path)

    def left(job: str = "job-1", answers_by: str = "") -> int:
        writer = FileAccess(Prefixes([f"file:{tmp_path}/"]), "", answers_by).writer(file, job)
        rows = writer.rows
        if not rows:
            writer.write(b"{}")
        writer.leave()
        return rows

    assert [left(), left(), left("job-2"), left(), left(answers_by="model 2"), left()] == [0, 1, 0, 1, 0, 0]
    os.utime(tmp_path / "in.jsonl", ns=(2, 2))
    assert left() == 0


def test_an_attempt_that_was_taken_for_dead_writes_into_no_other(tmp_path: Path):
    dead, living = (access(tmp_path).writer(file_input(tmp_path), "job-1") for _ in range(2))
    living.write(b'{"by":"living"}')
    dead.write(b'{"by":"dead"}')
    with pytest.raises(InvalidInput):
        dead.finish()
    dead.discard()
    living.finish()
    assert (tmp_path / "out.jsonl").read_text() == '{"by":"living"}\n'
