"""ONNX graphs over rows of a table, as skl2onnx and onnxmltools write them: classifiers and regressors."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..columns import Column
from ..faults import BadModel
from .table_inputs import Feed, Row, TableInputs

if TYPE_CHECKING:
    from .onnx import OnnxModel, Port

Floats = NDArray[np.floating]
Label = str | int

FLOATS = ("tensor(float)", "tensor(double)")
LABELS = ("tensor(int64)", "tensor(string)")
# Probabilities of a row as a map from label to number, skl2onnx's default.
MAPS = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")
# Rounding may take a sum of float32 probabilities as far as this from 1.
SUM_TOLERANCE = 1e-3


class RowBackend:
    """Maps rows of a table to probabilities, [batch, labels], or to values, [batch].

    Called from several threads at once.
    """

    def __init__(
        self, model: "OnnxModel", columns: Sequence[Column], labels: Sequence[Label], row: Row
    ) -> None:
        """Try the model. labels: of a classifier, none for a regressor. row: an example for the trial.

        Raises BadModel if the graph has other inputs and outputs.
        """
        self._model = model
        self._labels = labels
        self.inputs = TableInputs(model, columns)
        self._output = _one_output(model, len(labels))
        self._is_map = model.outputs[self._output].type in MAPS
        self._label_keys: Sequence[Any] = ()
        for count in (1, 2, 3):
            self._try([row] * count)

    def run(self, feed: Feed) -> Floats:
        """Return [batch, labels] of a classifier, [batch] of a regressor. feed: as `inputs` makes it."""
        output = self._model.run([self._output], feed)[0]
        if self._is_map:
            return np.array([[row[key] for key in self._label_keys] for row in output], np.float32)
        return np.asarray(output) if self._labels else np.asarray(output).reshape(len(output))

    def _try(self, rows: Sequence[Row]) -> None:
        count = len(rows)
        found = self._tried(rows)
        allowed = [(count, len(self._labels))] if self._labels else [(count,), (count, 1)]
        if found.shape not in allowed:
            raise BadModel(
                f"{self._model.path}: {self._output} has the shape {list(found.shape)} for {count} rows; "
                f"expected {' or '.join(str(list(shape)) for shape in allowed)}, as manifest.json has "
                f"{len(self._labels) or 'no'} labels."
            )
        if self._labels and np.isfinite(found).all() and not _are_probabilities(found):
            raise BadModel(
                f"{self._model.path} gives {found[0].tolist()[:8]} for the example row, which are no "
                "probabilities: they have to be from 0 to 1, with a sum of 1."
            )

    def _tried(self, rows: Sequence[Row]) -> Floats:
        try:
            output = self._model.run([self._output], self.inputs.feed(rows))[0]
        except Exception as error:  # its error classes share no base that is public
            raise BadModel(
                f"{self._model.path} fails on {len(rows)} rows {str(list(rows[0]))[:300]}: "
                f"{str(error).strip()[:300]}. If that is no row for it, give `example` in manifest.json one."
            ) from None
        if not self._is_map:
            return np.asarray(output)
        self._label_keys = self._keys(list(output[0]))
        return np.array([[row[key] for key in self._label_keys] for row in output], np.float32)

    def _keys(self, keys: Sequence[Label]) -> Sequence[Label]:
        """Return the keys of a map in the order of the manifest's labels.

        Of a graph that has numbers for labels, the manifest may list names, in the order of the numbers.
        """
        by_text = {str(key): key for key in keys}
        if by_text.keys() == {str(label) for label in self._labels}:
            return [by_text[str(label)] for label in self._labels]
        if not all(isinstance(key, int) for key in keys) or not isinstance(self._labels[0], str):
            raise BadModel(
                f"{self._model.path} has the labels {sorted(by_text)[:20]}; manifest.json has "
                f"{list(self._labels)[:20]}. List the graph's own."
            )
        return sorted(keys, key=int)


def failing_row(run: Callable[[Feed], Any], feed: Feed, count: int) -> int | None:
    """Return the first row on which the model fails alone; None if it fails on none."""
    for row in range(count):
        try:
            run({name: array[row : row + 1] for name, array in feed.items()})
        except Exception:  # its error classes share no base that is public
            return row
    return None


def _are_probabilities(found: Floats) -> bool:
    outside = max(float(-found.min()), float(found.max()) - 1)
    return outside <= SUM_TOLERANCE and float(np.abs(found.sum(axis=1) - 1).max()) <= SUM_TOLERANCE


def _one_output(model: "OnnxModel", labels: int) -> str:
    """Return the name of the probabilities or values; a classifier may output its label as well."""
    ports = model.outputs
    kinds = (*FLOATS, *MAPS) if labels else FLOATS
    read = [name for name, port in ports.items() if port.type in kinds]
    beside = [port.type for name, port in ports.items() if name not in read]
    if len(read) != 1 or len(beside) > bool(labels) or not set(beside) <= set(LABELS):
        expected = (
            f"probabilities, tensor(float) [batch, {labels}] or a list of maps, with or without the label"
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
