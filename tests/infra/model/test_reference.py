"""`slipway model reference` writes what the model's own server counts."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from slipway.infra.model.column_ranges import MOST_BYTES, MOST_VALUES, ranges_of
from tests.checkout import ROOT
from tests.infra.command import refused, slipway
from tests.service.running_server import AUTHORIZED, HAM, KEY, SPAM, running_server
from tests.service.tasks.table_model import passenger

LINES = [HAM] * 180 + [f"spam\t{SPAM}"] * 20 + [""]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "service/models/sms-spam", tmp_path / "model"))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(LINES))
    return file


def manifest(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text())


def test_a_reference_is_written_into_the_manifest_and_its_server_finds_drift_from_it(
    project: Path, copy: Path, data: Path, tmp_path: Path
) -> None:
    done = slipway(project, "model", "reference", str(copy), str(data), "--format", "json")
    assert done.returncode == 0, done.stderr
    signals = json.loads(done.stdout)["signals"]
    assert manifest(copy)["reference"] == {"signals": signals}
    assert signals["class"] == [180, 20]
    assert {sum(counts) for counts in signals.values()} == {200}
    with running_server(tmp_path / "log", MODEL_DIR=str(copy)) as server:

        def has_drifted(text: str, times: int) -> bool:
            with httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client:
                for _ in range(times):
                    assert client.post("/predict", json={"text": [text] * 100}).status_code == 200
                return client.get("/quality").json()["signals"]["class"]["has_drifted"]

        assert not has_drifted(HAM, 1)
        assert has_drifted(SPAM, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one\ntwo\n", "has 2 lines with something in them; a reference needs 200"),
        (b"\xff" * 500, "which cannot be read: it is not UTF-8"),
        (None, "which cannot be read: No such file or directory"),
    ],
)
def test_data_that_make_no_reference_are_refused_and_nothing_is_written(
    project: Path, copy: Path, tmp_path: Path, text: str | bytes | None, message: str
) -> None:
    file = tmp_path / "data.txt"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert message in refused(project, "model", "reference", str(copy), str(file))
    assert "reference" not in manifest(copy)


def test_half_of_a_tables_rows_give_the_ranges_and_the_other_half_counts_what_is_outside(
    project: Path, tmp_path: Path
) -> None:
    model = passenger(tmp_path / "model")
    rows: list[Any] = [[20 + number % 29, "female", 7, True] for number in range(300)]
    rows[0] = {"ticket": 9, "sex": "", "age": None, "is member": False}  # the first half: 0, 2, 4, …
    rows[1] = [90, "male", 7, True]  # the second half
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)))
    done = slipway(project, "model", "reference", str(model), str(file), "--format", "json")
    assert done.returncode == 0, done.stderr
    reference = manifest(model)["reference"]
    assert reference["signals"]["range"] == [149, 1]
    assert reference["columns"] == {
        "age": {"least": 20, "most": 48},
        "sex": {"values": ["", "female"]},
        "ticket": {"least": 7, "most": 9},
    }
    with running_server(tmp_path / "log", MODEL_DIR=str(model)) as server:
        httpx.post(f"{server.url}/predict", json={"features": rows[1]}, headers=AUTHORIZED)
        found = httpx.get(f"{server.url}/quality", headers=AUTHORIZED).json()
        words = slipway(project, "quality", "--url", server.url, MODEL_API_KEY=KEY).stdout
    assert found["out_of_range"] == {"age": 1, "sex": 1, "ticket": 0}
    assert "age                  1 values that the reference did not have" in words
    assert "ticket" not in words


def test_a_column_without_a_range_has_none() -> None:
    names = [{"name": "free", "type": "string"}, {"name": "yes", "type": "bool"}, "empty", "number"]
    rows = [
        [f"text {number}", True, None, float("nan") if number else 3] for number in range(MOST_VALUES + 1)
    ]
    assert ranges_of(names, rows) == {"number": {"least": 3, "most": 3}}


def test_names_of_persons_are_no_categories_and_get_into_no_manifest() -> None:
    rows = [[f"person {number}", "abc"[number % 3]] for number in range(MOST_VALUES)]
    names = [{"name": "who", "type": "string"}, {"name": "class", "type": "string"}]
    assert ranges_of(names, rows) == {"class": {"values": ["a", "b", "c"]}}


def test_what_stands_for_null_is_in_the_range_and_a_short_row_is_none() -> None:
    features = [{"name": "n", "type": "int", "missing": -1}, {"name": "s", "type": "string", "missing": "?"}]
    rows: list[Any] = [[5, "a"], [None, None], {"s": "b"}, [6]] * 4
    assert ranges_of(features, rows) == {"n": {"least": -1, "most": 6}, "s": {"values": ["?", "a", "b"]}}


def test_ranges_stay_far_below_what_a_manifest_may_have() -> None:
    features = [{"name": f"c{place}", "type": "string"} for place in range(30)]
    rows = [[f"{number:0200}"] * 30 for number in range(MOST_VALUES)] * 5
    found = ranges_of(features, rows)
    assert 0 < len(found) < 30
    assert len(json.dumps(found)) <= MOST_BYTES
