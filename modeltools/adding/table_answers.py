"""Runs a converted table model on rows, as the server does, and compares its answers with the original's.

facts: what `tables.worker` wrote of the model.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.service.backends.onnx import OnnxModel, Port
from slipway.service.faults import BadModel

TOLERANCE = 1e-4
"""The most that a probability may differ, or a value as a part of the largest: float32 rounds to 1e-7."""
_DTYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
Floats = NDArray[np.float64]


def apart_of(ours: Floats, answers: Floats, facts: Mapping[str, Any]) -> Floats:
    """Return how far apart the answers to each row are; of values, in parts of the largest."""
    if ours.shape != answers.shape:
        raise BadModel(f"the graph answers with {list(ours.shape)}; the original with {list(answers.shape)}.")
    apart = np.abs(ours - answers).max(axis=1)
    return apart if facts["labels"] else apart / max(float(np.abs(answers).max()), 1e-30)


def answers_of(model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> Floats:
    read = [name for name, port in model.outputs.items() if port.type in ("tensor(float)", "tensor(double)")]
    if len(read) != 1:
        raise BadModel(
            f"the converted graph has the outputs {', '.join(model.outputs)}; one must be numbers."
        )
    try:
        found = model.run(read, _feed(model, facts, rows))[0]
    except Exception as error:  # its error classes share no base that is public
        raise BadModel(f"the converted graph fails on the rows: {str(error).strip()[:300]}") from None
    return np.asarray(found, np.float64).reshape(len(rows), -1)


def _feed(
    model: OnnxModel, facts: Mapping[str, Any], rows: Sequence[Sequence[Any]]
) -> dict[str, NDArray[Any]]:
    """Return the rows as the graph takes them: all columns in one input, or an input for each."""
    columns = facts["columns"]
    if len(model.inputs) == 1 and len(columns) > 1:
        [(name, port)] = model.inputs.items()
        return {name: _filled(rows, port)}
    if len(model.inputs) != len(columns):
        raise BadModel(f"the converted graph has {len(model.inputs)} inputs for {len(columns)} columns.")
    return {
        name: _filled([[row[place]] for row in rows], port)
        for place, (name, port) in enumerate(model.inputs.items())
    }


def _filled(rows: Sequence[Sequence[Any]], port: Port) -> NDArray[Any]:
    kind = _DTYPES.get(port.type)
    if kind is None:
        raise BadModel(f"the converted graph has an input of {port.type}; allowed are {', '.join(_DTYPES)}.")
    return np.array([[np.nan if value is None else value for value in row] for row in rows], kind)
