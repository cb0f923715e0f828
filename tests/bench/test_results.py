from pathlib import Path

import pytest
from pydantic import ValidationError

from bench.results import SLIPWAY, Results, limit_medians, rows, single_over_call
from tests.bench.made_results import block, measured, results


def test_a_ratio_is_formed_round_by_round_so_a_slow_round_tells_against_nobody():
    ours = rows(results())[0]
    assert ours.over_limit["short/64"] == pytest.approx(0.95)
    assert ours.per_second["short/64"] == pytest.approx(712.5)


def test_slipway_comes_first_and_counts_the_rounds_of_every_block():
    found = Results(
        blocks={
            "one": block([100.0], measured("One", "default", [10]), measured(SLIPWAY, "default", [90])),
            "two": block([200.0], measured(SLIPWAY, "default", [160]), measured("Two", "default", [20])),
        }
    )
    assert [row.name for row in rows(found)] == [SLIPWAY, "One", "Two"]
    assert rows(found)[0].over_limit["mixed/8"] == pytest.approx(0.85)
    assert limit_medians(found) == {"short": 150.0, "mixed": 150.0}


def test_the_single_connection_is_compared_with_the_call_of_the_same_round():
    assert single_over_call(results()) == pytest.approx(10 / 8)
    assert single_over_call(Results()) is None


def test_results_are_read_as_they_were_written(tmp_path: Path):
    file = tmp_path / "deeper" / "results.json"
    results().write(file)
    assert Results.read(file) == results()


def test_no_file_means_no_results_yet_and_another_file_is_refused(tmp_path: Path):
    assert Results.read(tmp_path / "absent") == Results()
    (tmp_path / "other").write_text('{"something": 1}')
    with pytest.raises(ValidationError, match="something"):
        Results.read(tmp_path / "other")
