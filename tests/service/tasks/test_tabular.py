"""`task: tabular` over HTTP, with models whose answers numpy computes too."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from slipway.service.faults import BadModel
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.service.running_server import AUTHORIZED, RunningServer, failed_start, running_server
from tests.service.tasks.table_model import (
    EXAMPLE,
    FEATURES,
    LABELS,
    answered,
    classifier,
    expected,
    expected_value,
    make,
    regressor,
    written,
)

JSON = {"Content-Type": "application/json"}
ROWS = [[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 4.5, 1.5], [6.9, 3.1, 5.4, 2.1]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    folder = tmp_path_factory.mktemp("tabular")
    model = classifier(folder / "iris")
    with running_server(folder / "log", MODEL_DIR=str(model), MAX_TEXTS="600") as server:
        yield server


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client:
        yield client


def test_a_row_is_answered_with_the_most_probable_label(client: httpx.Client):
    for row in ROWS:
        answer = client.post("/predict", json={"features": row}).json()
        assert answer.keys() == {"label", "proba", "latency_ms", "model_version"}
        assert answer["label"] == LABELS[int(expected(row).argmax())]
        assert answer["proba"] == pytest.approx(expected(row).max(), abs=1e-5)
        assert answer["model_version"].startswith("iris-1.0.0+")


def test_whole_numbers_are_numbers_too(client: httpx.Client):
    answer = client.post("/predict", json={"features": [5, 3, 1, 0]}).json()
    assert answer["proba"] == pytest.approx(expected([5, 3, 1, 0]).max(), abs=1e-5)


@pytest.mark.parametrize("count", [1, 3, 256, 257, 600])
def test_rows_are_answered_in_their_order(client: httpx.Client, count: int):
    rows = [ROWS[place % 3] for place in range(count)]
    answer = client.post("/predict", json={"features": rows}).json()
    assert [one["label"] for one in answer["predictions"]] == [
        LABELS[int(expected(row).argmax())] for row in rows
    ]
    assert answer.keys() == {"predictions", "latency_ms", "model_version"}


@pytest.mark.parametrize(
    ("features", "pointer", "said"),
    [
        ([5.1, 3.5, 1.4], "#/features", f"has 3 values; the model takes 4: {', '.join(FEATURES)}"),
        ([5.1, 3.5, 1.4, 0.2, 1], "#/features", "has 5 values; the model takes 4"),
        ([], "#/features", "has 0 values; the model takes 4"),
        ([ROWS[0], ROWS[1][:2]], "#/features/1", "has 2 values; the model takes 4"),
        ([ROWS[0], 3], "#/features/1", "is not a list"),
        ([5.1, "3.5", 1.4, 0.2], "#/features/1", "is not a number"),
        ([5.1, True, 1.4, 0.2], "#/features/1", "is not a number"),
        ([5.1, 3.5, 1.4, 1e39], "#/features/3", "is above 3.40282"),
        ([ROWS[0], [0, 0, 0, -1e39]], "#/features/1/3", "is below -3.40282"),
        ([5.1, [3.5], 1.4, 0.2], "#/features/1", "is not a number"),
        ("5.1", "#/features", "is not a list"),
        ({"a": 1}, "#/features/a", "is not a column of the model; the model takes sepal length"),
        ([ROWS[0]] * 601, "#/features", "has 601 rows; at most 600 are allowed in one call"),
    ],
)
def test_what_is_no_row_is_refused_with_its_place(
    client: httpx.Client, features: object, pointer: str, said: str
):
    answer = client.post("/predict", json={"features": features})
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert said in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 400])
def test_what_is_not_finite_is_refused(client: httpx.Client, number: str):
    body = f'{{"features": [5.1, {number}, 1.4, 0.2]}}'
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert "features[1] is not a finite number" in answer.json()["detail"]


def test_rows_are_counted_before_they_are_looked_at(client: httpx.Client):
    answer = client.post("/predict", content=b'{"features": [' + b"[]," * 600 + b"[]]}", headers=JSON)
    assert answer.json()["detail"] == "features has 601 rows; at most 600 are allowed in one call"


def test_numbers_are_counted_before_they_are_looked_at(client: httpx.Client):
    answer = client.post("/predict", json={"features": ["a"] * 5})
    assert answer.json()["detail"].startswith("features has 5 values; the model takes 4")


def test_of_rows_with_many_faults_the_first_twenty_are_named(client: httpx.Client):
    answer = client.post("/predict", json={"features": [ROWS[0], ["a", 1, True, 2], [1], *[["b"] * 4] * 500]})
    assert answer.json()["detail"] == (
        "features[1][0] is not a number (column 'sepal length'); more than 20 faults in all"
    )
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers[:4] == ["#/features/1/0", "#/features/1/2", "#/features/2", "#/features/3/0"]
    assert len(pointers) == 20


def test_a_table_far_too_long_is_refused_by_its_lists(client: httpx.Client):
    answer = client.post("/predict", content=b'{"features": [' + b"[]," * 690_000 + b"[]]}", headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "the body has more than 3400 lists and objects; at most 600 rows are allowed in one call"
    )


def test_other_fields_and_other_tasks_requests_are_refused(client: httpx.Client):
    assert client.post("/predict", json={"text": "hello"}).status_code == 422
    answer = client.post("/predict", json={"features": ROWS[0], "truncate": True})
    assert "truncate is not a field of this request" in answer.json()["detail"]


numbers = st.floats(allow_nan=True) | st.integers() | st.none() | st.text(max_size=3)


@given(st.recursive(numbers, lambda inner: st.lists(inner, max_size=5), max_leaves=12))
def test_no_features_whatever_they_are_end_in_an_error_of_the_server(client: httpx.Client, features: object):
    body = json.dumps({"features": features})
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400, 422), answer.text


def test_the_document_names_features_labels_and_the_models_own_example(client: httpx.Client):
    document = client.get("/openapi.json").json()
    operation = document["paths"]["/predict"]["post"]
    assert all(name in operation["description"] for name in (*FEATURES, *LABELS))
    content = operation["requestBody"]["content"]["application/json"]
    assert content["examples"]["one row"]["value"] == {"features": list(EXAMPLE)}


def test_a_regressor_answers_with_a_value(tmp_path: Path):
    folder = regressor(tmp_path / "model")
    assert answered(folder, ROWS[0])["value"] == pytest.approx(expected_value(ROWS[0]), rel=1e-5)
    values = [one["value"] for one in answered(folder, ROWS)["predictions"]]
    np.testing.assert_allclose(values, [expected_value(row) for row in ROWS], rtol=1e-5)


def test_without_an_example_zeros_are_tried(tmp_path: Path):
    folder = regressor(tmp_path / "model", example=[])
    assert answered(folder, [0, 0, 0, 0])["value"] == pytest.approx(expected_value([0, 0, 0, 0]), rel=1e-5)


def logarithm(folder: Path) -> Path:
    """Of the first column: not finite at 0 and below."""
    nodes = [
        make.make_node("Slice", ["X", "first", "end", "columns"], ["column"]),
        make.make_node("Log", ["column"], ["variable"]),
    ]
    constants = {"first": [0], "end": [1], "columns": [1]}
    nodes = [make.make_node("Constant", [], [name], value_ints=at) for name, at in constants.items()] + nodes
    output = make.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])
    return written(folder, nodes, [output])


def test_a_row_for_which_the_model_gives_no_number_is_refused_and_named(tmp_path: Path):
    folder = logarithm(tmp_path / "model")
    assert answered(folder, EXAMPLE)["value"] == pytest.approx(math.log(EXAMPLE[0]), rel=1e-6)
    with pytest.raises(Exception, match=r"features\[1\]: the model gives no finite number") as refused:
        answered(folder, [ROWS[0], [0, 1, 1, 1]])
    assert type(refused.value).__name__ == "InvalidInput"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"features": []}, "features: got none; list the columns"),
        ({"features": ["a", ""]}, "features.1.name: String should have at least 1 character"),
        ({"labels": ["one"]}, r"labels: got 1; allowed are none \(a regressor\), or two and more"),
        ({"example": [1, 2]}, "example: got 2 values; features has 4"),
        ({"example": ["a", 1, 1, 1]}, "example.0: Input should be a valid number"),
        ({"files": {}}, r"files lacks \['model.onnx'\]; engine 'onnx' needs model.onnx"),
        ({"engine": "torch"}, "engine is 'torch'; a model of the task 'tabular' is served by 'onnx'"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], told: str):
    folder = classifier(tmp_path / "model", **changes)
    with pytest.raises(BadModel, match=told):
        Manifest.read(folder, TASKS)


def identity(folder: Path, kind: int, shape: list[int | None], **changes: Any) -> Path:
    """Its input as its output, so that its shape and numbers are the example's."""
    nodes = [make.make_node("Cast", ["X"], ["out"], to=kind)]
    return written(folder, nodes, [make.make_tensor_value_info("out", kind, shape)], **changes)


