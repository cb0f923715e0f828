"""Labels of a table's answer: their probabilities, best first, and the ways in which graphs give them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from slipway.service.faults import BadModel, InvalidInput
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.service.tasks.table_model import (
    EXAMPLE,
    LABELS,
    answered,
    classifier,
    expected,
    make,
    passenger,
    written,
)

FLOAT, INT64, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.STRING


def test_the_labels_asked_for_come_with_their_probabilities_best_first(tmp_path: Path):
    folder = classifier(tmp_path / "model")
    probabilities = expected([6.0, 2.7, 4.5, 1.5])
    order = [int(place) for place in np.argsort(-probabilities)]
    for top in (1, 2, 3):
        answer = answered(folder, [6.0, 2.7, 4.5, 1.5], top=top)
        assert answer["label"] == answer["top"][0]["label"]
        assert [each["label"] for each in answer["top"]] == [LABELS[place] for place in order[:top]]
        chances = [each["proba"] for each in answer["top"]]
        assert chances == pytest.approx([probabilities[place] for place in order[:top]], abs=1e-5)
    many = answered(folder, [list(EXAMPLE)] * 2, top=2)["predictions"]
    assert [len(one["top"]) for one in many] == [2, 2]


@pytest.mark.parametrize("top", [0, 4, "2", True, 1.0])
def test_more_labels_than_there_are_or_none_cannot_be_asked_for(tmp_path: Path, top: object):
    with pytest.raises(InvalidInput, match="top is "):
        answered(classifier(tmp_path / "model"), EXAMPLE, top=top)


def test_a_regressor_has_no_labels_to_ask_for(tmp_path: Path):
    with pytest.raises(InvalidInput, match="top is not a field of this request"):
        answered(passenger(tmp_path / "model"), [22, "female", 1, True], top=1)


def zip_map(folder: Path, labels: list[Any], keys: dict[str, Any], kind: int) -> Path:
    """Write what skl2onnx writes by default: probabilities, here the row itself, as a list of maps."""
    nodes = [make.make_node("ZipMap", ["X"], ["probs"], domain="ai.onnx.ml", **keys)]
    of_maps = make.make_map_type_proto(kind, make.make_tensor_type_proto(FLOAT, []))
    output = make.make_value_info("probs", make.make_sequence_type_proto(of_maps))
    return written(folder, nodes, [output], labels=labels, example=[0.1, 0.2, 0.3, 0.4])


@pytest.mark.parametrize("labels", [["d", "c", "b", "a"], ["a", "b", "c", "d"]])
def test_probabilities_in_maps_are_found_by_their_labels(tmp_path: Path, labels: list[str]):
    folder = zip_map(tmp_path / "model", labels, {"classlabels_strings": ["d", "c", "b", "a"]}, STRING)
    answer = answered(folder, [0.1, 0.2, 0.3, 0.4], top=4)
    assert [each["label"] for each in answer["top"]] == ["a", "b", "c", "d"]
    assert [each["proba"] for each in answer["top"]] == pytest.approx([0.4, 0.3, 0.2, 0.1], abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "best"), [([7, 8, 9, 10], 10), (["7", "8", "9", "10"], "10"), (["a", "b", "c", "d"], "d")]
)
def test_labels_may_be_integers_and_integers_may_have_names(
    tmp_path: Path, labels: list[Any], best: str | int
):
    folder = zip_map(tmp_path / "model", labels, {"classlabels_int64s": [7, 8, 9, 10]}, INT64)
    assert answered(folder, [0.1, 0.2, 0.3, 0.4])["label"] == best


def test_maps_with_other_labels_than_the_manifests_are_refused(tmp_path: Path):
    folder = zip_map(tmp_path / "strings", list("abce"), {"classlabels_strings": list("abcd")}, STRING)
    with pytest.raises(BadModel, match=r"has the labels \['a', 'b', 'c', 'd'\]; manifest.json has"):
        answered(folder, EXAMPLE)
    folder = zip_map(tmp_path / "integers", [0, 1, 2, 3], {"classlabels_int64s": [1, 2, 3, 4]}, INT64)
    with pytest.raises(BadModel, match="List the graph's own"):
        answered(folder, EXAMPLE)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a", 1], "labels: allowed are strings that are not empty, or whole numbers"),
        (["a", ""], "labels: allowed are strings"),
        ([1.5, 2.5], "labels: allowed are strings"),
        ([1, 1], "labels: '1' occurs more than once"),
    ],
)
def test_labels_that_are_no_names_are_refused(tmp_path: Path, labels: list[Any], said: str):
    with pytest.raises(BadModel, match=said):
        Manifest.read(classifier(tmp_path / "model", labels=labels), TASKS)
