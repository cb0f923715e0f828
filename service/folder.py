"""A model's folder as a task opens it: every file in it that the manifest lists is there and checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from .device import DeviceKind
from .faults import BadModel
from .manifest import MODEL_FILE, TOKENIZER_FILE, Engine, Manifest

if TYPE_CHECKING:
    from .backends.onnx import OnnxBackend, OnnxModel

READ_BY_TRANSFORMERS = (".json", ".jinja", ".safetensors")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """Runtimes are imported where a task asks for one: the server already answers /alive by then.

    device: what torch computes on; None takes a GPU where torch sees one.
    """

    path: Path
    manifest: Manifest
    device: DeviceKind | None = None

    @property
    def engine(self) -> Engine:
        return self.manifest.engine

    def optional(self, name: str) -> Path | None:
        """A file that not every model of the task has; None where the manifest does not list it."""
        return self.path / name if name in self.manifest.files else None

    def refuse_unlisted(self) -> None:
        """Before Transformers opens the folder, which reads what it finds there. Raises BadModel."""
        listed = {"manifest.json", *self.manifest.files}
        unlisted = [path.name for path in self.path.iterdir() if path.suffix in READ_BY_TRANSFORMERS]
        if unlisted := sorted(set(unlisted) - listed):
            raise BadModel(
                f"{self.path} holds {', '.join(unlisted[:5])}, which manifest.json does not list. "
                "List each under files with its sha256 and bytes, or take it out of the folder."
            )

    def tokenizer(self) -> Tokenizer:
        """Of tokenizer.json. Raises BadModel."""
        path = self.path / TOKENIZER_FILE
        try:
            return Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises plain Exception
            raise BadModel(f"{path} cannot be loaded: {str(error)[:300]}") from None

    def onnx(self) -> "OnnxModel":
        """model.onnx, whatever its inputs and outputs are. Raises BadModel."""
        from .backends.onnx import OnnxModel

        return OnnxModel(self.path / MODEL_FILE)

    def onnx_over_tokens(self, output: str) -> "OnnxBackend":
        """model.onnx from token ids to `output`, [batch, width]. Raises BadModel."""
        from .backends.onnx import OnnxBackend

        return OnnxBackend(self.path / MODEL_FILE, output)
