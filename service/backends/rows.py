"""ONNX graphs over rows of numbers, as skl2onnx and onnxmltools write them: classifiers and regressors."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..faults import BadModel
from . import Float32s

if TYPE_CHECKING:
    from .onnx import OnnxModel, Port

FLOATS = ("tensor(float)", "tensor(double)")
LABELS = ("tensor(int64)", "tensor(string)")
# Rounding may take a sum of float32 probabilities as far as this from 1.
SUM_TOLERANCE = 1e-3


class RowBackend:
    """Maps float32 [batch, features] to probabilities, [batch, labels], or to values, [batch] or [batch, 1].

    Called from several threads at once.
    """

    def __init__(self, model: "OnnxModel", labels: int, row: Sequence[float]) -> None:
        """Try the model. labels: of a classifier, 0 for a regressor. row: an example for the trial.

        Raises BadModel if the graph has other inputs and outputs.
        """
        self._model = model
        self._labels = labels
        self._input = _one_input(model, len(row))
        self._output = _one_output(model, labels)
        for count in (1, 2, 3):
            self._try(np.array([row] * count, np.float32))

    def run(self, rows: Float32s) -> Float32s:
        """Return [batch, labels] of a classifier, [batch] of a regressor."""
        found = np.asarray(self._model.run([self._output], {self._input: rows})[0], np.float32)
        return found if self._labels else found.reshape(len(rows))

    def _try(self, rows: Float32s) -> None:
        count = len(rows)
        try:
            found = np.asarray(self._model.run([self._output], {self._input: rows})[0])
        except Exception as error:  # its error classes share no base that is public
            raise BadModel(
                f"{self._model.path} fails on {count} rows of {rows.shape[1]} numbers: "
                f"{str(error).strip()[:300]}"
            ) from None
        allowed = [(count, self._labels)] if self._labels else [(count,), (count, 1)]
        if found.shape not in allowed:
            raise BadModel(
                f"{self._model.path}: {self._output} has the shape {list(found.shape)} for {count} rows; "
                f"expected {' or '.join(str(list(shape)) for shape in allowed)}, as manifest.json has "
                f"{self._labels or 'no'} labels."
            )
        if self._labels and np.isfinite(found).all() and not _are_probabilities(found):
            raise BadModel(
                f"{self._model.path} gives {found[0].tolist()[:8]} for the example row, which are no "
                "probabilities: they have to be from 0 to 1, with a sum of 1."
            )


def _are_probabilities(found: Float32s) -> bool:
    outside = max(float(-found.min()), float(found.max()) - 1)
    return outside <= SUM_TOLERANCE and float(np.abs(found.sum(axis=1) - 1).max()) <= SUM_TOLERANCE


def _one_input(model: "OnnxModel", width: int) -> str:
    name, port = next(iter(model.inputs.items()), ("", None))
    fits = port is not None and port.type == "tensor(float)" and len(port.shape) == 2
    if len(model.inputs) != 1 or port is None or not fits or port.shape[1] not in (None, width):
        raise BadModel(
            f"{model.path}: inputs are {_shown(model.inputs)}; expected one, tensor(float) [batch, {width}], "
            f"as manifest.json has {width} features. Convert it with one input: "
            f'initial_types=[("features", FloatTensorType([None, {width}]))].'
        )
    return name


def _one_output(model: "OnnxModel", labels: int) -> str:
    """Return the name of the probabilities or values; a classifier may output its label as well."""
    ports = model.outputs
    if any(port.type.startswith("seq(map") for port in ports.values()):
        raise BadModel(
            f"{model.path}: outputs are {_shown(ports)}; probabilities as a list of maps are not supported. "
            'Convert it with options={"zipmap": False}.'
        )
    read = [name for name, port in ports.items() if port.type in FLOATS]
    beside = [port.type for name, port in ports.items() if name not in read]
    if len(read) != 1 or len(beside) > bool(labels) or not set(beside) <= set(LABELS):
        expected = (
            f"probabilities, tensor(float) [batch, {labels}], with or without the label"
            if labels
            else "one, tensor(float) [batch] or [batch, 1], as manifest.json has no labels"
        )
        raise BadModel(f"{model.path}: outputs are {_shown(ports)}; expected {expected}.")
    return read[0]


def _shown(ports: "Mapping[str, Port]") -> str:
    sizes = {
        name: ", ".join("?" if size is None else str(size) for size in port.shape)
        for name, port in ports.items()
    }
    return ", ".join(f"{name} {port.type} [{sizes[name]}]" for name, port in ports.items()) or "none"
