"""Models that scikit-learn and LightGBM train and their converters write, with the originals' answers."""

from importlib import import_module
from typing import Any

import numpy as np

PORTS = ("S", "C", "Q")


def pipeline(zip_maps: bool) -> tuple[bytes, list[Any], list[list[Any]], list[dict[int, float]]]:
    """Train a pipeline over numbers, missing ones among them, and strings.

    Returns its graph with an input for each type, its columns, rows, and the probabilities of each label.
    """
    random = np.random.default_rng(1)
    table = np.empty((300, 3), object)
    table[:, 0] = random.integers(18, 80, 300).astype(float)
    table[:, 1] = random.gamma(2, 20, 300)
    table[:, 2] = random.choice(PORTS, 300)
    survived = ((table[:, 2] == "S") | (table[:, 0] < 30)).astype(int)
    table[random.random(300) < 0.2, 0] = np.nan
    model = _pipeline().fit(table, survived)
    types: Any = import_module("skl2onnx.common.data_types")
    inputs = [("numbers", types.FloatTensorType([None, 2])), ("port", types.StringTensorType([None, 1]))]
    convert: Any = import_module("skl2onnx")
    graph = convert.convert_sklearn(model, initial_types=inputs, options={id(model): {"zipmap": zip_maps}})
    rows = [[None if value != value else value for value in row] for row in table[:20].tolist()]
    columns = ["age", "fare", {"name": "port", "type": "string", "example": "S"}]
    return graph.SerializeToString(), columns, rows, _by_label(model.predict_proba(table[:20]))


def _pipeline() -> Any:
    names = ("compose", "impute", "linear_model", "pipeline", "preprocessing")
    compose, impute, linear, pipe, preprocessing = (import_module(f"sklearn.{name}") for name in names)
    numbers = pipe.Pipeline([("fill", impute.SimpleImputer()), ("scale", preprocessing.StandardScaler())])
    ports = preprocessing.OneHotEncoder(handle_unknown="ignore")
    columns = compose.ColumnTransformer([("numbers", numbers, [0, 1]), ("port", ports, [2])])
    return pipe.Pipeline([("columns", columns), ("model", linear.LogisticRegression())])


def boosted_trees(zip_maps: bool) -> tuple[bytes, list[list[Any]], list[dict[int, float]]]:
    """Train trees over two columns, of which the first may be missing.

    Returns the graph, rows, and the probabilities of each label.
    """
    lightgbm: Any = import_module("lightgbm")
    random = np.random.default_rng(2)
    table = np.stack([random.integers(18, 80, 300), random.integers(1, 9, 300)], axis=1).astype(np.float32)
    rented = (table[:, 0] < 40) ^ (table[:, 1] > 5)
    table[random.random(300) < 0.2, 0] = np.nan
    model = lightgbm.LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1).fit(table, rented.astype(int))
    types: Any = import_module("onnxmltools.convert.common.data_types")
    inputs = [("input", types.FloatTensorType([None, 2]))]
    convert: Any = import_module("onnxmltools")
    graph = convert.convert_lightgbm(model, initial_types=inputs, zipmap=zip_maps)
    rows = [[None if age != age else age, int(rooms)] for age, rooms in table[:20].tolist()]
    return graph.SerializeToString(), rows, _by_label(model.predict_proba(table[:20]))


def _by_label(probabilities: Any) -> list[dict[int, float]]:
    rows: list[list[float]] = probabilities.tolist()
    return [dict(enumerate(row)) for row in rows]
