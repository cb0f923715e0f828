"""A model's folder as a task opens it: every file that the manifest lists exists and is verified."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from .device import DeviceKind
from .faults import BadModel
from .manifest import CONFIG_FILE, CT2_FILE, MANIFEST_FILE, MODEL_FILE, TOKENIZER_FILE, Engine, Manifest

if TYPE_CHECKING:
    from .backends.ct2_file import Ct2File
    from .backends.onnx import OnnxBackend, OnnxModel

READ_BY_TRANSFORMERS = (".json", ".jinja", ".safetensors")
# transformers/utils/hub.py, CHAT_TEMPLATE_DIR: every template in it is read.
TEMPLATE_FOLDER = "additional_chat_templates"
# Keys by which a configuration sends Transformers to a file, which may lie anywhere: modeling_utils.py,
# tokenization_utils_base.py.
NAMING_KEYS = {
    CONFIG_FILE: ("transformers_weights",),
    "tokenizer_config.json": ("tokenizer_file", "vocab_file", "merges_file"),
}
MOST_NAMES_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A model's folder.

    Runtimes are imported when a task needs one: the server already answers /alive by then.
    device: what torch computes on; None takes a GPU if torch sees one.
    """

    path: Path
    manifest: Manifest
    device: DeviceKind | None = None

    @property
    def engine(self) -> Engine:
        return self.manifest.engine

    def optional(self, name: str) -> Path | None:
        """Return a file that not every model of the task has; None if the manifest does not list it."""
        return self.path / name if name in self.manifest.files else None

    def refuse_unlisted(self) -> None:
        """Raise BadModel for unlisted files that Transformers would read if it opened the folder."""
        listed = {MANIFEST_FILE, *self.manifest.files}
        held = [path.name for path in self.path.iterdir() if _is_read(path)]
        if unlisted := sorted(set(held) - listed):
            raise self._unlisted("holds", unlisted)
        for file, keys in NAMING_KEYS.items():
            if file not in listed:
                continue
            content = _object(self.path / file)
            named = [content[key] for key in keys if isinstance(content.get(key), str)]
            if unlisted := sorted(set(named) - listed):
                raise self._unlisted(f"has a {file} that names", unlisted)

    def _unlisted(self, what: str, names: Sequence[str]) -> BadModel:
        shown = ", ".join(names[:MOST_NAMES_SHOWN])
        return BadModel(
            f"{self.path} {what} {shown}, which manifest.json does not list. "
            "List each under files with its sha256 and bytes, or remove it from the folder."
        )

    def tokenizer(self) -> Tokenizer:
        """Load tokenizer.json. Raises BadModel."""
        path = self.path / TOKENIZER_FILE
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises plain Exception
            raise BadModel(f"{path} cannot be loaded: {str(error)[:300]}") from None

    def onnx(self) -> "OnnxModel":
        """Load model.onnx with any inputs and outputs. Raises BadModel."""
        from .backends.onnx import OnnxModel

        self._check_graph()
        return OnnxModel(self.path / MODEL_FILE)

    def onnx_over_tokens(self, output: str) -> "OnnxBackend":
        """Load model.onnx, from token ids to `output`, [batch, width]. Raises BadModel.

        The vectors of tokens that some graphs have instead are pooled as a manifest with `pooling` says.
        """
        from .backends.onnx import OnnxBackend

        self._check_graph()
        pooling = getattr(self.manifest, "pooling", None)
        normalize = getattr(self.manifest, "normalize", False)
        return OnnxBackend(self.path / MODEL_FILE, output, pooling, normalize)

    def converted(self, kind: str) -> "Ct2File":
        """Return what model.bin says of itself, before CTranslate2 reads it. Raises BadModel.

        kind: SEQ2SEQ or CAUSAL of service/backends/ct2_file.py.
        """
        from .backends.ct2_file import read_ct2_file

        found, said = read_ct2_file(self.path / CT2_FILE, kind), self.manifest.precision
        if said is not None and said != found.precision:
            raise BadModel(
                f"{self.path / CT2_FILE} has weights in {found.precision}; manifest.json says precision "
                f"{said!r}. Correct it to {found.precision!r}."
            )
        return found

    def _check_graph(self) -> None:
        """Raise BadModel if the graph names unlisted files, or contradicts the manifest.

        Called before ONNX Runtime reads those files.
        """
        from .backends.onnx_graph import read_graph

        graph = read_graph(self.path, MODEL_FILE)
        if unlisted := sorted(graph.external_files - self.manifest.files.keys()):
            raise self._unlisted(
                f"has a {MODEL_FILE} with weights in", [repr(name[:100]) for name in unlisted]
            )
        said = self.manifest.precision
        if said is not None and graph.precision not in (None, said):
            raise BadModel(
                f"{self.path / MODEL_FILE} computes in {graph.precision}; manifest.json says precision "
                f"{said!r}. Correct it to {graph.precision!r}: texts are computed together only in fp32."
            )


def _is_read(path: Path) -> bool:
    """Return whether Transformers reads the file merely because it is there."""
    return path.suffix in READ_BY_TRANSFORMERS or path.name == TEMPLATE_FOLDER


def _object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file; {} if it is none, because Transformers reports that better."""
    try:
        content: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]
