"""Rows with values that a model's reference did not have: which they are, and when they are drift."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from slipway.service.quality.drift import Sum, range_sums
from tests.service.metrics_pages import scraped
from tests.service.running_server import AUTHORIZED, RunningServer, running_server
from tests.service.tasks.table_model import passenger, regressor

INSIDE = [30.0, "S", 5, True]
COLUMNS: list[dict[str, Any]] = [
    {"name": "age", "type": "float", "example": 22.5},
    {"name": "sex", "type": "string", "example": "S"},
    {"name": "ticket", "type": "int", "example": 7},
    {"name": "is member", "type": "bool", "example": True},
]
RANGES = {
    "age": {"least": 18, "most": 60.5},
    "sex": {"values": ["C", "S"]},
    "ticket": {"least": 0, "most": 9},
}
REFERENCE = {"signals": {"range": [995, 5]}, "columns": RANGES}


def seen(server: RunningServer, rows: list[Any]) -> dict[str, Any]:
    with httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client:
        answer = client.post("/predict", json={"features": rows})
        assert answer.status_code == 200, answer.text
        return client.get("/quality").json()


def test_values_outside_are_counted_by_column_and_many_rows_are_drift(tmp_path: Path) -> None:
    model = passenger(tmp_path / "model", features=COLUMNS, reference=REFERENCE)
    with running_server(tmp_path / "log", MODEL_DIR=str(model)) as server:
        rows = [INSIDE, [60.6, "S", 10, False], [18, "Q", 9, True], [None, "C", 0, True]]
        found = seen(server, rows)
        assert found["out_of_range"] == {"age": 1, "sex": 1, "ticket": 1}
        assert found["signals"]["range"]["counts"] == [2, 2]
        assert not found["signals"]["range"]["has_drifted"]
        assert seen(server, [[99, "S", 5, True]] * 50)["signals"]["range"]["has_drifted"]
        page = scraped(server.metrics_url)
        assert page.value("slipway_out_of_range_values_total", column="age") == 51
        assert page.value("slipway_drift", signal="range") == 1


def test_a_regressor_has_the_signal_too(tmp_path: Path) -> None:
    columns = {"sepal length": {"least": 4, "most": 8}}
    model = regressor(tmp_path / "model", reference={"signals": {}, "columns": columns})
    with running_server(tmp_path / "log", MODEL_DIR=str(model)) as server:
        found = seen(server, [[5, 3, 1, 1], [9, 3, 1, 1]])
    assert found["signals"]["range"]["counts"] == [1, 1]
    assert found["out_of_range"] == {"sepal length": 1}


def outside(chance: np.random.Generator, rows: int, least: Any, most: Any, moved: float = 0.0) -> list[int]:
    values = chance.normal(0, 1, (rows, 5))
    values[:, 0] += moved
    return ((values < least) | (values > most)).any(axis=1).astype(int).tolist()


def judged(seed: int, rows: int, moved: float) -> int:
    """Return the alarms of a reference of 2000 rows, of which half give the ranges and half the counts."""
    chance = np.random.default_rng(seed)
    giving = chance.normal(0, 1, (1000, 5))
    least, most = giving.min(axis=0), giving.max(axis=0)
    far = sum(outside(chance, 1000, least, most))
    sums: list[Sum] = range_sums([1000 - far, far])
    return sum(each.add(place) for place in outside(chance, rows, least, most, moved) for each in sums)


def test_without_a_shift_20_runs_of_100_000_rows_raise_one_alarm_at_most() -> None:
    assert sum(judged(seed, 100_000, 0) for seed in range(20)) <= 1


@pytest.mark.parametrize("moved", [3.0, -3.0])
def test_a_column_that_moved_is_found_within_500_rows_in_19_of_20_runs(moved: float) -> None:
    assert sum(judged(seed, 500, moved) > 0 for seed in range(100)) >= 95
