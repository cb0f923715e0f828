"""Finds the files of an ONNX export over texts, and reads from them what its manifest says."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from slipway.service.faults import BadModel
from slipway.service.manifest import CONFIG_FILE, MODEL_FILE, TOKENIZER_FILE

# Where Optimum, sentence-transformers and the Hub's conversions put a graph.
_FOLDERS = ("", "onnx")
TOKENIZER_CONFIG, SENTENCE_CONFIG, POOLING_CONFIG = (
    "tokenizer_config.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
)
MODULES = "modules.json"
_DESCRIBING = (CONFIG_FILE, TOKENIZER_CONFIG, SENTENCE_CONFIG, POOLING_CONFIG, MODULES)


def graph_in(source: Path) -> Path | None:
    """Return the graph of a file or a folder: `model.onnx`, else the only one there; None without any."""
    if source.is_file():
        return source if source.suffix.lower() == ".onnx" else None
    for folder in (source / name for name in _FOLDERS):
        found = sorted(folder.glob("*.onnx")) if folder.is_dir() else []
        if found:
            return next((path for path in found if path.name == MODEL_FILE), found[0])
    return None


@dataclass(frozen=True, slots=True)
class TextFiles:
    """The files of an export. home: the folder of the tokenizer and the configuration."""

    graph: Path
    home: Path

    @classmethod
    def of(cls, source: Path) -> Self:
        """Find them. Raises BadModel without a tokenizer, or if a folder has several graphs."""
        graph = graph_in(source)
        if graph is None:
            raise BadModel(f"{source} holds no .onnx file.")
        graphs = sorted(path.name for path in graph.parent.glob("*.onnx"))
        if source.is_dir() and len(graphs) > 1 and graph.name != MODEL_FILE:
            raise BadModel(f"{source} holds {', '.join(graphs[:8])}; give the one to serve, such as {graph}.")
        homes = (graph.parent, source if source.is_dir() else graph.parent.parent)
        home = next((folder for folder in homes if (folder / TOKENIZER_FILE).is_file()), None)
        if home is None:
            raise BadModel(
                f"{graph.parent} holds no {TOKENIZER_FILE}, without which no text becomes tokens. Put the "
                "model's next to the graph: `AutoTokenizer.from_pretrained(…).save_pretrained(…)` writes it."
            )
        return cls(graph, home)

    def all(self) -> list[Path]:
        described = [self.home / name for name in _DESCRIBING]
        return [self.graph, self.home / TOKENIZER_FILE, *(path for path in described if path.is_file())]

    def described(self, name: str) -> Mapping[str, Any]:
        """Return a JSON object of the folder, {} where there is no such file. Raises BadModel."""
        path = self.home / name
        if not path.is_file():
            return {}
        try:
            content: Any = json.loads(path.read_bytes())
        except (ValueError, RecursionError) as error:
            raise BadModel(f"{path} is not JSON: {str(error)[:200]}.") from None
        return cast("dict[str, Any]", content) if isinstance(content, dict) else {}
