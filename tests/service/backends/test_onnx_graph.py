"""What a graph says is compared with the manifest before ONNX Runtime opens anything that it names."""

import hashlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from slipway.service.backends.onnx_graph import read_graph
from slipway.service.faults import BadModel
from slipway.service.folder import ModelFolder
from slipway.service.manifest import Manifest
from slipway.service.settings import BUNDLED_MODEL
from slipway.service.tasks import TASKS, Limits
from tests.service.tasks.embedding_model import embedding_model

make: Any = helper
any_onnx: Any = onnx
LIMITS = Limits(10, 1000)
OTHER = "weights.data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return embedding_model(tmp_path / "model")


def graph_of(folder: Path) -> Any:
    return any_onnx.load(folder / "model.onnx", load_external_data=False)


def rewritten(folder: Path, model: Any, *listed: str, **changes: Any) -> None:
    """Put the graph there, and into the manifest its hash and those of the files `listed`."""
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    content = json.loads((folder / "manifest.json").read_text()) | changes
    for name in ("model.onnx", *listed):
        data = (folder / name).read_bytes()
        content["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(content))


def loaded(folder: Path) -> None:
    manifest = Manifest.read(folder, TASKS)
    manifest.check_files(folder)
    TASKS[manifest.task](manifest, LIMITS).load(ModelFolder(folder, manifest))


def outside(tensor: Any, location: str = OTHER) -> Any:
    """Move the tensor's numbers to another file."""
    data = tensor.raw_data
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(data)))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def as_initializer(model: Any) -> bytes:
    table = model.graph.initializer[0]
    data: bytes = table.raw_data
    outside(table)
    return data


def constant() -> Any:
    return outside(numpy_helper.from_array(np.ones(8, np.float32), "ones"))


def as_attribute(model: Any) -> bytes:
    model.graph.node.append(make.make_node("Constant", [], ["unused"], value=constant()))
    return np.ones(8, np.float32).tobytes()


def in_a_branch(model: Any) -> bytes:
    value = make.make_tensor_value_info("ones", TensorProto.FLOAT, [8])
    branch = make.make_graph([], "branch", [], [value], [constant()])
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    model.graph.node.append(make.make_node("If", ["yes"], ["chosen"], then_branch=branch, else_branch=branch))
    return np.ones(8, np.float32).tobytes()


def in_a_function(model: Any) -> bytes:
    node = make.make_node("Constant", [], ["unused"], value=constant())
    model.functions.append(
        make.make_function("custom", "Ones", [], ["unused"], [node], [make.make_opsetid("", 17)])
    )
    return np.ones(8, np.float32).tobytes()


def as_sparse(model: Any) -> bytes:
    indices = numpy_helper.from_array(np.arange(8, dtype=np.int64), "indices")
    model.graph.sparse_initializer.append(make.make_sparse_tensor(constant(), indices, [8]))
    return np.ones(8, np.float32).tobytes()


@pytest.mark.parametrize("put", [as_initializer, as_attribute, in_a_branch, in_a_function, as_sparse])
def test_weights_in_a_file_that_the_manifest_does_not_list_are_refused(
    folder: Path, put: Callable[[Any], bytes]
):
    model = graph_of(folder)
    (folder / OTHER).write_bytes(put(model))
    rewritten(folder, model)
    with pytest.raises(
        BadModel, match=f"has a model.onnx with weights in '{OTHER}', which manifest.json does"
    ):
        loaded(folder)


def test_weights_in_a_file_that_the_manifest_lists_are_served(folder: Path):
    model = graph_of(folder)
    (folder / OTHER).write_bytes(as_initializer(model))
    rewritten(folder, model, OTHER)
    loaded(folder)


def test_weights_in_a_listed_file_are_held_to_its_hash(folder: Path):
    model = graph_of(folder)
    data = as_initializer(model)
    (folder / OTHER).write_bytes(data)
    rewritten(folder, model, OTHER)
    (folder / OTHER).write_bytes(bytes(len(data)))
    with pytest.raises(BadModel, match=f"{OTHER} has sha256 .*; manifest.json says"):
        loaded(folder)


@pytest.mark.parametrize(
    "location", ["../secret", "/etc/passwd", "", "*/_ORT_MEM_ADDR_/*", "sub/weights", "\x1b[31mred", "a\nb"]
)
def test_weights_that_lie_anywhere_else_are_refused_in_words_without_escapes(folder: Path, location: str):
    model = graph_of(folder)
    outside(model.graph.initializer[0], location)
    rewritten(folder, model)
    with pytest.raises(BadModel, match=r"has a model\.onnx with weights in ") as refused:
        loaded(folder)
    assert str(refused.value).isprintable()


