"""Small real models over rows, made here as skl2onnx writes them, whose answers numpy computes too."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper

from slipway.service.loading import load_model
from slipway.service.manifest import Manifest
from slipway.service.tasks import TASKS, Limits

FEATURES = ("sepal length", "sepal width", "petal length", "petal width")
LABELS = ("setosa", "versicolor", "virginica")
EXAMPLE = (5.1, 3.5, 1.4, 0.2)
COEFFICIENTS = np.array(
    [[-0.4, 0.9, -2.3, -1.0], [0.5, -0.3, -0.2, -0.8], [-0.1, -0.6, 2.5, 1.8]], np.float32
)
INTERCEPTS = np.array([9.8, 2.2, -12.0], np.float32)
make: Any = helper


def expected(row: Sequence[float]) -> NDArray[np.float64]:
    """[labels]: the probabilities that the classifier must give."""
    scores = COEFFICIENTS.astype(np.float64) @ np.array(row) + INTERCEPTS
    exponents = np.exp(scores - scores.max())
    return exponents / exponents.sum()


def expected_value(row: Sequence[float]) -> float:
    return float(COEFFICIENTS[0].astype(np.float64) @ np.array(row) + INTERCEPTS[0])


def classifier(folder: Path, **changes: Any) -> Path:
    """Write a logistic regression. changes: of its manifest."""
    node = make.make_node(
        "LinearClassifier",
        ["X"],
        ["label", "probabilities"],
        domain="ai.onnx.ml",
        coefficients=COEFFICIENTS.ravel().tolist(),
        intercepts=INTERCEPTS.tolist(),
        classlabels_strings=list(LABELS),
        multi_class=0,
        post_transform="SOFTMAX",
    )
    outputs = [
        make.make_tensor_value_info("label", TensorProto.STRING, [None]),
        make.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(LABELS)]),
    ]
    return written(folder, [node], outputs, **{"labels": list(LABELS), **changes})


def regressor(folder: Path, **changes: Any) -> Path:
    """Write a linear regression. changes: of its manifest."""
    node = make.make_node(
        "LinearRegressor",
        ["X"],
        ["variable"],
        domain="ai.onnx.ml",
        coefficients=COEFFICIENTS[0].tolist(),
        intercepts=INTERCEPTS[:1].tolist(),
    )
    output = make.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])
    return written(folder, [node], [output], **changes)


PASSENGER: tuple[dict[str, Any], ...] = (
    {"name": "age", "type": "float", "example": 22},
    {"name": "sex", "type": "string", "example": "female"},
    {"name": "ticket", "type": "int", "example": 1 << 60},
    {"name": "is member", "type": "bool"},
)


def passenger(folder: Path, **changes: Any) -> Path:
    """Write a regressor with an input for each column, as skl2onnx makes one of a DataFrame.

    age, 30 where it is missing, + 100 for "female", 200 for "", + 1000 for a member, + ticket - 2**60.
    """
    node, ml = make.make_node, {"domain": "ai.onnx.ml"}
    codes = {"keys_strings": ["female", ""], "values_floats": [100.0, 200.0], "default_float": 0.0}
    known = {"imputed_value_floats": [30.0], "replaced_value_float": math.nan}
    nodes = [
        node("Imputer", ["age"], ["years"], **ml, **known),
        node("LabelEncoder", ["sex"], ["code"], **ml, **codes),
        node("Constant", [], ["base"], value_int=1 << 60),
        node("Sub", ["ticket", "base"], ["far"]),
        node("Cast", ["far"], ["near"], to=TensorProto.FLOAT),
        node("Constant", [], ["bonus"], value_float=1000.0),
        node("Cast", ["is member"], ["counted"], to=TensorProto.FLOAT),
        node("Mul", ["counted", "bonus"], ["extra"]),
        node("Sum", ["years", "code", "near", "extra"], ["variable"]),
    ]
    kinds = (TensorProto.FLOAT, TensorProto.STRING, TensorProto.INT64, TensorProto.BOOL)
    names = [column["name"] for column in PASSENGER]
    inputs = [
        make.make_tensor_value_info(name, kind, [None, 1]) for name, kind in zip(names, kinds, strict=True)
    ]
    output = make.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])
    settings = {"features": list(PASSENGER), "example": [], **changes}
    return written(folder, nodes, [output], inputs, **settings)


def answered(folder: Path, features: object, **fields: Any) -> dict[str, Any]:
    """Answer by the task alone, as the server runs it. fields: of the request."""
    manifest = Manifest.read(folder, TASKS)
    task = TASKS[manifest.task](manifest, Limits(1000, 1000))
    load_model(folder, manifest, task)
    work = task.operations[0].work(json.dumps({"features": features} | fields).encode(), 0)
    for index in range(work.size):
        work.step(index)
    return json.loads(work.result())


def written(
    folder: Path, nodes: list[Any], outputs: list[Any], inputs: list[Any] | None = None, **changes: Any
) -> Path:
    """Write a model folder with this graph over X, float32 [batch, 4], or over `inputs`."""
    table = [make.make_tensor_value_info("X", TensorProto.FLOAT, [None, len(FEATURES)])]
    graph = make.make_graph(nodes, "table", inputs or table, outputs)
    versions = [make.make_opsetid("", 17), make.make_opsetid("ai.onnx.ml", 3)]
    content = make.make_model(graph, opset_imports=versions, ir_version=10).SerializeToString()
    return folder_of(folder, content, **changes)


def folder_of(folder: Path, content: bytes, **changes: Any) -> Path:
    """Write a model folder with this model.onnx. changes: of its manifest."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(content)
    listed = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    manifest: dict[str, Any] = {
        "name": "iris",
        "version": "1.0.0",
        "task": "tabular",
        "features": list(FEATURES),
        "example": list(EXAMPLE),
        "license": "CC0-1.0",
        "files": {"model.onnx": listed},
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return folder
