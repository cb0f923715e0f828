import json
from pathlib import Path
from typing import Any

import pytest

from slipway.modeltools.training.card import model_card
from slipway.modeltools.training.scores import RATES

FOLDER = Path(__file__).parents[2] / "service" / "models" / "sms-spam"
CARD = (FOLDER / "README.md").read_text(encoding="utf-8")
METRICS: Any = json.loads((FOLDER / "metrics.json").read_text(encoding="utf-8"))


def test_the_card_is_the_one_that_the_metrics_give() -> None:
    assert model_card(METRICS) == CARD


@pytest.mark.parametrize("name", RATES)
def test_the_card_gives_each_score_of_both_precisions_with_its_interval(name: str) -> None:
    (row,) = [line for line in CARD.splitlines() if line.lower().startswith(f"| {name} |")]

    assert [cell.strip() for cell in row.split("|")[2:4]] == [
        "{value:.4f} ({low:.4f} to {high:.4f})".format(**METRICS[precision]["rates"][name])
        for precision in ("fp32", "int8")
    ]


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_each_score_lies_inside_its_interval(precision: str) -> None:
    for rate in METRICS[precision]["rates"].values():
        assert 0 <= rate["low"] <= rate["value"] <= rate["high"] <= 1
        assert rate["low"] < rate["high"]


def test_int8_loses_at_most_a_fifth_of_a_point_of_f1() -> None:
    assert METRICS["fp32"]["rates"]["f1"]["value"] - METRICS["int8"]["rates"]["f1"]["value"] <= 0.002


def test_the_scores_follow_from_the_counts_of_right_and_wrong_answers() -> None:
    for precision in ("fp32", "int8"):
        count, rates = METRICS[precision]["confusion"], METRICS[precision]["rates"]
        right = count["true_positive"]
        wrong = count["false_positive"] + count["false_negative"]
        assert rates["f1"]["value"] == pytest.approx(2 * right / (2 * right + wrong), abs=1e-6)
        assert sum(count.values()) == METRICS["split"]["test"]["messages"]


def test_the_parts_of_the_split_add_up_to_the_data() -> None:
    parts = METRICS["split"].values()

    assert sum(part["messages"] for part in parts) == METRICS["data"]["distinct_messages"]
    assert sum(part["groups"] for part in parts) == METRICS["data"]["near_duplicate_groups"]


def test_the_card_names_the_sizes_of_the_committed_files() -> None:
    for name in ("model.onnx", "tokenizer.json"):
        assert f"`{name}` ({(FOLDER / name).stat().st_size:,} bytes)" in CARD
        assert METRICS["file_bytes"][name] == (FOLDER / name).stat().st_size


def test_the_card_names_the_licences_and_the_command_that_trains_again() -> None:
    for expected in ("Apache-2.0", "CC BY 4.0", "Almeida", "make model DATA=path/to/sms_spam.tsv"):
        assert expected in CARD
