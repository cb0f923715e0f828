"""An ONNX graph over tokens with its tokenizer, as Optimum exports it."""

from pathlib import Path

from ..kind import Kind
from ..onnx_files import TextFiles, graph_in


def _recognises(source: Path) -> bool:
    return graph_in(source) is not None


def _files(source: Path) -> list[Path]:
    return TextFiles.of(source).all()


KIND = Kind(
    "an ONNX graph with its tokenizer: a file or folder with <name>.onnx and tokenizer.json next to it",
    "server",
    _recognises,
    _files,
)
