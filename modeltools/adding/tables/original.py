"""A model as its own library opened it: its columns, its labels, its answers, and its conversion."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

ColumnType = Literal["float", "int", "string", "bool"]
Value = float | int | str | bool | None


@dataclass(slots=True)
class TrainedColumn:
    """A column as the model was trained on it."""

    name: str
    type: ColumnType = "float"
    values: list[Any] = field(default_factory=list[Any])
    """Those that the model knows, of a category."""
    is_dropped: bool = False
    """The model takes it and uses nothing of it, so that it says nothing of its type."""
    fill: str | None = None
    """The string that it puts in place of a missing one."""
    numbers: list[float] = field(default_factory=list[float])
    """Numbers in the range of its training, where the model has kept any."""


@dataclass(slots=True)
class Original:
    """predict: from rows to probabilities, [rows, labels], or to values, [rows].

    convert: to a serialised ONNX graph, whose inputs are the columns, or all of them in one, `features`.
    labels: a classifier's, none of a regressor.
    """

    words: str
    columns: list[TrainedColumn]
    labels: list[str]
    predict: Callable[[Sequence[Sequence[Value]]], Any]
    convert: Callable[[], bytes]
    versions: dict[str, str]
    assumed: list[str] = field(default_factory=list[str])
