"""Versions that turn out bad under load, and what is open while the traffic moves."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from slipway.components.local import process
from slipway.components.local.process import StartFailed
from slipway.components.local.record import release_folder
from tests.components.local.rolling import (
    BEFORE_BACKEND,
    MODEL,
    ask,
    canary,
    code_with,
    digest_of,
    started,
    until,
    updated,
)
from tests.conftest import ROOT
from tests.infra.local_load import Load


def _square_again() -> onnx.GraphProto:
    """Return the body of a loop that squares a matrix."""
    return helper.make_graph(
        [
            helper.make_node("MatMul", ["square", "square"], ["more"]),
            helper.make_node("Tanh", ["more"], ["next"]),
            helper.make_node("Identity", ["going"], ["goes_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("square", TensorProto.FLOAT, [None, None]),
        ],
        [
            helper.make_tensor_value_info("goes_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [None, None]),
        ],
    )


def _slow_down(graph: onnx.GraphProto) -> None:
    """Make a classifier do much more work for the same answers: the work's result counts for nothing."""
    for node in graph.node:
        node.output[:] = ["quick" if name == "logits" else name for name in node.output]
    graph.initializer.extend(
        [
            helper.make_tensor("turns", TensorProto.INT64, [], [300]),
            helper.make_tensor("yes", TensorProto.BOOL, [], [True]),
            helper.make_tensor("zero", TensorProto.FLOAT, [], [0.0]),
            helper.make_tensor("size", TensorProto.INT64, [2], [200, 200]),
        ]
    )
    graph.node.extend(
        [
            helper.make_node("ReduceMean", ["quick"], ["mean"], keepdims=0),
            helper.make_node("Expand", ["mean", "size"], ["first"]),
            helper.make_node("Loop", ["turns", "yes", "first"], ["last"], body=_square_again()),
            helper.make_node("ReduceMean", ["last"], ["small"], keepdims=0),
            helper.make_node("Mul", ["small", "zero"], ["nothing"]),
            helper.make_node("Add", ["quick", "nothing"], ["logits"]),
        ]
    )


def slow_model(folder: Path) -> dict[str, Any]:
    """Copy the bundled model, slowed down, and return its inputs."""
    model = shutil.copytree(ROOT / MODEL, folder / "slow")
    path = model / "model.onnx"
    made = onnx.ModelProto.FromString(path.read_bytes())
    _slow_down(made.graph)
    path.write_bytes(made.SerializeToString())
    manifest = json.loads((model / "manifest.json").read_text())
    manifest["files"]["model.onnx"]["bytes"] = path.stat().st_size
    manifest["files"]["model.onnx"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (model / "manifest.json").write_text(json.dumps(manifest))
    return {"model": f"file:{model}", "model_folder": str(model), "model_digest": digest_of(model)}


@pytest.mark.long
def test_a_slow_model_that_has_every_request_goes_back(
    props: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    outputs = started(props)
    slow = {"rollout": "blue-green", **slow_model(tmp_path)}
    with Load(outputs["url"], outputs["api_key"], rate=120, connections=24) as load:
        until(lambda: len(load.latencies) > 100)
        rules = ["http_server_request_duration_seconds p90 > 3x"]
        with pytest.raises(StartFailed, match=r"went back: \d+ of \d+ answers took longer than"):
            updated(outputs, props, **{**canary(rollback_on=rules), **slow})
    assert load.failures == []
    assert ask(outputs) == 200
    until(lambda: process.alive(release_folder(folder, 2)) is None)


@pytest.mark.long
def test_a_version_that_leaks_goes_back_by_its_memory(
    props: dict[str, Any], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = started({**props, "memory_gib": 0.3})
    leaks = code_with(
        tmp_path,
        "backends/onnx.py",
        BEFORE_BACKEND,
        f"        self.__dict__.setdefault('kept', []).append(b'x' * (600 << 10))\n{BEFORE_BACKEND}",
        monkeypatch,
    )
    with Load(outputs["url"], outputs["api_key"], rate=100):
        rules = ["slipway_memory_used_bytes > 90%"]
        with pytest.raises(StartFailed, match=r"went back: .*(memory_used_bytes is|ran out of memory)"):
            updated(outputs, props, **{**canary(rollback_on=rules), "memory_gib": 0.3, **leaks})
    assert ask(outputs) == 200
