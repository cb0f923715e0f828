"""Input, output and options that no batch can work with: refused before anything is written."""

import gzip
import logging
from collections.abc import Callable
from importlib import util
from pathlib import Path

import pytest

from slipway.service.faults import BadSettings
from tests.service.batch.running import batch, texts, worker_of, write_csv

Refusal = Callable[..., str]


@pytest.fixture
def refusal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Refusal:
    def run(read: Path | str, write: Path | str = tmp_path / "out", **settings: str) -> str:
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            assert batch(read, write, **settings) == 2
        return caplog.messages[-1]

    return run


def rows_in(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_another_encoding_is_named_with_its_line_and_a_way_out(tmp_path: Path, refusal: Refusal) -> None:
    path = rows_in(tmp_path / "rows.csv", "text\nfine\nGrüße\n".encode("latin-1"))
    said = refusal(path)
    assert "rows.csv, line 3 is not in utf-8: byte 0xfc at place 3" in said
    assert "cp1252" in said
    assert not (tmp_path / "out").exists()
    assert "UTF-16" in refusal(rows_in(tmp_path / "wide.csv", "text\nfine\n".encode("utf-16")))
    assert "does not know" in refusal(path, BATCH_ENCODING="klingon")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("text\nfine\n".encode("utf-32"), "is in UTF-32"),
        ("text\nfine\n".encode("utf-16-le"), "byte 0 among its first ones"),
        (gzip.compress(b"text\nfine\n"), "is compressed with gzip. Unpack it first"),
        (b"PK\x03\x04xl", "is a ZIP archive"),
        (b"text\ra\rb\r", "a carriage return is no line end by itself"),
        (b"id;text\n1;a\n", "has one column, 'id;text'. If ';' separates columns: `--delimiter ';'`"),
    ],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, refusal: Refusal, content: bytes, said: str) -> None:
    assert said in refusal(rows_in(tmp_path / "rows.csv", content))


def test_a_document_of_several_lines_is_no_file_of_json_lines(tmp_path: Path, refusal: Refusal) -> None:
    said = refusal(rows_in(tmp_path / "rows.jsonl", b'[\n{"text": "a"}\n]\n'))
    assert "line 1 begins JSON of several lines" in said
    assert "jq -c" in said


def test_a_quote_or_a_line_end_separates_no_cells(tmp_path: Path) -> None:
    path = rows_in(tmp_path / "rows.csv", b"id,text\n1,a\n")
    for wrong in '"\n':
        with pytest.raises(BadSettings, match="BATCH_DELIMITER"):
            worker_of(path, tmp_path / "out", BATCH_DELIMITER=wrong)


def test_a_missing_column_is_refused_with_those_that_are_there(tmp_path: Path, refusal: Refusal) -> None:
    path = rows_in(tmp_path / "rows.csv", b"id,message\n1,a\n")
    assert "no column 'text'; it has id, message" in refusal(path)
    said = refusal(path, BATCH_COLUMNS='{"text": "mesage"}')
    assert "no column 'mesage' (did you mean 'message'?)" in said
    said = refusal(path, BATCH_COLUMNS='{"text": "message"}', BATCH_KEEP='["idd"]')
    assert "did you mean 'id'?" in said
    said = refusal(path, BATCH_COLUMNS='{"text": "message"}', BATCH_FIELDS='{"trunkate": true}')
    assert "no field 'trunkate' (did you mean 'truncate'?)" in said
    assert "no route '/embed'; it has /predict" in refusal(path, BATCH_ROUTE="/embed")


def test_an_input_without_rows_or_files_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    assert "is empty" in refusal(rows_in(tmp_path / "empty.csv", b""))
    assert "has no rows" in refusal(rows_in(tmp_path / "header.csv", b"text\n"))
    assert "has no rows" in refusal(rows_in(tmp_path / "empty.jsonl", b"\n"))
    assert "There is no" in refusal(tmp_path / "nothing.csv")
    assert "No file matches" in refusal(tmp_path / "*.parquet")
    (tmp_path / "folder").mkdir()
    assert "has no file to read" in refusal(tmp_path / "folder")
    assert "format of rows.txt is not known" in refusal(rows_in(tmp_path / "rows.txt", b"text\na\n"))


def test_what_is_no_csv_is_refused_with_its_line(tmp_path: Path, refusal: Refusal) -> None:
    said = refusal(rows_in(tmp_path / "open.csv", b'text\na\n"begins here\nand goes on\n'))
    assert "open.csv, line 3 is not CSV: a quote that opens here is not closed" in said
    assert "'text' is there 2 times" in refusal(rows_in(tmp_path / "twice.csv", b"text,text\na,b\n"))


def test_an_unreadable_file_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    (tmp_path / "rows.csv").symlink_to(tmp_path / "rows.csv")
    assert "rows.csv" in refusal(tmp_path / "rows.csv")
    assert "/dev/null is not a regular file" in refusal("/dev/null", BATCH_FORMAT="csv")


def test_an_output_inside_the_input_or_around_it_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    (tmp_path / "in").mkdir()
    rows = write_csv(tmp_path / "in" / "rows.csv", texts(3))
    assert "lies inside the input" in refusal(tmp_path / "in", tmp_path / "in" / "out")
    assert "holds a file of the input" in refusal(rows, tmp_path / "in")
    assert "is a file" in refusal(rows, write_csv(tmp_path / "file", texts(1)))


def test_an_output_with_files_of_others_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(3))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    assert "it has thesis.txt, which no batch wrote" in refusal(rows)


def test_a_run_that_changed_is_refused_with_what_changed(tmp_path: Path, refusal: Refusal) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(6))
    assert batch(rows, tmp_path / "out", BATCH_PART_ROWS="2") == 0
    assert "the rows of a part changed (2, now 3)" in refusal(rows, BATCH_PART_ROWS="3")
    said = refusal(rows, BATCH_PART_ROWS="2", BATCH_FIELDS='{"truncate": true}')
    assert "the options changed (BATCH_FIELDS" in said
    shards = {"BATCH_SHARD": "0", "BATCH_SHARDS": "2"}
    assert "the number of shards changed (1, now 2)" in refusal(rows, BATCH_PART_ROWS="2", **shards)
    write_csv(rows, texts(7))
    said = refusal(rows, BATCH_PART_ROWS="2")
    assert "the input changed (rows.csv has" in said
    assert batch(rows, tmp_path / "out", BATCH_PART_ROWS="2", BATCH_OVERWRITE="true") == 0
    assert len(list((tmp_path / "out").glob("part-*-of-00004.csv"))) == 4


def test_parquet_without_its_library_is_refused(
    tmp_path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(1))

    def without(name: str) -> object:
        return None if name == "pyarrow" else util.find_spec(name)

    monkeypatch.setattr("slipway.service.batch.reading.find_spec", without)
    assert "PARQUET=1" in refusal(rows_in(tmp_path / "rows.parquet", b""))
    assert "pyarrow, which is not installed" in refusal(rows, BATCH_OUTPUT_FORMAT="parquet")


def test_a_damaged_parquet_file_is_refused(tmp_path: Path, refusal: Refusal) -> None:
    pytest.importorskip("pyarrow")
    assert "is no whole Parquet file" in refusal(rows_in(tmp_path / "rows.parquet", b"PAR1 and no more"))
