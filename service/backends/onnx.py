"""ONNX Runtime on the CPU. One session serves every thread; a call computes on its caller's thread."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from numpy.typing import NDArray

# The official builds send use data to Microsoft unless this is set before the import:
# Privacy.md in the package, section "Disabling Telemetry". Whoever wants it can set it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - the package ships no types

from ..faults import BadModel
from . import Float32s, Int64s

ort: Any = onnxruntime
# Fatal errors alone: others are raised too, and its lines on standard error hold names from the model.
LOG_SEVERITY = 4
ort.set_default_logger_severity(LOG_SEVERITY)

INPUTS = {"input_ids": "tensor(int64)", "attention_mask": "tensor(int64)"}


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
    def __init__(self, model: Path, output: str = "logits") -> None:
        """Load the model.

        output: the name of its one output, [batch, width]. Raises BadModel if it has others.
        """
        self._model = OnnxModel(model)
        _expect(model, "inputs", self._model.inputs, INPUTS)
        _expect(model, "outputs", self._model.outputs, {output: "tensor(float)"})
        self._output = output

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return cast(Float32s, self._model.run([self._output], feed)[0])


def _port(value: Any) -> Port:
    sizes: list[Any] = value.shape
    return Port(value.type, tuple(size if isinstance(size, int) else None for size in sizes))


def _expect(model: Path, what: str, ports: Mapping[str, Port], allowed: dict[str, str]) -> None:
    got = {name: port.type for name, port in ports.items()}
    if got != allowed:
        raise BadModel(f"{model}: {what} are {got}; expected {allowed}.")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
