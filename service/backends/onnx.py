"""ONNX Runtime on the CPU. One session serves every thread; a call computes on its caller's thread."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

# The official builds send use data to Microsoft unless this is set before the import:
# Privacy.md in the package, section "Disabling Telemetry". Whoever wants it can set it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - the package ships no types

from ..faults import BadModel
from . import Float32s, Int64s
from .pooling import Pooling, pooled, unit_length

ort: Any = onnxruntime
# Fatal errors alone: others are raised too, and its lines on standard error hold names from the model.
LOG_SEVERITY = 4
ort.set_default_logger_severity(LOG_SEVERITY)

INPUT_IDS, ATTENTION_MASK, TOKEN_TYPE_IDS = "input_ids", "attention_mask", "token_type_ids"
REQUIRED = {INPUT_IDS, ATTENTION_MASK}
INPUTS = {*REQUIRED, TOKEN_TYPE_IDS}
# The names of exports: optimum/exporters/onnx/model_configs.py.
TEXT_VECTOR = "sentence_embedding"
TOKEN_VECTORS = ("last_hidden_state", "token_embeddings")


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output. type: in ONNX Runtime's notation. shape: a size that varies is None."""

    type: str
    shape: tuple[int | None, ...]


class OnnxModel:
    """A session over a model of any inputs and outputs. Called from several threads at once."""

    def __init__(self, model: Path) -> None:
        """Load the model. Raises BadModel if ONNX Runtime cannot."""
        options = ort.SessionOptions()
        # Requests run side by side, one thread each: measured 1.95x on two CPUs, where one call
        # spread over two threads gains less and spins while it waits.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = LOG_SEVERITY
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its error classes share no base that is public
            raise BadModel(f"{model} cannot be loaded by ONNX Runtime: {_first_line(error)}") from None
        self.path = model
        self.inputs = {value.name: _port(value) for value in self._session.get_inputs()}
        self.outputs = {value.name: _port(value) for value in self._session.get_outputs()}

    def run(self, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[Any]:
        """Return the outputs in this order; a tensor is an array."""
        return self._session.run(outputs, feed)


class OnnxBackend:
    """A model over tokens, as Slipway, Optimum and sentence-transformers export it."""

    def __init__(
        self, model: Path, output: str = "logits", pooling: Pooling | None = None, normalize: bool = True
    ) -> None:
        """Load the model. Raises BadModel if it has other inputs, or no output that the task reads.

        output: the name of its output, [batch, width]. pooling, normalize: what is done with the vectors of
        tokens, `last_hidden_state`, of a graph that has no such output; None refuses such a graph.
        """
        self._model = OnnxModel(model)
        self._inputs = {name: _number_type(port) for name, port in self._model.inputs.items()}
        if not REQUIRED <= self._inputs.keys() <= INPUTS or None in self._inputs.values():
            raise BadModel(_other_inputs(model, self._model.inputs))
        self._output = _output_of(self._model, output, pooling is not None)
        self._pooling: Pooling | None = pooling if self._output in TOKEN_VECTORS else None
        self._normalize = normalize and self._output != output

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        given = {INPUT_IDS: input_ids, ATTENTION_MASK: attention_mask}
        if TOKEN_TYPE_IDS in self._inputs:  # a text alone is the first of a pair: all zeros
            given[TOKEN_TYPE_IDS] = np.zeros_like(input_ids)
        feed = {name: value.astype(self._inputs[name], copy=False) for name, value in given.items()}
        found = cast(Float32s, self._model.run([self._output], feed)[0])
        if self._pooling is not None:
            return pooled(found, attention_mask, self._pooling, self._normalize)
        return unit_length(found) if self._normalize else found


def _number_type(port: Port) -> type[np.int64 | np.int32] | None:
    return {"tensor(int64)": np.int64, "tensor(int32)": np.int32}.get(port.type)


def _output_of(model: OnnxModel, output: str, may_pool: bool) -> str:
    """Return the name of the output to read: the task's own, or vectors that become it. Raises BadModel."""
    floats = {name: port for name, port in model.outputs.items() if port.type == "tensor(float)"}
    candidates = (output, *((TEXT_VECTOR, *TOKEN_VECTORS) if may_pool else ()))
    found = next((name for name in candidates if name in floats), None)
    if found is None:
        got = {name: port.type for name, port in model.outputs.items()}
        raise BadModel(f"{model.path}: outputs are {got}; expected {' or '.join(candidates)}, tensor(float).")
    return found


def _other_inputs(model: Path, ports: Mapping[str, Port]) -> str:
    got = ", ".join(f"{name} {port.type}" for name, port in ports.items()) or "none"
    return (
        f"{model}: inputs are {got}; expected {INPUT_IDS} and {ATTENTION_MASK}, with or without "
        f"{TOKEN_TYPE_IDS}, each tensor(int64) or tensor(int32) [batch, tokens]. Export the model again with "
        "these inputs alone."
    )


def _port(value: Any) -> Port:
    sizes: list[Any] = value.shape
    return Port(value.type, tuple(size if isinstance(size, int) else None for size in sizes))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
