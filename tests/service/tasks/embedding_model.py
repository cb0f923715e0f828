"""A small real embedding model, made here: a table of vectors, their mean over the tokens, normalised."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = ["[UNK]", "how", "do", "i", "reset", "my", "password", "?", "cannot", "log", "in", "any", "more", "."]
WIDTH = 8
MAX_TOKENS = 16
make: Any = helper


def table(width: int = WIDTH) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return the embedding table, [words, width]."""
    return np.random.default_rng(0).normal(size=(len(WORDS), width)).astype(np.float32)


def embedding_model(folder: Path, width: int = WIDTH) -> Path:
    """Write the model, its tokenizer and its manifest."""
    folder.mkdir()
    (folder / "model.onnx").write_bytes(_model(width).SerializeToString())
    tokenizer = Tokenizer(
        models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()  # pyright: ignore[reportAttributeAccessIssue]
    tokenizer.save(str(folder / "tokenizer.json"))
    manifest_for(folder, "embed")
    return folder


def quantized(folder: Path) -> None:
    """Let the model look its vectors up in a table of 8 bits."""
    model = _model()
    scale, zero = float(np.abs(table()).max()) / 127, np.array(0, np.int8)
    numbers = {"small": np.round(table() / scale).astype(np.int8), "scale": np.float32(scale), "zero": zero}
    del model.graph.initializer[0]
    model.graph.initializer.extend(
        numpy_helper.from_array(np.array(one), name) for name, one in numbers.items()
    )
    model.graph.node.insert(0, make.make_node("DequantizeLinear", ["small", "scale", "zero"], ["table"]))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    manifest_for(folder, "embed", precision="int8")


def manifest_for(folder: Path, task: str, **further: str) -> None:
    """Write the manifest of the model that lies in `folder`. further: keys of it."""
    files = {name: _file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    manifest = {"name": "tiny-embed", "version": "1.0.0", "task": task, "max_tokens": MAX_TOKENS}
    (folder / "manifest.json").write_text(
        json.dumps({**manifest, "license": "CC0-1.0", **further, "files": files})
    )


def expected(text: str) -> np.ndarray[Any, np.dtype[np.float32]]:
    """[WIDTH]: what the model must give, in numpy."""
    words = text.lower().replace("?", " ?").replace(".", " .").split()
    mean = table()[[WORDS.index(word) if word in WORDS else 0 for word in words]].mean(axis=0)
    return mean / np.linalg.norm(mean)


def _model(width: int = WIDTH) -> Any:
    nodes = [
        make.make_node("Gather", ["table", "input_ids"], ["vectors"]),
        make.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        make.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
        make.make_node("Mul", ["vectors", "weights"], ["weighted"]),
        make.make_node("ReduceSum", ["weighted", "tokens"], ["sum"], keepdims=0),
        make.make_node("LpNormalization", ["sum"], ["emb"], axis=-1, p=2),
    ]
    inputs = [
        make.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask")
    ]
    output = make.make_tensor_value_info("emb", TensorProto.FLOAT, ["batch", width])
    numbers = {"table": table(width), "last": np.array([2], np.int64), "tokens": np.array([1], np.int64)}
    constants = [numpy_helper.from_array(value, name) for name, value in numbers.items()]
    graph = make.make_graph(nodes, "tiny-embed", inputs, [output], constants)
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 17)], ir_version=10)


def _file(path: Path) -> dict[str, object]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
