"""Small ONNX exports over texts, made here: graphs as Optimum writes them, a tokenizer, and config.json."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = ["[UNK]", "[PAD]", "good", "bad", "film", "food", "the", "was", "a", "very", "ok", "!", "."]
WIDTH = 4
LABELS = {"0": "negative", "1": "neutral", "2": "positive"}
CONFIG = {
    "architectures": ["BertForSequenceClassification"],
    "model_type": "bert",
    "max_position_embeddings": 32,
    "num_attention_heads": 2,
    "id2label": LABELS,
}
make: Any = helper
Floats = np.ndarray[Any, np.dtype[np.float32]]


def table(rows: int = len(WORDS)) -> Floats:
    return np.random.default_rng(1).normal(size=(rows, WIDTH)).astype(np.float32)


def weights(labels: int = 3) -> Floats:
    return np.random.default_rng(2).normal(size=(WIDTH, labels)).astype(np.float32)


def export(
    folder: Path,
    inputs: tuple[str, ...] = ("input_ids", "attention_mask", "token_type_ids"),
    output: str = "logits",
    rows: int = len(WORDS),
    config: dict[str, Any] | None = None,
    kind: int = TensorProto.INT64,
) -> Path:
    """Write model.onnx, tokenizer.json and config.json. output: logits, or last_hidden_state."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(graph(inputs, output, rows, kind).SerializeToString())
    tokenizer: Any = Tokenizer(
        models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=8)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(CONFIG if config is None else config))
    return folder


def graph(inputs: tuple[str, ...], output: str, rows: int, kind: int) -> Any:
    """Sum each token's row with that of its type, 100 for the second of a pair; average; multiply."""
    nodes = [make.make_node("Gather", ["table", "input_ids"], ["words"])]
    hidden = "words"
    if "token_type_ids" in inputs:
        nodes.append(make.make_node("Gather", ["types", "token_type_ids"], ["kinds"]))
        nodes.append(make.make_node("Add", ["words", "kinds"], ["typed"]))
        hidden = "typed"
    if output == "logits":
        nodes += [
            make.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
            make.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
            make.make_node("Mul", [hidden, "weights"], ["weighted"]),
            make.make_node("ReduceSum", ["weighted", "tokens"], ["sum"], keepdims=0),
            make.make_node("MatMul", ["sum", "head"], ["logits"]),
        ]
        shape: list[Any] = ["batch", 3]
    else:
        nodes.append(make.make_node("Identity", [hidden], [output]))
        shape = ["batch", "tokens", WIDTH]
    numbers = {
        "table": table(rows),
        "types": np.array([[0] * WIDTH, [100] * WIDTH], np.float32),
        "head": weights(),
        "last": np.array([2], np.int64),
        "tokens": np.array([1], np.int64),
    }
    ports = [make.make_tensor_value_info(name, kind, ["batch", "tokens"]) for name in inputs]
    out = make.make_tensor_value_info(output, TensorProto.FLOAT, shape)
    constants = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    made = make.make_graph(nodes, "tiny", ports, [out], constants)
    return make.make_model(made, opset_imports=[make.make_opsetid("", 17)], ir_version=10)


def token_ids(text: str) -> list[int]:
    return [WORDS.index(word) if word in WORDS else 0 for word in text.split()]


def probabilities(text: str) -> Floats:
    """Compute in numpy what the classifier must answer, [labels]."""
    logits = table()[token_ids(text)].sum(axis=0) @ weights()
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()
