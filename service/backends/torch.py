"""PyTorch: a classifier as Transformers saves it, or a model whose token vectors make an embedding."""

from pathlib import Path
from typing import Any, Literal, cast

from ..device import DeviceKind
from . import Float32s, Int64s
from .pretrained import pretrained, pt, visible_device

Pooling = Literal["mean", "cls"]
# The layer that BERT's own training put on top, which no embedding is made of.
UNUSED_IN_EMBEDDINGS = ("pooler.",)


class TorchBackend:
    def __init__(self, folder: Path, device: DeviceKind | None = None) -> None:
        """Load a classifier. Raises BadModel if the folder holds none.

        folder: holds config.json and model.safetensors. device: None takes a GPU if torch sees one.
        """
        self._device = device or visible_device()
        self._model = pretrained(folder, "ModelForSequenceClassification", self._device)

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        with pt.inference_mode():
            logits = self._model(
                input_ids=pt.from_numpy(input_ids).to(self._device),
                attention_mask=pt.from_numpy(attention_mask).to(self._device),
            ).logits
            return cast(Float32s, logits.to("cpu", pt.float32).numpy())


class TorchEmbedder:
    def __init__(
        self, folder: Path, pooling: Pooling, normalize: bool, device: DeviceKind | None = None
    ) -> None:
        """Load an embedding model.

        normalize: to vectors of length 1. device: as of TorchBackend. Raises BadModel.
        """
        self._device = device or visible_device()
        self._model = pretrained(folder, "Model", self._device, UNUSED_IN_EMBEDDINGS)
        self._pooling: Pooling = pooling
        self._normalize = normalize

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        mask = pt.from_numpy(attention_mask).to(self._device)
        with pt.inference_mode():
            hidden = self._model(
                input_ids=pt.from_numpy(input_ids).to(self._device), attention_mask=mask
            ).last_hidden_state.float()
            vectors = hidden[:, 0] if self._pooling == "cls" else mean_pool(hidden, mask)
            if self._normalize:
                vectors = pt.nn.functional.normalize(vectors, dim=-1)
            return cast(Float32s, vectors.cpu().numpy())


def mean_pool(hidden: Any, mask: Any) -> Any:
    """Average the token vectors that are not padding.

    hidden: [batch, tokens, width] float32. mask: [batch, tokens], 1 = token, 0 = padding; no row is all 0.
    Returns [batch, width]. Source: Reimers & Gurevych 2019, section 3, MEAN strategy.
    """
    weights = mask.unsqueeze(-1).float()
    return (hidden * weights).sum(1) / weights.sum(1)
