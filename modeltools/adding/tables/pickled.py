"""Opens a pickle, which runs its code: the caller has confined this process before."""

import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import sklearn

from slipway.service.faults import BadModel

from ..pickles import CONVERTERS, require_version
from .columns import columns_of, steps_of
from .frames import array, frame
from .graph import checked, estimator_graph
from .original import Original, Value

PACKAGES = ("scikit-learn", "skl2onnx")


def load(path: Path) -> Original:
    """Open the pickle and describe what it holds. Raises BadModel if that cannot be served."""
    require_version(path, sklearn.__version__)
    model = _opened(path)
    if type(model).__name__ == "Booster":
        from . import boosted  # not every interpreter has both libraries

        is_lightgbm = type(model).__module__.startswith("lightgbm.")
        return (boosted.lightgbm_original if is_lightgbm else boosted.xgboost_original)(model)
    _require_estimator(path, model)
    return _original(model)


def _opened(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return joblib.load(path)
    except PermissionError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise BadModel(
            f"{path}: opening it tried to use the network, or a file outside the conversion{place}, and that "
            "was refused. A model has no need of that: do not trust it. Save the fitted model again "
            "yourself, with joblib.dump."
        ) from None
    except ModuleNotFoundError as error:
        raise BadModel(
            f"{path} needs the module {error.name!r}, which is not installed where it is converted. Give the "
            f"Python it was trained with, after `pip install {CONVERTERS}` there: --python "
            "path/to/bin/python. Code of your own cannot become ONNX: replace it by scikit-learn's."
        ) from None
    except Exception as error:  # a pickle's code may raise anything
        raise BadModel(
            f"{path} cannot be opened: {type(error).__name__}: {str(error)[:300]}. It is no pickle, it is "
            "damaged, or it needs code that is not installed. Save the fitted model again with joblib.dump."
        ) from None


def _require_estimator(path: Path, model: Any) -> None:
    if not hasattr(model, "predict"):
        held = f"a {type(model).__name__}"
        if isinstance(model, dict):
            held += f" with {', '.join(map(repr, list(model)[:8]))}"
        raise BadModel(
            f"{path} holds {held}, which does not predict. Save the fitted model or pipeline alone: "
            "joblib.dump(model, …)."
        )
    if hasattr(model, "classes_") and not hasattr(model, "predict_proba"):
        raise BadModel(
            f"{path} holds {type(model).__name__}, a classifier without probabilities (predict_proba). Train "
            "it with them, or wrap it: sklearn.calibration.CalibratedClassifierCV."
        )
    if getattr(model, "n_features_in_", None) is None:
        raise BadModel(f"{path} holds {type(model).__name__}, which is not fitted yet; save it after fit().")


def _original(model: Any) -> Original:
    assumed = list[str]()
    columns = columns_of(model, assumed)
    classifies = hasattr(model, "classes_")
    named = getattr(model, "feature_names_in_", None) is not None
    answer = model.predict_proba if classifies else model.predict

    def predict(rows: Sequence[Sequence[Value]]) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return answer((frame if named else array)(columns, rows))

    def convert() -> bytes:
        for step in steps_of(model):
            if hasattr(step, "get_booster"):  # XGBoost's
                step.get_booster().feature_names = None  # its converter takes f0, f1, … alone
        return checked(estimator_graph(model, columns, classifies))

    inside = type(model.steps[-1][1] if hasattr(model, "steps") else model).__name__
    words = f"{type(model).__name__} with {inside}" if hasattr(model, "steps") else inside
    labels = [str(label) for label in model.classes_] if classifies else []
    return Original(words, columns, labels, predict, convert, _versions(model), assumed)


def _versions(model: Any) -> dict[str, str]:
    roots = {type(step).__module__.partition(".")[0] for step in steps_of(model)}
    boosted = {name: sys.modules[name].__version__ for name in ("xgboost", "lightgbm") if name in roots}
    return {name: version(name) for name in PACKAGES} | boosted
