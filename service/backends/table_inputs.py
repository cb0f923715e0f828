"""From rows of a table to the inputs of an ONNX graph, and which columns each input takes.

A graph has an input for all columns, [batch, columns], as skl2onnx and onnxmltools write for a matrix; or
one for each column, [batch, 1], as skl2onnx writes for a DataFrame; or several that take some columns each,
such as one for each type.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..columns import Cell, Column, ColumnType, column_json, nearest
from ..faults import BadModel

if TYPE_CHECKING:
    from .onnx import OnnxModel, Port

Feed = Mapping[str, NDArray[Any]]
Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Element:
    """A number type of an input: what it is in numpy, and the columns it takes, its own type first.

    exact: below this it keeps every whole number; None: where it takes whole numbers at all, it keeps them.
    """

    dtype: Any
    types: tuple[ColumnType, ...]
    exact: int | None = None


ELEMENTS: Mapping[str, Element] = {
    "tensor(float)": Element(np.float32, ("float", "int", "bool"), 1 << 24),
    "tensor(double)": Element(np.float64, ("double", "int", "bool"), 1 << 53),
    "tensor(int64)": Element(np.int64, ("int", "bool")),
    "tensor(string)": Element(np.object_, ("string",)),
    "tensor(bool)": Element(np.bool_, ("bool",)),
}


@dataclass(frozen=True, slots=True)
class Input:
    name: str
    element: Element
    first: int
    """The first of its columns."""
    width: int | None
    """How many it takes; None: the graph has no batch of columns for it, only [batch]."""

    @property
    def end(self) -> int:
        return self.first + (self.width or 1)

    def array(self, rows: Sequence[Row]) -> NDArray[Any]:
        if self.end - self.first == 1:
            values: Any = [row[self.first] for row in rows]
            column = np.array(values, self.element.dtype)
            return column if self.width is None else column.reshape(-1, 1)
        values = [row[self.first : self.end] for row in rows]
        return np.array(values, self.element.dtype)

    def changed(self, rows: Sequence[Row], array: NDArray[Any]) -> Iterator[tuple[int, int, int]]:
        """Yield row, column and what becomes of it, for each whole number that the input cannot hold."""
        if self.element.exact is None or not (np.abs(array) >= self.element.exact).any():
            return
        table = array.reshape(len(rows), -1)
        for row, place in np.argwhere(np.abs(table) >= self.element.exact).tolist():
            given, held = rows[row][self.first + place], int(table[row, place])
            if type(given) is int and given != held:
                yield row, self.first + place, held


class TableInputs:
    """The inputs of one graph. Raises BadModel if the graph takes other columns than the manifest has."""

    def __init__(self, model: "OnnxModel", columns: Sequence[Column]) -> None:
        self._inputs = _inputs(model, columns)

    def feed(self, rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
        return {each.name: each.array(rows) for each in self._inputs}

    def changed(self, rows: Sequence[Row], feed: Feed) -> Iterator[tuple[int, int, int]]:
        """Yield row, column and what becomes of it, for each whole number that its input cannot hold."""
        for each in self._inputs:
            yield from each.changed(rows, feed[each.name])


def _inputs(model: "OnnxModel", columns: Sequence[Column]) -> list[Input]:
    for name, port in model.inputs.items():
        if port.type not in ELEMENTS or len(port.shape) not in (1, 2):
            raise BadModel(
                f"{model.path}: input {name} is {_shape(port)}; a table's inputs are [batch, columns] of "
                f"{', '.join(ELEMENTS)}. Convert the model with such inputs."
            )
    single = len(model.inputs) > 1 and all(_width(port) == 1 for port in model.inputs.values())
    inputs = _by_name(model, columns) if single else _in_order(model, columns)
    for each in inputs:
        for column in columns[each.first : each.end]:
            if column.type not in each.element.types:
                raise BadModel(
                    f"{model.path}: manifest.json has the column {column.name!r} of type {column.type}; its "
                    f"input {each.name} is {_shape(model.inputs[each.name])}, which takes the types "
                    f"{' and '.join(each.element.types)}. Correct its type there: "
                    f"{column_json(column.name, each.element.types[0])}."
                )
    return inputs


def _by_name(model: "OnnxModel", columns: Sequence[Column]) -> list[Input]:
    """Match inputs of one column each with the columns of these names."""
    places = {column.name: place for place, column in enumerate(columns)}
    if wrong := sorted(places.keys() ^ model.inputs.keys()):
        name = wrong[0]
        near = nearest(name, model.inputs if name in places else places)
        whose = "manifest.json alone" if name in places else "the graph alone"
        raise BadModel(
            f"{model.path} has an input for each column, and {name!r} is in {whose}"
            f"{f' (near is {near!r})' if near else ''}. Name the columns in manifest.json as the graph does: "
            f"{_features(model)}."
        )
    return [_input(name, port, places[name]) for name, port in model.inputs.items()]


def _in_order(model: "OnnxModel", columns: Sequence[Column]) -> list[Input]:
    """Give each input as many of the columns as it takes, in the order of the graph's inputs."""
    open_ended = [name for name, port in model.inputs.items() if _width(port) is None]
    known = sum(_width(port) or 0 for port in model.inputs.values())
    rest = len(columns) - known
    if len(open_ended) > 1 or not (rest > 0 if open_ended else rest == 0):
        shown = ", ".join(f"{name} {_shape(port)}" for name, port in model.inputs.items())
        raise BadModel(
            f"{model.path}: inputs are {shown or 'none'}; manifest.json has {len(columns)} features, and an "
            f"input for all of them would be [batch, {len(columns)}]. List in features every column that the "
            "graph takes, in the order of its inputs."
        )
    inputs, first = list[Input](), 0
    for name, port in model.inputs.items():
        width = _width(port)
        inputs.append(_input(name, port, first, rest if width is None else width))
        first = inputs[-1].end
    return inputs


def _input(name: str, port: "Port", first: int, width: int = 1) -> Input:
    return Input(name, ELEMENTS[port.type], first, None if len(port.shape) == 1 else width)


def _width(port: "Port") -> int | None:
    return 1 if len(port.shape) == 1 else port.shape[1]


def _features(model: "OnnxModel") -> str:
    columns = (column_json(name, ELEMENTS[port.type].types[0]) for name, port in model.inputs.items())
    return f'"features": [{", ".join(columns)}]'


def _shape(port: "Port") -> str:
    sizes = ", ".join("?" if size is None else str(size) for size in port.shape)
    return f"{port.type} [{sizes}]"
