"""A model in LightGBM's own text format."""

from pathlib import Path

from ..kind import Kind, beginning, itself
from ..tables.original import Original


def _recognises(source: Path) -> bool:
    return source.suffix.lower() in (".txt", ".model") and beginning(source, 5).startswith(b"tree\n")


def load(path: Path) -> Original:
    """Read the model. Raises BadModel."""
    from ..tables.boosted import lightgbm_file

    return lightgbm_file(path)


KIND = Kind("a model that LightGBM saved, .txt", "tables", _recognises, itself)
