"""What the deploying side knows of each of the server's tasks, one row per task, as listed in service/tasks/.

A test checks the rows against what the server serves, because neither side imports the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TORCH = {"torch": ("model.safetensors", "config.json", "tokenizer.json")}
_SEQ2SEQ = {
    **_TORCH,
    "ctranslate2": ("model.bin", "config.json", "shared_vocabulary.json", "tokenizer.json"),
}
_CAUSAL = {**_TORCH, "ctranslate2": ("model.bin", "config.json", "vocabulary.json", "tokenizer.json")}
_TEXTS = {
    "onnx": ("model.onnx", "tokenizer.json"),
    **_TORCH,
}

# Their hash is in a model's version.
WEIGHTS = {"onnx": "model.onnx", "torch": "model.safetensors", "ctranslate2": "model.bin"}
DEFAULT_TASK = "classify"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One task of the server."""

    route: str
    """Where a request goes."""
    example: Mapping[str, Any]
    """A request's body, for a person to try; a model's own is better where its manifest has one."""
    files: Mapping[str, tuple[str, ...]]
    """Files of a model's folder, apart from its manifest, for each engine that serves it."""

    def needed(self, engine: str) -> tuple[str, ...]:
        """Return the names of the files. Raises ValueError for an engine that does not serve the task."""
        if engine not in self.files:
            raise ValueError(f"engine is {engine!r}; allowed are {', '.join(self.files)}")
        return self.files[engine]


TASKS: Mapping[str, TaskRow] = {
    "classify": TaskRow(
        "/predict", {"text": "The delivery came two days early, and everything works."}, _TEXTS
    ),
    "embed": TaskRow("/embed", {"text": "How do I reset my password?"}, _TEXTS),
    "summarize": TaskRow(
        "/summarize",
        {
            "text": "The harbour was closed on Monday after a storm tore two ships from their moorings. "
            "Nobody was hurt. It opened again on Tuesday morning."
        },
        _SEQ2SEQ,
    ),
    "generate": TaskRow("/generate", {"prompt": "A slipway is", "max_tokens": 32}, _CAUSAL),
    "tabular": TaskRow("/predict", {"features": [5.1, 3.5, 1.4, 0.2]}, {"onnx": ("model.onnx",)}),
}
