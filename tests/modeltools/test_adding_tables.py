"""Models of scikit-learn, XGBoost and LightGBM become graphs that answer as they do, in the real confinement.

`make test-tables` runs these where the conversion's environment is; elsewhere they are skipped.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from slipway.infra.confinement.command import open_doors
from slipway.infra.errors import Refused
from slipway.infra.model.conversion_env import TABLES
from slipway.infra.model.table_conversion import converted, warning
from slipway.modeltools.adding.kind import kind_of
from slipway.modeltools.adding.options import Options
from slipway.modeltools.adding.report import Report, served
from slipway.modeltools.adding.table import make
from slipway.service.faults import BadModel, BadSettings, InvalidInput
from tests.checkout import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not TABLES.is_made(), reason=".venv-convert is not here; `make test-tables` makes it (90 MB, once)"
    ),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    script = ROOT / "tests/modeltools/table_models.py"
    done = subprocess.run(
        [TABLES.python, script, folder], check=False, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return folder


def convert(source: Path, tmp_path: Path, examples: Path | None = None) -> Path:
    tmp_path.mkdir(exist_ok=True)
    name, kind = kind_of(source)
    assert kind.environment == "tables"
    out, home = tmp_path / "converted", tmp_path / "home"
    out.mkdir()
    home.mkdir()
    converted(TABLES.python, name, source, out, home, examples)
    return out


def added(out: Path, tmp_path: Path, **options: Any) -> tuple[Report, dict[str, Any]]:
    made = tmp_path / "mine"
    made.mkdir()
    report = make(out, made, Options(**options))
    return report, json.loads((made / "manifest.json").read_text())


@pytest.mark.parametrize(
    ("name", "features", "labels"),
    [
        ("pipeline.joblib", ["age", "income (k)", "tenure"], ["leaves", "stays"]),
        ("regressor.pkl", ["x0", "x1", "x2"], None),
        ("boosted.json", ["age", "income (k)", "tenure"], ["0", "1"]),
        ("boosted.ubj", ["age", "income (k)", "tenure"], ["0", "1"]),
        ("boosted.txt", ["age", "tenure"], ["0", "1"]),
    ],
)
def test_a_model_over_numbers_is_served_with_the_originals_answers(
    models: Path, tmp_path: Path, name: str, features: list[str], labels: list[str] | None
) -> None:
    report, manifest = added(convert(models / name, tmp_path), tmp_path)
    assert [each if isinstance(each, str) else each["name"] for each in manifest["features"]] == features
    assert manifest.get("labels") == labels
    assert len(manifest["example"]) == len(features)
    assert manifest["conversion"]["rows_compared"] >= 60
    assert report.difference is not None
    assert report.difference < 1e-5


def test_labels_of_a_file_without_names_can_be_given(models: Path, tmp_path: Path) -> None:
    out = convert(models / "boosted.txt", tmp_path)
    with pytest.raises(BadSettings, match="got 3 labels; the model has 2 outputs"):
        make(out, tmp_path, Options(labels=("a", "b", "c")))
    _, manifest = added(out, tmp_path, labels=("leaves", "stays"))
    assert manifest["labels"] == ["leaves", "stays"]


def test_strings_booleans_and_missing_numbers_become_typed_columns_with_an_input_each(
    models: Path, tmp_path: Path
) -> None:
    out = convert(models / "mixed.joblib", tmp_path)
    facts = json.loads((out / "table.json").read_text())
    types = {column["name"]: column["type"] for column in facts["columns"]}
    assert types == {
        "age": "float",
        "income (k)": "float",
        "tenure": "float",
        "city": "string",
        "member": "bool",
    }
    closed = {column["name"]: column["closed"] for column in facts["columns"]}
    assert closed["city"]
    from slipway.service.backends.onnx import OnnxModel

    model = OnnxModel(out / "model.onnx")
    assert {name: port.type for name, port in model.inputs.items()} == {
        **dict.fromkeys(("age", "income (k)", "tenure"), "tensor(float)"),
        "city": "tensor(string)",
        "member": "tensor(bool)",
    }
    feed: dict[str, Any] = {
        "age": np.array([[40]], np.float32),
        "income (k)": np.array([[np.nan]], np.float32),
        "tenure": np.array([[50]], np.float32),
        "city": np.array([["Oslo"]], object),
        "member": np.array([[True]]),
    }
    [found] = model.run(["probabilities"], feed)
    assert found[0].argmax() == 0


def test_a_row_is_answered_by_its_columns_names(models: Path, tmp_path: Path) -> None:
    pytest.importorskip("slipway.service.columns", reason="this server takes columns of numbers alone")
    _, manifest = added(convert(models / "mixed.joblib", tmp_path), tmp_path)
    assert manifest["features"][3] == {"name": "city", "type": "string", "values": ["Oslo", "Paris", "Rome"]}
    row = {"age": 40, "income (k)": None, "tenure": 50, "city": "Oslo", "member": True}
    work = served(tmp_path / "mine").operations[0].work(orjson.dumps({"features": row}), 0.0)
    work.step(0)
    assert orjson.loads(work.result())["label"] == "leaves"


def answer(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """Return what the server answers to a row. Raises InvalidInput."""
    work = served(folder).operations[0].work(orjson.dumps({"features": row, "top": 2}), 0.0)
    work.step(0)
    return orjson.loads(work.result())


@pytest.mark.parametrize("name", ["imputed.joblib", "constant.joblib"])
def test_null_is_what_the_pipeline_puts_in_place_of_a_missing_string(
    models: Path, tmp_path: Path, name: str
) -> None:
    report, manifest = added(convert(models / name, tmp_path), tmp_path)
    city = "Paris" if name == "imputed.joblib" else "missing"
    assert manifest["features"][3]["missing"] == city
    assert f"null is a missing value in age, income (k), tenure, city (as {city!r}), member" in report.found
    assert "member: numbers, as the model drops them; `type` in manifest.json" in report.assumed
    row = {"age": 40, "income (k)": None, "tenure": 50, "city": None, "member": None}
    known = json.loads((models / "without_a_city.json").read_text())[name]
    assert answer(tmp_path / "mine", row)["top"] == [
        {"label": label, "proba": pytest.approx(proba, abs=1e-4)} for label, proba in known
    ]


def test_null_is_no_category_where_the_model_takes_unknown_ones(models: Path, tmp_path: Path) -> None:
    """A known one would be as good here, but not once the column decides something."""
    _, manifest = added(convert(models / "unused.joblib", tmp_path), tmp_path)
    assert manifest["features"] == ["age", {"name": "city", "type": "string", "missing": ""}]


@pytest.mark.parametrize("name", ["missing_trees.joblib", "missing_histogram.joblib"])
def test_trees_that_learned_from_missing_numbers_take_the_same_branches(
    models: Path, tmp_path: Path, name: str
) -> None:
    report, manifest = added(convert(models / name, tmp_path), tmp_path)
    assert manifest["features"] == ["age", "income (k)", "tenure"]
    assert "null is a missing value in age, income (k), tenure" in report.found


def test_null_is_refused_where_the_original_refuses_a_missing_number(models: Path, tmp_path: Path) -> None:
    report, manifest = added(convert(models / "linear.joblib", tmp_path), tmp_path)
    assert manifest["features"] == [
        {"name": name, "type": "float", "missing": False} for name in ("age", "tenure")
    ]
    assert any("null is refused in age, tenure, as the original refuses" in line for line in report.found)
    with pytest.raises(InvalidInput, match="is null, but a column of type float has no missing value here"):
        answer(tmp_path / "mine", {"age": None, "tenure": 1})


def test_null_is_refused_where_the_graph_would_answer_otherwise(models: Path, tmp_path: Path) -> None:
    out = convert(models / "missing_trees.joblib", tmp_path)
    facts = json.loads((out / "table.json").read_text())
    without = facts["columns"][1]["without"]
    without["answers"] = [each[::-1] for each in without["answers"]]
    (out / "table.json").write_text(json.dumps(facts))
    report, manifest = added(out, tmp_path)
    assert manifest["features"][1] == {"name": "income (k)", "type": "float", "missing": False}
    assert "null is a missing value in age, tenure" in report.found
    assert any("refused in income (k), because the graph would answer" in each for each in report.found)


@pytest.mark.parametrize("version", ["1.5.2", "1.7.2"])
def test_a_pickle_of_another_version_is_converted_by_the_python_that_wrote_it(
    tmp_path: Path, version: str
) -> None:
    python = other_python(tmp_path / "venv", version)
    source = ROOT / f"tests/modeltools/pickles/scikit-learn-{version}.joblib"
    out, home = tmp_path / "converted", tmp_path / "home"
    out.mkdir()
    home.mkdir()
    converted(python, "scikit_learn", source, out, home, None)
    _, manifest = added(out, tmp_path)
    assert manifest["conversion"]["scikit-learn"] == version
    with pytest.raises(Refused, match=rf"saved with scikit-learn {version}.*--python"):
        convert(source, tmp_path / "here")


def other_python(venv: Path, version: str) -> Path:
    """Make an environment with this scikit-learn, and the converters of `.venv-convert`."""
    package = TABLES.folder / "others" / version
    if not package.is_dir():
        pytest.skip(f"scikit-learn {version} is not here; `make test-tables` fetches it")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    [packages] = venv.glob("lib/python*/site-packages")
    [converters] = TABLES.folder.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(f"{package}\n{converters}\n")
    return venv / "bin/python"


def test_a_python_without_the_converters_is_refused_with_what_to_install(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    [found] = TABLES.folder.glob("lib/python*/site-packages")
    for path in found.iterdir():
        if not path.name.startswith(("onnx", "skl2onnx")):
            (packages / path.name).symlink_to(path)
    source = ROOT / "tests/modeltools/pickles/scikit-learn-1.7.2.pkl"
    with pytest.raises(Refused, match=r"has no module 'onnx', .*pip install skl2onnx onnxmltools packaging"):
        converted(tmp_path / "venv/bin/python", "scikit_learn", source, bare, bare, None)


def test_rows_of_a_file_are_compared_instead_of_made_up_ones(models: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("tenure,age,income (k)\n50,30,\n20,40.5,61\n")
    out = convert(models / "pipeline.joblib", tmp_path, rows)
    report, manifest = added(out, tmp_path)
    assert manifest["conversion"]["rows_compared"] == 2
    assert any("2 given rows" in line for line in report.found)


def test_a_file_of_rows_without_a_column_is_refused(models: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("age\n1\n")
    with pytest.raises(Refused, match=r"has the columns age and 1 rows; expected .*income \(k\), tenure"):
        convert(models / "pipeline.joblib", tmp_path, rows)


@pytest.mark.skipif(bool(open_doors()), reason="this kernel has neither Landlock nor seccomp")
@pytest.mark.parametrize("name", ["network.pkl", "writing.pkl"])
def test_a_pickle_that_reaches_out_is_stopped_and_refused(models: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match=r"tried to use the network, or a file outside .*do not trust it"):
        convert(models / name, tmp_path)
    assert not (models / "written").exists()
    assert "without network, keys or home folder" in warning(name)


def test_a_pickle_of_something_else_is_refused_with_what_it_holds(models: Path, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="holds a dict with 'model', 'scaler', which does not predict"):
        convert(models / "dict.pkl", tmp_path)


def test_a_graph_that_answers_otherwise_is_refused_and_the_row_is_named(models: Path, tmp_path: Path) -> None:
    out = convert(models / "pipeline.joblib", tmp_path)
    facts = json.loads((out / "table.json").read_text())
    facts["answers"][3] = facts["answers"][3][::-1] if facts["answers"][3][0] != 0.5 else [0.0, 1.0]
    (out / "table.json").write_text(json.dumps(facts))
    with pytest.raises(BadModel, match=r"for age=.*; they differ by .*, allowed is 0\.0001"):
        added(out, tmp_path)
