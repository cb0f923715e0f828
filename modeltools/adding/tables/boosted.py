"""Models in XGBoost's and LightGBM's own formats, which hold no code."""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slipway.service.faults import BadModel

from .graph import FEATURES, checked, estimator_graph
from .original import Original, TrainedColumn, Value

# The newest that onnxmltools writes by itself.
_LIGHTGBM_OPSET = 15
_MOST_SPLITS = 2000
_LABELS_ASSUMED = "the labels are the classes' numbers: the file does not name them (--labels does)"


def xgboost_file(path: Path) -> Original:
    """Read a file. Raises BadModel."""
    import xgboost

    booster = xgboost.Booster()
    try:
        booster.load_model(path)
    except xgboost.core.XGBoostError as error:
        raise BadModel(f"{path} cannot be read as XGBoost's: {_last_line(error)}") from None
    return xgboost_original(booster)


def lightgbm_file(path: Path) -> Original:
    """Read a file. Raises BadModel."""
    import lightgbm

    try:
        booster = lightgbm.Booster(model_file=str(path))
    except lightgbm.basic.LightGBMError as error:
        raise BadModel(f"{path} cannot be read as LightGBM's: {_last_line(error)}") from None
    return lightgbm_original(booster)


def xgboost_original(booster: Any) -> Original:
    """Describe a booster, which is changed: its columns lose their names."""
    import xgboost

    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    columns = _columns(booster.feature_names or [f"x{place}" for place in range(booster.num_features())])
    _note_splits(columns, booster, "Feature", "Split")
    booster.feature_names = None  # its converter takes f0, f1, … alone
    classifies = objective.startswith(("binary:", "multi:"))
    model = xgboost.XGBClassifier() if classifies else xgboost.XGBRegressor()
    model.load_model(bytearray(booster.save_raw("json")))
    answer = model.predict_proba if classifies else model.predict
    count = int(model.n_classes_) if classifies else 0
    return Original(
        f"an XGBoost model, {objective}",
        columns,
        [str(place) for place in range(count)],
        lambda rows: answer(_array(rows)),
        lambda: checked(estimator_graph(model, columns, classifies)),
        {"xgboost": xgboost.__version__},
        [_LABELS_ASSUMED] if count else [],
    )


def lightgbm_original(booster: Any) -> Original:
    """Describe a booster."""
    import lightgbm
    import onnxmltools
    from onnxmltools.convert.common.data_types import FloatTensorType

    objective = str(booster.dump_model(num_iteration=1).get("objective", "regression")).split()[0]
    columns = _columns(booster.feature_name())
    _note_splits(columns, booster, "split_feature", "threshold")
    count = {"binary": 2, "cross_entropy": 0}.get(objective, booster.num_model_per_iteration())
    classifies = objective in ("binary", "multiclass", "multiclassova")

    def predict(rows: Sequence[Sequence[Value]]) -> Any:
        found = booster.predict(_array(rows))
        return np.stack([1 - found, found], axis=1) if objective == "binary" else found

    def convert() -> bytes:
        types = [(FEATURES, FloatTensorType([None, len(columns)]))]
        graph = onnxmltools.convert_lightgbm(
            booster, initial_types=types, zipmap=False, target_opset=_LIGHTGBM_OPSET
        )
        return checked(graph.SerializeToString())

    return Original(
        f"a LightGBM model, {objective}",
        columns,
        [str(place) for place in range(count)] if classifies else [],
        predict,
        convert,
        {"lightgbm": lightgbm.__version__},
        [_LABELS_ASSUMED] if classifies else [],
    )


def _columns(names: Sequence[str]) -> list[TrainedColumn]:
    return [TrainedColumn(str(name)) for name in names]


def _note_splits(columns: Sequence[TrainedColumn], booster: Any, feature: str, threshold: str) -> None:
    """Note at which numbers the first trees split, so that the rows of the comparison are around them."""
    splits = booster.trees_to_dataframe()[[feature, threshold]].dropna()
    by_name = {column.name: column for column in columns}
    by_name |= {f"f{place}": column for place, column in enumerate(columns)}  # XGBoost's, without names
    for name, number in splits.head(_MOST_SPLITS).itertuples(index=False):
        with contextlib.suppress(KeyError, ValueError, TypeError):  # categories have no numbers
            by_name[name].numbers.append(float(number))


def _array(rows: Sequence[Sequence[Value]]) -> Any:
    return np.array([[np.nan if value is None else value for value in row] for row in rows], np.float64)


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[-1][:300]
