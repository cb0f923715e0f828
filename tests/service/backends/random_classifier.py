"""`python random_classifier.py FOLDER`: a BERT of random weights, as model.onnx and as model.safetensors.

Needs torch and Transformers and nothing of this project, so that an image with torch can run it too.
"""
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

import sys
import warnings
from pathlib import Path

import torch
from torch.onnx._internal.torchscript_exporter import onnx_proto_utils
from transformers import BertConfig, BertForSequenceClassification

# It adds the functions of custom operators, of which there are none here, and wants the package onnx for it,
# which no image holds.
onnx_proto_utils._add_onnxscript_fn = lambda model, opsets: model


def save_random_classifier(folder: Path) -> None:
    torch.manual_seed(20)
    config = BertConfig(
        vocab_size=2000,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        max_position_embeddings=512,
        initializer_range=0.3,  # wide enough that texts differ by more than rounding
        id2label={0: "ham", 1: "spam"},
    )
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    example = (torch.tensor([[1, 3, 4, 2], [1, 3, 2, 0]]), torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]))
    both = {0: "batch", 1: "tokens"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is deprecated; the other one needs onnxscript
        torch.onnx.export(
            model,
            example,
            str(folder / "model.onnx"),
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={"input_ids": both, "attention_mask": both, "logits": {0: "batch"}},
            opset_version=17,
            dynamo=False,
        )


if __name__ == "__main__":
    save_random_classifier(Path(sys.argv[1]))
