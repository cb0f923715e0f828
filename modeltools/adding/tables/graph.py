"""Converts a fitted scikit-learn, XGBoost or LightGBM estimator to ONNX, with the columns as its inputs."""

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import onnx
import skl2onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)

from .columns import selects_columns, steps_of
from .missing_branches import set_missing_branches
from .original import TrainedColumn

FEATURES = "features"
# What ONNX Runtime 1.31 has, and the last version of the trees' operators that both converters write.
OPSETS = {"": 17, "ai.onnx.ml": 3}
_TYPES = {
    "float": FloatTensorType,
    "int": Int64TensorType,
    "string": StringTensorType,
    # skl2onnx has no inputs of booleans: the graph gets one afterwards.
    "bool": Int64TensorType,
}
_ELEMENTS = {
    "float": TensorProto.FLOAT,
    "int": TensorProto.INT64,
    "string": TensorProto.STRING,
    "bool": TensorProto.INT64,
}
_MISSING_STRING = "slipway: a missing string"
_CLASSIFIER = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def register() -> None:
    """Let skl2onnx convert the estimators of XGBoost and LightGBM, if they are installed."""
    if find_spec("xgboost"):
        import xgboost
        from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost

        _register(xgboost.XGBClassifier, convert_xgboost, True)
        _register(xgboost.XGBRegressor, convert_xgboost, False)
    if find_spec("lightgbm"):
        import lightgbm
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm

        _register(lightgbm.LGBMClassifier, convert_lightgbm, True)
        _register(lightgbm.LGBMRegressor, convert_lightgbm, False)


def _register(kind: type, convert: Any, classifies: bool) -> None:
    linear = (calculate_linear_regressor_output_shapes, calculate_linear_classifier_output_shapes)
    options = _CLASSIFIER if classifies else {"split": None}
    skl2onnx.update_registered_converter(
        kind, kind.__name__, linear[classifies], convert, options=options, overwrite=True
    )


def estimator_graph(model: Any, columns: Sequence[TrainedColumn], classifies: bool) -> bytes:
    """Return the serialised graph. Raises what skl2onnx raises for what it cannot convert."""
    register()
    is_one_input = is_all_float(columns) and not selects_columns(model)
    types = (
        [(FEATURES, FloatTensorType([None, len(columns)]))]
        if is_one_input
        else [(column.name, _TYPES[column.type]([None, 1])) for column in columns]
    )
    options = {id(model): {"zipmap": False}} if classifies else None
    _name_missing_strings(model)
    graph = skl2onnx.convert_sklearn(model, initial_types=types, options=options, target_opset=OPSETS)
    set_missing_branches(graph.graph, model)
    if not is_one_input:
        _keep_every_input(graph, columns)
        if is_all_float(columns):
            _put_into_one_input(graph, columns)
        else:
            _take_booleans(graph, columns)
    return graph.SerializeToString()


def _name_missing_strings(model: Any) -> None:
    """Give imputers of strings a string to replace, because a graph has no missing one.

    Nobody sends it: the manifest says which of the known strings null stands for.
    """
    for step in steps_of(model):
        if any(isinstance(value, str) for value in getattr(step, "statistics_", ())):
            step.missing_values = _MISSING_STRING


def is_all_float(columns: Sequence[TrainedColumn]) -> bool:
    return all(column.type == "float" for column in columns)


def _keep_every_input(graph: Any, columns: Sequence[TrainedColumn]) -> None:
    """Name the inputs like the columns, in their order, also those of which the model uses nothing.

    skl2onnx replaces what is no letter, digit or underscore in a name.
    """
    found = {port.name: port for port in graph.graph.input}
    del graph.graph.input[:]
    for place, column in enumerate(columns):
        written = next((name for name in (column.name, _plain(column.name)) if name in found), None)
        kind = found[written].type.tensor_type.elem_type if written else _ELEMENTS[column.type]
        graph.graph.input.append(helper.make_tensor_value_info(column.name, kind, [None, 1]))
        if written not in (None, column.name):
            node = helper.make_node("Identity", [column.name], [written], name=f"slipway_name_{place}")
            graph.graph.node.insert(0, node)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", "_", name)


def _put_into_one_input(graph: Any, columns: Sequence[TrainedColumn]) -> None:
    """Replace an input for each column by one of them all, [rows, columns], which is split into them."""
    sizes = numpy_helper.from_array(np.ones(len(columns), np.int64), "slipway_column_sizes")
    names = [port.name for port in graph.graph.input]
    split = helper.make_node("Split", [FEATURES, sizes.name], names, name="slipway_columns", axis=1)
    del graph.graph.input[:]
    graph.graph.input.append(helper.make_tensor_value_info(FEATURES, TensorProto.FLOAT, [None, len(columns)]))
    graph.graph.initializer.append(sizes)
    graph.graph.node.insert(0, split)


def _take_booleans(graph: Any, columns: Sequence[TrainedColumn]) -> None:
    """Give columns of booleans an input of that type, in front of the integers of skl2onnx."""
    for place, column in enumerate(columns):
        if column.type != "bool":
            continue
        number = f"{column.name}_as_number"
        for node in graph.graph.node:
            node.input[:] = [number if name == column.name else name for name in node.input]
        graph.graph.input[place].CopyFrom(
            helper.make_tensor_value_info(column.name, TensorProto.BOOL, [None, 1])
        )
        graph.graph.node.insert(0, helper.make_node("Cast", [column.name], [number], to=TensorProto.INT64))


def checked(content: bytes) -> bytes:
    """Return the graph if it is a whole one, as onnx.checker says."""
    onnx.checker.check_model(content)
    return content
