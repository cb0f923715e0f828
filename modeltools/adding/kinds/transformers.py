"""A folder that Transformers or sentence-transformers saved; `importing` converts it."""

from pathlib import Path

from ..kind import Kind
from ..onnx_files import graph_in


def _recognises(source: Path) -> bool:
    return (source / "config.json").is_file() and graph_in(source) is None


def _files(source: Path) -> list[Path]:
    return [path for path in source.iterdir() if path.suffix in (".safetensors", ".json", ".model", ".txt")]


KIND = Kind(
    "a folder as Transformers' save_pretrained or sentence-transformers' save writes it, with config.json "
    "and model.safetensors",
    "torch",
    _recognises,
    _files,
)
