"""Finds what a fitted scikit-learn pipeline says of its columns: names, types, categories and ranges."""

import math
from collections.abc import Sequence
from typing import Any

from .original import ColumnType, TrainedColumn

# Both keep every column in its place, so that the step after them says more of the same ones.
_KEEPS_COLUMNS = (
    *("SimpleImputer", "KNNImputer", "IterativeImputer", "StandardScaler", "MinMaxScaler"),
    *("MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer"),
)
_MOST_THRESHOLDS, _MOST_TREES = 50, 20


def columns_of(model: Any, assumed: list[str]) -> list[TrainedColumn]:
    """Return the columns in the model's order. assumed: what is not stated is added to it, in words."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        count = int(model.n_features_in_)
        names = [f"x{place}" for place in range(count)]
        assumed.append(f"the columns are called {names[0]} to {names[-1]}: it was trained without names")
    columns = [TrainedColumn(str(name)) for name in names]
    _visit(model, columns)
    if dropped := [column.name for column in columns if column.is_dropped]:
        assumed.append(
            f"{', '.join(dropped[:12])}: numbers, as the model drops them; `type` in manifest.json"
        )
    return columns


def selects_columns(model: Any) -> bool:
    """Return whether the model has a ColumnTransformer, which picks columns by their names."""
    return any(hasattr(step, "transformers_") for step in steps_of(model))


def steps_of(model: Any) -> list[Any]:
    """Return the model and every estimator inside it."""
    inside = [step for _, step in getattr(model, "steps", ())]
    inside += [entry[1] for entry in getattr(model, "transformers_", ())]
    inside += [entry[1] for entry in getattr(model, "transformer_list", ())]
    inside += [model.best_estimator_] if hasattr(model, "best_estimator_") else []
    return [model, *(found for step in inside for found in steps_of(step))]


def _visit(step: Any, columns: Sequence[TrainedColumn]) -> None:
    """Note what a step says of the columns that it is given."""
    if hasattr(step, "best_estimator_"):
        _visit(step.best_estimator_, columns)
    elif hasattr(step, "steps"):
        for _, inner in step.steps:
            _visit(inner, columns)
            if type(inner).__name__ not in (*_KEEPS_COLUMNS, "str"):
                return
    elif hasattr(step, "transformers_"):
        for _, inner, chosen in step.transformers_:
            for column in _chosen(columns, chosen):
                column.is_dropped = isinstance(inner, str) and inner == "drop"
            _visit(inner, _chosen(columns, chosen))
    elif hasattr(step, "transformer_list"):
        for _, inner in step.transformer_list:
            _visit(inner, columns)
    else:
        _note(step, columns)


def _chosen(columns: Sequence[TrainedColumn], chosen: Any) -> list[TrainedColumn]:
    """Return the columns that a ColumnTransformer gives to one of its parts."""
    if type(chosen).__name__ == "slice":
        return list(columns[slice(chosen.start, chosen.stop, chosen.step)])
    parts = [chosen] if isinstance(chosen, str | int) else list(chosen)
    if parts and all(type(part).__name__ in ("bool", "bool_") for part in parts):
        return [column for column, taken in zip(columns, parts, strict=True) if taken]
    by_name = {column.name: column for column in columns}
    return [by_name[part] if isinstance(part, str) else columns[int(part)] for part in parts]


def _note(step: Any, columns: Sequence[TrainedColumn]) -> None:
    if hasattr(step, "vocabulary_"):  # it counts words
        for column in columns:
            column.type, column.values = "string", [*column.values, *list(step.vocabulary_)[:20]]
    categories: list[Any] = list(_attribute(step, "categories_") or ())
    for column, values in zip(columns, categories, strict=False):
        kept = [_plain(value) for value in values]
        column.values = [value for value in kept if value is not None and value == value]
        column.type = _type_of(column.values) or column.type
    _note_numbers(step, columns)


def _note_numbers(step: Any, columns: Sequence[TrainedColumn]) -> None:
    for column, value in zip(columns, _listed(step, "statistics_"), strict=False):
        if isinstance(value, str):
            column.type, column.fill = "string", value
        elif value is not None and value == value:
            column.numbers.append(float(value))
    means, scales = _listed(step, "mean_"), _listed(step, "scale_")
    for column, mean, scale in zip(columns, means, scales, strict=False):
        column.numbers += [mean - 2 * scale, mean - scale, mean, mean + scale, mean + 2 * scale]
    for column, low, high in zip(
        columns, _listed(step, "data_min_"), _listed(step, "data_max_"), strict=False
    ):
        column.numbers += [low, (low + high) / 2, high]
    for estimator in trees_of(step)[:_MOST_TREES]:
        _note_thresholds(estimator.tree_, columns)


def trees_of(step: Any) -> list[Any]:
    """Return the decision trees that an estimator is, or is made of."""
    found = _attribute(step, "estimators_")
    flat = list(found.ravel()) if hasattr(found, "ravel") else list(() if found is None else found)
    return [tree for tree in [step, *flat] if hasattr(tree, "tree_")]


def _note_thresholds(tree: Any, columns: Sequence[TrainedColumn]) -> None:
    features: list[int] = tree.feature.tolist()
    thresholds: list[float] = tree.threshold.tolist()
    for feature, threshold in zip(features, thresholds, strict=True):
        # Infinite is one that tells missing numbers from the others.
        is_number = 0 <= feature < len(columns) and math.isfinite(threshold)
        if is_number and len(columns[feature].numbers) < _MOST_THRESHOLDS:
            columns[feature].numbers.append(threshold)


def _listed(step: Any, name: str) -> list[Any]:
    found = _attribute(step, name)
    return list(found.tolist()) if hasattr(found, "tolist") and getattr(found, "ndim", 0) == 1 else []


def _attribute(step: Any, name: str) -> Any:
    return getattr(step, name, None)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _type_of(values: Sequence[Any]) -> ColumnType | None:
    types: dict[str, ColumnType] = {"bool": "bool", "int": "int", "float": "float", "str": "string"}
    found = {type(value).__name__ for value in values}
    return types.get(found.pop()) if len(found) == 1 else None
