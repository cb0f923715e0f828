"""Files scored: formats, order, rows that fail, and shards."""

import json
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from slipway.service.backends.ct2_lanes import MAX_ROWS, Lanes
from slipway.service.tasks.classify import Classify
from tests.service.batch.running import (
    SENTENCE,
    batch,
    batch_stopped_early,
    failures,
    parts,
    results,
    texts,
    write_csv,
)
from tests.service.running_server import HAM, SPAM
from tests.service.tasks.embedding_model import embedding_model
from tests.service.tasks.table_model import FEATURES, classifier

FIRST_SENTENCE = Path(__file__).parents[1] / "backends" / "first-sentence"


def test_results_are_in_the_order_of_the_rows_in_parts_of_the_size_asked_for(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", [SPAM, HAM] * 5)
    assert batch(rows, tmp_path / "out", BATCH_PART_ROWS="4", BATCH_KEEP='["id"]') == 0
    assert list(parts(tmp_path / "out")) == [f"part-0000{number}-of-00003.csv" for number in range(3)]
    found = results(tmp_path / "out")
    assert [row["row"] for row in found] == [str(number) for number in range(1, 11)]
    assert [row["id"] for row in found] == [f"m{number}" for number in range(10)]
    assert [row["label"] for row in found] == ["spam", "ham"] * 5


def test_a_byte_order_mark_quoted_line_ends_and_another_delimiter_are_read(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes('\ufeffid;message\r\n1;"WINNER!! call\r\nnow; win"\r\n\r\n2;Größe\r\n'.encode())
    given = {"BATCH_DELIMITER": ";", "BATCH_COLUMNS": '{"text": "message"}', "BATCH_KEEP": '["*"]'}
    assert batch(path, tmp_path / "out", BATCH_OUTPUT_FORMAT="jsonl", **given) == 0
    kept = [(row["id"], row["message"]) for row in results(tmp_path / "out")]
    assert kept == [("1", "WINNER!! call\r\nnow; win"), ("2", "Größe")]


def test_a_named_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes("text\nGrüße aus Köln\n".encode("cp1252"))
    keep = {"BATCH_KEEP": '["text"]', "BATCH_ENCODING": "cp1252"}
    assert batch(tmp_path / "rows.csv", tmp_path / "out", **keep) == 0
    assert [row["text"] for row in results(tmp_path / "out")] == ["Grüße aus Köln"]


def test_lines_of_json_may_be_objects_or_strings_and_name_columns_with_any_character(tmp_path: Path) -> None:
    lines = [json.dumps({"text": SPAM, "a=b": 1}), "", json.dumps(HAM)]
    (tmp_path / "rows.jsonl").write_text("\n".join(lines))
    assert batch(tmp_path / "rows.jsonl", tmp_path / "out") == 0
    assert [row["label"] for row in results(tmp_path / "out")] == ["spam", "ham"]


def test_parquet_is_read_and_written(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    tables = pytest.importorskip("pyarrow.parquet")
    columns = {"id": list(range(7)), "text": texts(7)}
    tables.write_table(arrow.table(columns), tmp_path / "rows.parquet", row_group_size=3)
    assert batch(tmp_path / "rows.parquet", tmp_path / "out", BATCH_PART_ROWS="2", BATCH_KEEP='["id"]') == 0
    paths = sorted((tmp_path / "out").glob("part-*.parquet"))
    read = [tables.read_table(path) for path in paths]
    assert len({str(table.schema) for table in read}) == 1
    rows = [row for table in read for row in table.to_pylist()]
    assert [(row["row"], row["id"]) for row in rows] == [(number + 1, str(number)) for number in range(7)]
    assert all(isinstance(row["proba"], float) for row in rows)


def test_a_folder_is_read_in_the_order_of_its_names_and_parts_go_across_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_csv(tmp_path / "in" / "b.csv", [HAM] * 3)
    write_csv(tmp_path / "in" / "a.csv", [SPAM] * 2)
    (tmp_path / "in" / "_SUCCESS").write_text("of another program")
    assert batch(tmp_path / "in", tmp_path / "out", BATCH_PART_ROWS="4") == 0
    assert [row["label"] for row in results(tmp_path / "out")] == ["spam"] * 2 + ["ham"] * 3
    assert len(parts(tmp_path / "out")) == 2


def test_rows_that_fail_are_set_apart_with_the_reason_and_decide_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"id,text\n1,{HAM}\n2,\n3,a,b\n4,{SPAM}\n")
    assert batch(tmp_path / "rows.csv", tmp_path / "out") == 3
    assert batch(tmp_path / "rows.csv", tmp_path / "out", BATCH_MAX_FAILED="2") == 0
    assert [row["row"] for row in results(tmp_path / "out")] == ["1", "4"]
    empty, wide = failures(tmp_path / "out")
    assert (empty["row"], empty["line"], empty["input"]) == (2, 3, {"id": "2", "text": ""})
    assert empty["reason"] == "text is empty"
    assert (wide["row"], wide["reason"]) == (3, "has 3 cells; the header has 2")


def test_a_broken_line_of_json_fails_alone_with_its_line_number(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n\n{"text": \n7\n{"txt": "b"}\n')
    assert batch(tmp_path / "rows.jsonl", tmp_path / "out") == 3
    found = [(each["line"], each["reason"]) for each in failures(tmp_path / "out")]
    assert [line for line, _ in found] == [3, 4, 5]
    assert found[0][1].startswith("is not JSON")
    assert found[2][1] == "has no 'text'"
    assert len(results(tmp_path / "out")) == 1


def test_a_row_that_would_lose_something_fails_with_the_reason(tmp_path: Path) -> None:
    lines = ['{"text": "a", "id": 12345678901234567890123}', '{"text": ["a", "b"]}', '{"text": NaN}']
    (tmp_path / "rows.jsonl").write_text("\n".join([*lines, '{"text": "b", "id": 1e30}']))
    assert batch(tmp_path / "rows.jsonl", tmp_path / "out") == 3
    large, several, number = [each["reason"] for each in failures(tmp_path / "out")]
    assert large == "'id' is a whole number of more than 64 bits; write it as a string"
    assert several == "text is a list of several; a row has one"
    assert "JSON has no NaN" in number
    assert [row["row"] for row in results(tmp_path / "out")] == [4]


def test_empty_lines_are_passed_over_and_a_second_header_is_no_row(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(f"\n\nid,text\n\n1,{HAM}\nid,text\n2,{SPAM}\n")
    assert batch(tmp_path / "rows.csv", tmp_path / "out", BATCH_KEEP='["id"]') == 3
    assert [(row["id"], row["label"]) for row in results(tmp_path / "out")] == [("1", "ham"), ("2", "spam")]
    [failed] = failures(tmp_path / "out")
    assert (failed["line"], failed["reason"]) == (6, "repeats the header")


def test_a_field_goes_to_every_request(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", ["long " * 2000])
    assert batch(rows, tmp_path / "refused") == 3
    assert batch(rows, tmp_path / "cut", BATCH_FIELDS='{"truncate": true}') == 0
    assert results(tmp_path / "cut")[0]["truncated"] == "true"


def test_the_cells_of_a_table_are_read_as_its_columns_types(tmp_path: Path) -> None:
    model = classifier(tmp_path / "model")
    (tmp_path / "rows.csv").write_text(f"key,{','.join(FEATURES)}\nk1,5.1,3.5,1.4,0.2\nk2,x,3,1,0\n")
    assert batch(tmp_path / "rows.csv", tmp_path / "out", MODEL_DIR=str(model), BATCH_KEEP='["key"]') == 3
    [row] = results(tmp_path / "out")
    assert row["key"] == "k1"
    assert "is not a number" in failures(tmp_path / "out")[0]["reason"]


def test_texts_computed_together_have_the_vectors_that_they_have_alone(tmp_path: Path) -> None:
    model = embedding_model(tmp_path / "model")
    manifest = json.loads((model / "manifest.json").read_text())
    (model / "manifest.json").write_text(json.dumps(manifest | {"precision": "fp32"}))
    rows = write_csv(tmp_path / "rows.csv", [*texts(150), ""])
    given = {"MODEL_DIR": str(model), "BATCH_OUTPUT_FORMAT": "jsonl", "BATCH_MAX_FAILED": "1"}
    assert batch(rows, tmp_path / "together", **given) == 0
    assert batch(rows, tmp_path / "alone", MAX_BATCH_SIZE="1", **given) == 0
    together, alone = results(tmp_path / "together"), results(tmp_path / "alone")
    assert len(together) == 150
    for one, other in zip(together, alone, strict=True):
        assert one["embedding"] == pytest.approx(other["embedding"], abs=1e-5)


def test_shards_write_together_what_one_instance_writes(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(50))
    assert batch(rows, tmp_path / "one", BATCH_PART_ROWS="8") == 0
    for shard in ("2", "0", "1"):
        assert not (tmp_path / "three" / "_batch" / "report.json").exists()
        given = {"CLOUD_RUN_TASK_INDEX": shard, "CLOUD_RUN_TASK_COUNT": "3"}
        assert batch(rows, tmp_path / "three", BATCH_PART_ROWS="8", **given) == 0
    assert parts(tmp_path / "three") == parts(tmp_path / "one")
    report = json.loads((tmp_path / "three" / "_batch" / "report.json").read_text())
    assert (report["rows"], report["results"], report["failed"], report["parts"]) == (50, 50, 0, 7)


def test_rows_that_fail_leave_the_results_of_those_beside_them_as_they_are(tmp_path: Path) -> None:
    messages = texts(150)
    messages[3] = messages[70] = messages[71] = ""
    messages[20] = "long " * 2000
    rows = write_csv(tmp_path / "rows.csv", messages)
    keep = {"BATCH_KEEP": '["id"]', "BATCH_OUTPUT_FORMAT": "jsonl"}
    assert batch(rows, tmp_path / "together", **keep) == 3
    with mock.patch("slipway.service.batch.computing.MOST_TRIES", 0):
        assert batch(rows, tmp_path / "alone", **keep) == 3
    assert parts(tmp_path / "together") == parts(tmp_path / "alone")
    assert [each["row"] for each in failures(tmp_path / "together")] == [4, 21, 71, 72]
    assert failures(tmp_path / "together")[0]["reason"] == "text is empty"


def test_checking_and_answering_a_row_costs_no_request_of_its_own(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "rows.csv", texts(200))
    with mock.patch.object(Classify, "work", autospec=True, side_effect=Classify.work) as work:
        assert batch(rows, tmp_path / "out") == 0
    assert work.call_count < 40


def test_a_model_that_writes_has_many_rows_at_once_and_gives_them_back_in_order(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    sentences = ["The harbour was closed", "A storm came on monday", "Where is my order", "Nobody was hurt"]
    messages = [f"{sentences[place % 4]}. It rained." for place in range(40)]
    rows = write_csv(tmp_path / "rows.csv", messages)
    waiting, most = 0, 0
    write = Lanes.write

    def counted(self: Lanes, asked: Any) -> None:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        write(self, asked)
        waiting -= 1

    with mock.patch.object(Lanes, "write", counted):
        assert batch(rows, tmp_path / "out", MODEL_DIR=str(FIRST_SENTENCE), INFERENCE_THREADS="1") == 0
    found = results(tmp_path / "out")
    assert [row["row"] for row in found] == [str(number) for number in range(1, 41)]
    assert [row["summary"] for row in found] == [f"{sentences[place % 4]}." for place in range(40)]
    assert most > MAX_ROWS


def test_a_model_that_writes_goes_on_to_the_same_answers(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    messages = [f"{SENTENCE[place : place + 20]}. It rained." for place in range(40)]
    rows, out = write_csv(tmp_path / "rows.csv", messages), tmp_path / "out"
    given = {"MODEL_DIR": str(FIRST_SENTENCE), "BATCH_PART_ROWS": "30", "BATCH_MAX_FAILED": "40"}
    assert batch(rows, tmp_path / "whole", **given) == 0
    assert batch_stopped_early(rows, out, **given) == 75
    assert batch(rows, out, **given) == 0
    assert parts(out) == parts(tmp_path / "whole")


def test_rows_of_numbers_keep_their_order_across_parts(tmp_path: Path) -> None:
    model = classifier(tmp_path / "model")
    lines = [f"k{place},{place % 7},3.5,{place % 5},0.2" for place in range(100)]
    (tmp_path / "rows.csv").write_text("\n".join([f"key,{','.join(FEATURES)}", *lines]))
    given = {"MODEL_DIR": str(model), "BATCH_KEEP": '["key"]', "BATCH_PART_ROWS": "30"}
    assert batch(tmp_path / "rows.csv", tmp_path / "out", **given) == 0
    found = results(tmp_path / "out")
    assert [row["key"] for row in found] == [f"k{place}" for place in range(100)]
    assert len({row["label"] for row in found[:7]} | {row["proba"] for row in found[:7]}) > 2
