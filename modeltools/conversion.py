"""Converts a torch network to ONNX files: exported, then with fused attention, then int8 per channel.

Runs where a model is made, not where it is served: needs what `modeltools/requirements-train.txt` lists.
"""

import warnings
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.optimizer import optimize_model

OPSET = 17
# Of tokens that every vocabulary has; two rows, one of them padded, so that neither size is taken for fixed.
INPUT_IDS = [[1, 3, 4, 2], [1, 3, 2, 0]]
ATTENTION_MASK = [[1, 1, 1, 1], [1, 1, 1, 0]]


def export(network: torch.nn.Module, path: Path, output: str = "logits") -> None:
    """Write the fp32 model without optimizations.

    network: `input_ids` and `attention_mask`, int64 [batch, tokens], to `output`, float32 [batch, width].
    """
    tokens = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        # The exporter is deprecated, but only what it writes can be fused.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.tensor(INPUT_IDS), torch.tensor(ATTENTION_MASK)),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=[output],
            dynamic_axes={"input_ids": tokens, "attention_mask": tokens, output: {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )


def fuse(plain: Path, path: Path, heads: int, width: int) -> None:
    """Write the model with each attention, normalisation and activation as one node, as far as possible."""
    fused = optimize_model(str(plain), model_type="bert", num_heads=heads, hidden_size=width)
    fused.save_model_to_file(str(path))


def quantize(fused: Path, path: Path) -> None:
    """Write the fused model with int8 weights, one scale for each output channel."""
    quantize_dynamic(
        fused,
        path,
        per_channel=True,
        weight_type=QuantType.QInt8,
        # The fused nodes have no shape inference, so the type of what lies between them has to be said.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def nodes(path: Path, kind: str) -> int:
    """Count the nodes of a kind in a model, for example `Attention`."""
    return sum(node.op_type == kind for node in onnx.load(path, load_external_data=False).graph.node)