def test_an_int8_graph_is_not_taken_for_fp32(tmp_path: Path):
    model = Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "model"))
    content = json.loads((model / "manifest.json").read_text()) | {"precision": "fp32"}
    (model / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(BadModel, match=r"model.onnx computes in int8; manifest.json says precision 'fp32'"):
        loaded(model)


@pytest.mark.parametrize("said", ["fp16", "bf16", "int8"])
def test_an_fp32_graph_is_taken_for_nothing_else(folder: Path, said: str):
    rewritten(folder, graph_of(folder), precision=said)
    with pytest.raises(BadModel, match=f"model.onnx computes in fp32; manifest.json says precision '{said}'"):
        loaded(folder)


def with_weights(kind: Any, operator: str = "Add") -> Any:
    """Build a graph with one node over weights of that kind."""
    weights = make.make_tensor("weights", kind, [4], np.zeros(4))
    output = make.make_tensor_value_info("sum", kind, [4])
    graph = make.make_graph(
        [make.make_node(operator, ["weights", "weights"], ["sum"])], "g", [], [output], [weights]
    )
    return make.make_model(graph)


@pytest.mark.parametrize(
    ("model", "precision"),
    [
        (with_weights(TensorProto.FLOAT), "fp32"),
        (with_weights(TensorProto.FLOAT16), "fp16"),
        (with_weights(TensorProto.BFLOAT16), "bf16"),
        (with_weights(TensorProto.FLOAT, "MatMulInteger"), "int8"),
        (with_weights(TensorProto.FLOAT, "QAttention"), "int8"),
        (with_weights(TensorProto.FLOAT, "DequantizeLinear"), "int8"),
        (with_weights(TensorProto.FLOAT16, "MatMulNBits"), "int8"),
        (with_weights(TensorProto.INT64), None),
    ],
    ids=["fp32", "fp16", "bf16", "int8", "fused int8", "weights in int8", "weights in 4 bits", "no weights"],
)
def test_the_precision_is_that_of_operators_and_weights(tmp_path: Path, model: Any, precision: str | None):
    (tmp_path / "model.onnx").write_bytes(model.SerializeToString())
    assert read_graph(tmp_path, "model.onnx").precision == precision


def test_every_beginning_of_a_graph_is_read_or_refused(tmp_path: Path, folder: Path):
    content = (folder / "model.onnx").read_bytes()
    for end in range(len(content)):
        (tmp_path / "model.onnx").write_bytes(content[:end])
        with suppress(BadModel):
            read_graph(tmp_path, "model.onnx")


def test_a_graph_that_nests_without_end_is_refused(tmp_path: Path):
    nested = b""
    for _ in range(300):  # graph > node > attribute > graph
        attribute = b"\x32" + varint(len(nested)) + nested
        inner = b"\x2a" + varint(len(attribute)) + attribute
        nested = b"\x0a" + varint(len(inner)) + inner
    (tmp_path / "model.onnx").write_bytes(b"\x3a" + varint(len(nested)) + nested)
    with pytest.raises(BadModel, match="nest more than 100 levels deep"):
        read_graph(tmp_path, "model.onnx")


def varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])


def test_a_token_that_the_graph_does_not_know_is_told_at_the_start(folder: Path):
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["model"]["vocab"]["beyond"] = len(tokenizer["model"]["vocab"])
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    rewritten(folder, graph_of(folder), "tokenizer.json")
    with pytest.raises(BadModel, match=r"the model fails on token 14, which tokenizer\.json has"):
        loaded(folder)


@pytest.mark.parametrize("max_tokens", [1, 3, 1 << 20])
def test_a_limit_that_holds_a_token_and_that_the_graph_takes_is_served(folder: Path, max_tokens: int):
    rewritten(folder, graph_of(folder), max_tokens=max_tokens)
    loaded(folder)


def test_a_limit_that_special_tokens_fill_is_refused(tmp_path: Path):
    model = Path(shutil.copytree(BUNDLED_MODEL, tmp_path / "model"))
    content = json.loads((model / "manifest.json").read_text())
    for max_tokens, is_served in ((1, False), (2, False), (3, True)):
        (model / "manifest.json").write_text(json.dumps(content | {"max_tokens": max_tokens}))
        if is_served:
            loaded(model)
            continue
        with pytest.raises(
            BadModel, match=r"tokenizer\.json adds 2 tokens to each text, so at least 3 are needed"
        ):
            loaded(model)
