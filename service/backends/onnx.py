"""ONNX Runtime on the CPU. One session serves every thread; a call computes on its caller's thread."""

import os
from pathlib import Path
from typing import Any, cast

# The official builds send use data to Microsoft unless this is set before the import:
# Privacy.md in the package, section "Disabling Telemetry". Whoever wants it can set it to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - the package ships no types

from service.backends import Float32s, Int64s
from service.faults import BadModel

ort: Any = onnxruntime

INPUTS = {"input_ids": "tensor(int64)", "attention_mask": "tensor(int64)"}


class OnnxBackend:
    def __init__(self, model: Path, output: str = "logits") -> None:
        """output: the name of its one output, [batch, width]. Raises BadModel if it has others."""
        options = ort.SessionOptions()
        # Requests run side by side, one thread each: measured 1.95x on two CPUs, where one call
        # spread over two threads gains less and spins while it waits.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only: its warnings are not JSON
        try:
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its error classes share no base that is public
            raise BadModel(f"{model} cannot be loaded by ONNX Runtime: {_first_line(error)}") from None
        _expect(model, "inputs", {value.name: value.type for value in self._session.get_inputs()}, INPUTS)
        outputs = {value.name: value.type for value in self._session.get_outputs()}
        _expect(model, "outputs", outputs, {output: "tensor(float)"})
        self._output = output

    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return cast(Float32s, self._session.run([self._output], feed)[0])


def _expect(model: Path, what: str, got: dict[str, str], allowed: dict[str, str]) -> None:
    if got != allowed:
        raise BadModel(f"{model}: {what} are {got}; expected {allowed}.")


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
