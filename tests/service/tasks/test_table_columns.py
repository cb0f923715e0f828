"""Columns of a table: by name or position, of every type, missing, exact, checked against the graph."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from onnx import TensorProto

from slipway.service.faults import BadModel, InvalidInput
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS
from tests.service.running_server import AUTHORIZED, running_server
from tests.service.tasks.table_model import (
    FEATURES,
    PASSENGER,
    answered,
    classifier,
    expected,
    folder_of,
    make,
    passenger,
    written,
)
from tests.service.tasks.trained_models import boosted_trees, pipeline

BASE = 1 << 60
ROW: dict[str, Any] = {"age": 22, "sex": "female", "ticket": BASE + 1, "is member": True}
FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    folder = tmp_path_factory.mktemp("columns")
    model = str(passenger(folder / "model"))
    with (
        running_server(folder / "log", MODEL_DIR=model, MAX_TEXT_CHARACTERS="50") as server,
        httpx.Client(base_url=server.url, headers=AUTHORIZED, timeout=60) as client,
    ):
        yield client


def value(client: httpx.Client, features: object) -> float:
    answer = client.post("/predict", json={"features": features})
    assert answer.status_code == 200, answer.text
    return answer.json()["value"]


def faults(client: httpx.Client, features: object) -> list[tuple[str, str]]:
    answer = client.post("/predict", json={"features": features})
    assert answer.status_code == 422, answer.text
    return [(error["pointer"], error["detail"]) for error in answer.json()["errors"]]


def test_a_row_is_a_list_or_an_object_in_any_order(client: httpx.Client):
    assert value(client, ROW) == 22 + 100 + 1 + 1000
    assert value(client, list(ROW.values())) == 22 + 100 + 1 + 1000
    assert value(client, dict(reversed(ROW.items()))) == 22 + 100 + 1 + 1000


def test_a_list_may_have_rows_of_both_forms(client: httpx.Client):
    answer = client.post("/predict", json={"features": [ROW, [1, "male", BASE, False]]}).json()
    assert [one["value"] for one in answer["predictions"]] == [1123, 1]


def test_null_in_a_column_of_floats_is_a_missing_value(client: httpx.Client):
    assert value(client, ROW | {"age": None}) == 30 + 100 + 1 + 1000


def test_null_in_other_columns_is_refused_with_their_names(client: httpx.Client):
    nulls = {"sex": None, "ticket": None, "is member": None}
    said = faults(client, ROW | nulls)
    assert [pointer for pointer, _ in said] == ["#/features/sex", "#/features/ticket", "#/features/is member"]
    assert all("is null, but a column of type" in detail for _, detail in said)
    assert faults(client, [22, None, BASE, True])[0] == (
        "#/features/1",
        "is null, but a column of type string has no missing value here; it takes a string (column 'sex')",
    )


def test_null_stands_for_what_the_manifest_says(tmp_path: Path):
    columns = [dict(column) for column in PASSENGER]
    columns[1]["missing"], columns[2]["missing"], columns[3]["missing"] = "", BASE, True
    folder = passenger(tmp_path / "model", features=columns)
    assert answered(folder, [22, None, None, None])["value"] == 22 + 200 + 0 + 1000
    assert answered(folder, dict.fromkeys(ROW))["value"] == 30 + 200 + 0 + 1000


def test_a_column_of_floats_refuses_null_where_the_manifest_says_so(tmp_path: Path):
    columns = [dict(column) for column in PASSENGER]
    columns[0]["missing"] = False
    folder = passenger(tmp_path / "model", features=columns)
    assert answered(folder, ROW)["value"] == 22 + 100 + 1 + 1000
    with pytest.raises(InvalidInput, match="is null, but a column of type float has no missing value here"):
        answered(folder, ROW | {"age": None})


@pytest.mark.parametrize("ticket", [BASE, BASE + 1, BASE + 7, BASE - 1])
def test_a_column_of_integers_keeps_large_ones_exact(client: httpx.Client, ticket: int):
    assert value(client, [0, "male", ticket, False]) == ticket - BASE


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"ticket": 5.0}, "ticket", "is written with a fraction or an exponent"),
        ({"ticket": "5"}, "ticket", "is not a whole number"),
        ({"ticket": True}, "ticket", "is not a whole number"),
        ({"ticket": 1 << 63}, "ticket", "is above 9223372036854775807"),
        ({"ticket": -(1 << 63) - 1}, "ticket", "is below -9223372036854775808"),
        ({"age": "22"}, "age", "is not a number"),
        ({"age": True}, "age", "is not a number"),
        ({"sex": 1}, "sex", "is not a string"),
        ({"sex": "é" * 51}, "sex", "has more than 50 characters"),
        ({"is member": 1}, "is member", "is not true or false"),
        ({"is member": "true"}, "is member", "is not true or false"),
        ({"Age": 22}, "Age", "is not a column of the model; did you mean 'age'?"),
        ({"is_member": True}, "is_member", "is not a column of the model; did you mean 'is member'?"),
        ({"fare": 22}, "fare", "is not a column of the model; the model takes age, sex, ticket, is member"),
    ],
)
def test_what_a_column_does_not_take_is_refused_with_its_name(
    client: httpx.Client, change: dict[str, Any], pointer: str, said: str
):
    [(place, detail)] = faults(client, ROW | change)
    assert place == f"#/features/{pointer}"
    assert said in detail


def test_a_missing_column_is_named_with_the_field_that_is_near(client: httpx.Client):
    row = {name: ROW[name] for name in ("age", "sex", "is member")} | {"Ticket": BASE}
    assert faults(client, [row]) == [
        ("#/features/0/Ticket", "is not a column of the model; did you mean 'ticket'?"),
        ("#/features/0/ticket", "is required; near it is 'Ticket'"),
    ]


def test_of_many_wrong_names_the_first_twenty_are_reported(client: httpx.Client):
    answer = client.post("/predict", json={"features": [{f"column {place}": 1 for place in range(9000)}] * 3})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 20
    assert "more than 20 faults in all" in answer.json()["detail"]


def test_strings_may_hold_any_character(client: httpx.Client):
    for text in ("", "\x00", "é€ 😀", "a\nb", "\\"):
        assert value(client, [22, text, BASE, False]) == 22 + (200 if text == "" else 0)


def test_a_column_with_values_takes_no_other_and_names_the_nearest(tmp_path: Path):
    columns = [dict(column) for column in PASSENGER]
    columns[1]["values"] = ["male", "female"]
    folder = passenger(tmp_path / "model", features=columns)
    assert answered(folder, [22, "male", BASE, False])["value"] == 22
    with pytest.raises(InvalidInput, match=r"sex is not one of the column's values; did you mean 'female'\?"):
        answered(folder, ROW | {"sex": "femal"})
    with pytest.raises(InvalidInput, match="allowed are 'male', 'female'"):
        answered(folder, ROW | {"sex": "x"})


def through(folder: Path, kind: int, columns: list[Any]) -> Path:
    """Write a graph that gives back the one column it takes, as a double."""
    inputs = [make.make_tensor_value_info("X", kind, [None, 1])]
    nodes = [make.make_node("Cast", ["X"], ["out"], to=DOUBLE)]
    output = make.make_tensor_value_info("out", DOUBLE, [None, 1])
    return written(folder, nodes, [output], inputs, features=columns, example=[])


def test_a_graph_of_doubles_gets_doubles(tmp_path: Path):
    folder = through(tmp_path / "model", DOUBLE, [{"name": "x", "type": "double"}])
    assert answered(folder, [0.1])["value"] == 0.1
    assert answered(folder, [1e300])["value"] == 1e300
    assert answered(folder, [(1 << 53) - 1])["value"] == (1 << 53) - 1
    with pytest.raises(InvalidInput, match="would take as 9007199254740992"):
        answered(folder, [(1 << 53) + 1])


def test_a_whole_number_that_float32_would_change_is_refused(tmp_path: Path):
    folder = through(tmp_path / "model", FLOAT, ["x"])
    assert answered(folder, [1 << 24])["value"] == 1 << 24
    assert answered(folder, [(1 << 24) + 2])["value"] == (1 << 24) + 2
    with pytest.raises(InvalidInput) as refused:
        answered(folder, [[1], [(1 << 24) + 1]])
    assert refused.value.errors[0].pointer == "#/features/1/0"
    assert refused.value.errors[0].detail == (
        "is a whole number that the model would take as 16777216; send that one, or write it with a "
        "fraction (.0) to have it rounded (column 'x')"
    )
    assert answered(folder, [16777217.0])["value"] == 1 << 24


def test_integers_and_booleans_may_go_into_floats(tmp_path: Path):
    columns = [{"name": FEATURES[0], "type": "int"}, *FEATURES[1:3], {"name": FEATURES[3], "type": "bool"}]
    folder = classifier(tmp_path / "model", features=columns, example=[])
    answer = answered(folder, dict(zip(FEATURES, [5, 3.5, 1.4, True], strict=True)))
    assert answer["proba"] == pytest.approx(expected([5, 3.5, 1.4, 1]).max(), abs=1e-5)
    with pytest.raises(InvalidInput, match=r"would take as 16777216; send that one \(column"):
        answered(folder, [16777217, 3.5, 1.4, True])


def test_an_input_for_each_type_takes_the_columns_in_order(tmp_path: Path):
    inputs = [
        make.make_tensor_value_info("numbers", FLOAT, [None, 2]),
        make.make_tensor_value_info("texts", STRING, [None, 1]),
    ]
    codes = {"keys_strings": ["b"], "values_floats": [100.0], "default_float": 0.0}
    nodes = [
        make.make_node("ReduceSum", ["numbers", "axis"], ["sum"], keepdims=1),
        make.make_node("LabelEncoder", ["texts"], ["code"], domain="ai.onnx.ml", **codes),
        make.make_node("Add", ["sum", "code"], ["out"]),
    ]
    nodes.insert(0, make.make_node("Constant", [], ["axis"], value_ints=[1]))
    output = make.make_tensor_value_info("out", FLOAT, [None, 1])
    columns = ["x", "y", {"name": "z", "type": "string"}]
    folder = written(tmp_path / "model", nodes, [output], inputs, features=columns, example=[])
    assert answered(folder, {"z": "b", "y": 20, "x": 1})["value"] == 121
    assert answered(folder, [1, 20, "a"])["value"] == 21


def test_a_value_on_which_the_model_fails_is_refused_and_its_row_named(tmp_path: Path):
    known = {"domain": "ai.onnx.ml", "cats_strings": ["a", "b"], "zeros": 0}
    nodes = [
        make.make_node("OneHotEncoder", ["X"], ["hot"], **known),
        make.make_node("ReduceMax", ["hot"], ["most"], axes=[2], keepdims=0),
    ]
    inputs = [make.make_tensor_value_info("X", STRING, [None, 1])]
    output = make.make_tensor_value_info("most", FLOAT, [None, 1])
    columns = [{"name": "x", "type": "string", "example": "a"}]
    folder = written(tmp_path / "model", nodes, [output], inputs, features=columns, example=[])
    assert answered(folder, ["b"])["value"] == 1
    with pytest.raises(InvalidInput, match=r"features\[301\]: the model cannot compute this row"):
        answered(folder, [["a"]] * 301 + [["c"], ["b"]])
    columns[0]["example"] = "c"
    folder = written(tmp_path / "other", nodes, [output], inputs, features=columns, example=[])
    with pytest.raises(BadModel, match=r"give `example` in manifest\.json one"):
        answered(folder, ["a"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"type": "str"}, "features.0.type: Input should be 'float', 'double', 'int', 'string' or 'bool'"),
        ({"tpye": "int"}, "features.0.tpye: is no key of a manifest; did you mean 'type'"),
        ({"name": ""}, "features.0.name: String should have at least 1 character"),
        ({"name": "sex"}, "features: 'sex' occurs more than once"),
        ({"example": "22"}, "features.0: '22' is not a number"),
        ({"values": [1, 2]}, "features.0: values are for the types int and string"),
        ({"type": "int", "values": [1, True]}, "features.0: True is not a whole number"),
        ({"type": "int", "values": [1, 1]}, "features.0: values of 'age' has a value more than once"),
        ({"type": "int", "values": [1], "example": 2}, "features.0: example of 'age' is 2, which is not in"),
        ({"type": "bool", "example": True, "missing": 0}, "features.0: 0 is not true or false"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(tmp_path: Path, change: dict[str, Any], said: str):
    columns = [{**PASSENGER[0], **change}, *PASSENGER[1:]]
    folder = passenger(tmp_path / "model", features=columns)
    with pytest.raises(BadModel) as refused:
        Manifest.read(folder, TASKS)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("place", "change", "said"),
    [
        (0, {"name": "aeg"}, "'aeg' is in manifest.json alone (near is 'age'). Name the columns"),
        (1, {"type": "float", "example": 1}, "'sex' of type float; its input sex is tensor(string) [?, 1]"),
        (2, {"type": "double", "example": 1}, 'Correct its type there: {"name": "ticket", "type": "int"}'),
        (0, {"type": "double"}, "which takes the types float and int and bool"),
        (3, {"type": "int"}, "its input is member is tensor(bool) [?, 1]"),
    ],
)
def test_columns_other_than_the_graphs_are_refused_with_what_to_write(
    tmp_path: Path, place: int, change: dict[str, Any], said: str
):
    columns: list[dict[str, Any]] = [dict(column) for column in PASSENGER]
    columns[place] |= change
    with pytest.raises(BadModel) as refused:
        answered(passenger(tmp_path / "model", features=columns), ROW)
    assert said in str(refused.value)


def test_an_input_that_is_no_tables_is_refused(tmp_path: Path):
    folder = through(tmp_path / "model", TensorProto.FLOAT16, ["x"])
    with pytest.raises(BadModel, match=r"input X is tensor\(float16\) \[\?, 1\]; a table's inputs are"):
        answered(folder, [1])


def test_the_document_describes_each_column(client: httpx.Client):
    document = client.get("/openapi.json").json()
    features = document["components"]["schemas"]["TabularRequest"]["properties"]["features"]
    by_name, by_position = features["oneOf"][0]["anyOf"]
    kinds = {"age": ["number", "null"], "sex": "string", "ticket": "integer", "is member": "boolean"}
    assert {name: column["type"] for name, column in by_name["properties"].items()} == kinds
    assert [column["type"] for column in by_position["prefixItems"]] == list(kinds.values())
    content = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    for example in content["examples"].values():
        assert client.post("/predict", json=example["value"]).status_code == 200


def test_the_page_has_a_field_for_each_column(client: httpx.Client):
    page = client.get("/").text
    assert 'data-field="features"' in page
    for column in PASSENGER:
        assert f'data-column="{column["name"]}"' in page


@pytest.mark.skipif(
    importlib.util.find_spec("skl2onnx") is None,
    reason="skl2onnx is not installed here; `make test-torch` runs this where it is",
)
@pytest.mark.parametrize("zip_maps", [True, False])
def test_a_pipeline_of_scikit_learn_answers_as_it_does_itself(tmp_path: Path, zip_maps: bool):
    content, columns, rows, probabilities = pipeline(zip_maps)
    folder = folder_of(tmp_path / "model", content, features=columns, labels=[0, 1], example=[])
    answer = answered(folder, rows, top=2)["predictions"]
    for one, chances in zip(answer, probabilities, strict=True):
        assert {each["label"]: each["proba"] for each in one["top"]} == pytest.approx(chances, abs=1e-5)


@pytest.mark.skipif(
    importlib.util.find_spec("onnxmltools") is None or importlib.util.find_spec("lightgbm") is None,
    reason="onnxmltools and lightgbm are not installed here: install both to run this",
)
@pytest.mark.parametrize("zip_maps", [True, False])
def test_a_model_of_lightgbm_answers_as_it_does_itself(tmp_path: Path, zip_maps: bool):
    content, rows, probabilities = boosted_trees(zip_maps)
    columns = ["age", {"name": "rooms", "type": "int"}]
    folder = folder_of(tmp_path / "model", content, features=columns, labels=[0, 1], example=[])
    answer = answered(folder, rows, top=2)["predictions"]
    for one, chances in zip(answer, probabilities, strict=True):
        assert {each["label"]: each["proba"] for each in one["top"]} == pytest.approx(chances, abs=1e-5)
