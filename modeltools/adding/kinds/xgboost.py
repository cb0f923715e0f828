"""A model in XGBoost's own format, JSON or UBJSON."""

from pathlib import Path

from ..kind import Kind, beginning, itself
from ..tables.original import Original


def _recognises(source: Path) -> bool:
    # Both begin with an object whose first keys are "learner" and "version".
    return source.suffix.lower() in (".json", ".ubj") and b"learner" in beginning(source)


def load(path: Path) -> Original:
    """Read the model. Raises BadModel."""
    from ..tables.boosted import xgboost_file

    return xgboost_file(path)


KIND = Kind("a model that XGBoost saved, .json or .ubj", "tables", _recognises, itself)
