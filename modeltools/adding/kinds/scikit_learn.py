"""A pickle, as pickle or joblib writes it: a model or pipeline of scikit-learn, XGBoost or LightGBM."""

from pathlib import Path

from ..kind import Kind, itself
from ..tables.original import Original


def _recognises(source: Path) -> bool:
    return source.is_file() and source.suffix.lower() in (".pkl", ".pickle", ".joblib", ".sav")


def load(path: Path) -> Original:
    """Open the pickle, which runs its code. Raises BadModel."""
    from ..tables.pickled import load as loaded

    return loaded(path)


KIND = Kind(
    "a pickled model or pipeline of scikit-learn, XGBoost or LightGBM, .pkl or .joblib",
    "tables",
    _recognises,
    itself,
    runs_code=True,
)
