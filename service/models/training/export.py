"""From the trained network to ONNX files: exported, attention fused, then int8 per channel."""

import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.optimizer import optimize_model

from service.models.training.network import Classifier

OPSET = 17


class ExportError(Exception):
    """The exported model is not what it has to be."""


def export_fused(network: Classifier, path: Path) -> None:
    """Write the fp32 model with one fused attention node a layer. Raises ExportError where one is missing."""
    plain = path.with_suffix(".plain.onnx")
    _export_plain(network, plain)
    config = network.bert.config
    fused = optimize_model(
        str(plain), model_type="bert", num_heads=config.num_attention_heads, hidden_size=config.hidden_size
    )
    fused.save_model_to_file(str(path))
    plain.unlink()
    _require_nodes(path, "Attention", config.num_hidden_layers)


def quantize(fused: Path, path: Path, layers: int) -> None:
    """Write the fused model with int8 weights, one scale for each output channel."""
    quantize_dynamic(
        fused,
        path,
        per_channel=True,
        weight_type=QuantType.QInt8,
        # The fused nodes have no shape inference, so the type of what lies between them has to be said.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
    _require_nodes(path, "QAttention", layers)


def _export_plain(network: Classifier, path: Path) -> None:
    input_ids = torch.tensor([[1, 3, 4, 2], [1, 3, 2, 0]])
    attention_mask = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]])
    tokens = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        # The exporter is deprecated, but only what it writes can be fused.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (input_ids, attention_mask),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": tokens, "attention_mask": tokens, "logits": {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )


def _require_nodes(path: Path, kind: str, count: int) -> None:
    found = sum(node.op_type == kind for node in onnx.load(path).graph.node)
    if found != count:
        raise ExportError(f"{path.name} has {found} {kind} nodes; expected {count}, one for each layer")