def a_column_each(folder: Path) -> Path:
    inputs = [make.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("a", "b")]
    output = make.make_tensor_value_info("sum", TensorProto.FLOAT, [None, 1])
    return written(folder, [make.make_node("Add", ["a", "b"], ["sum"])], [output], inputs)


FLOAT, INT64, DOUBLE = TensorProto.FLOAT, TensorProto.INT64, TensorProto.DOUBLE


BUILDS: list[tuple[Callable[[Path], Path], str]] = [
    (
        a_column_each,
        r"an input for each column, and .a. is in the graph alone.*\{.name.: .a., .type.: .float.\}",
    ),
    (
        lambda folder: classifier(folder, features=["a", "b"], example=[]),
        r"inputs are X tensor\(float\) \[\?, 4\]; manifest.json has 2 features",
    ),
    (
        lambda folder: classifier(folder, labels=["a", "b"]),
        "has the shape .* for 1 rows; expected .*, as manifest.json has 2 labels",
    ),
    (lambda folder: classifier(folder, labels=[]), "outputs are label .*; expected one, tensor"),
    (
        lambda folder: identity(folder, INT64, [None, 4], labels=list(FEATURES)),
        "outputs are out tensor.int64.*; expected probabilities",
    ),
    (
        lambda folder: identity(folder, FLOAT, [None, 4]),
        r"has the shape \[1, 4\] for 1 rows; expected \[1\] or \[1, 1\], as manifest.json has no labels",
    ),
    (
        lambda folder: identity(folder, FLOAT, [None, 4], labels=list(FEATURES)),
        r"gives \[5\.\d+, 3\.5, .*\] for the example row, which are no probabilities",
    ),
]


@pytest.mark.parametrize(
    ("build", "told"),
    BUILDS,
    ids=["columns", "features", "labels", "no labels", "integers", "not one value", "no chances"],
)
def test_a_graph_that_does_not_fit_is_refused_at_load(
    tmp_path: Path, build: Callable[[Path], Path], told: str
):
    with pytest.raises(BadModel, match=f"(?s){told}"):
        answered(build(tmp_path / "model"), EXAMPLE)


def test_doubles_are_taken_as_probabilities(tmp_path: Path):
    folder = identity(
        tmp_path / "model", DOUBLE, [None, 4], labels=list(FEATURES), example=[0.1, 0.2, 0.3, 0.4]
    )
    answer = answered(folder, [0.4, 0.3, 0.2, 0.1])
    assert (answer["label"], answer["proba"]) == (FEATURES[0], pytest.approx(0.4, abs=1e-6))


def test_the_server_says_why_it_does_not_start(tmp_path: Path):
    code, log, _ = failed_start(MODEL_DIR=str(a_column_each(tmp_path / "model")))
    assert (code, log[-1]["cause"]) == (2, "bad_model")
    assert "has an input for each column" in log[-1]["message"]
