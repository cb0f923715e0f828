"""The trained network's ONNX files, each with one fused attention node per layer."""

from pathlib import Path

from .. import conversion
from .network import SpamClassifier


class ExportError(Exception):
    """The exported model does not meet the requirements."""


def export_fused(network: SpamClassifier, path: Path) -> None:
    """Write the fp32 model. Raises ExportError if a layer's attention is not fused."""
    plain = path.with_suffix(".plain.onnx")
    conversion.export(network, plain)
    config = network.bert.config
    conversion.fuse(plain, path, config.num_attention_heads, config.hidden_size)
    plain.unlink()
    _require_nodes(path, "Attention", config.num_hidden_layers)


def quantize(fused: Path, path: Path, layers: int) -> None:
    """Write the int8 model. Raises ExportError if a layer's attention is not quantised."""
    conversion.quantize(fused, path)
    _require_nodes(path, "QAttention", layers)


def _require_nodes(path: Path, kind: str, count: int) -> None:
    found = conversion.nodes(path, kind)
    if found != count:
        raise ExportError(f"{path.name} has {found} {kind} nodes; expected {count}, one for each layer")
