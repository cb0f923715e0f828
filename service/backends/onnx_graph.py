"""Reads a model.onnx before it is loaded: the files that hold its weights, its operators, its number types.

Reads the protocol buffer's own structure, field by field, and makes no copy of a weight. Field numbers:
onnx/onnx.proto, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..faults import BadModel
from ..regular import NotRegular, opened

Precision = Literal["fp32", "fp16", "bf16", "int8"]

# Graphs in the attributes of nodes (If, Loop, Scan) nest; protocol buffers themselves allow 100 levels.
MOST_LEVELS = 100
# TensorProto.DataType.
FLOATS: Mapping[int, Precision] = {1: "fp32", 10: "fp16", 16: "bf16"}
EXTERNAL = 1
# onnx/docs/Operators.md and onnxruntime/docs/ContribOperators.md: those that compute with 8 bits and fewer.
QUANTIZED_NAMES = frozenset({"MatMulInteger", "ConvInteger", "DynamicQuantizeLinear", "QuantizeLinear"})
QUANTIZED_PREFIXES = ("QLinear", "QAttention", "QGemm", "QMoE", "QEmbed", "DynamicQuantize", "MatMulInteger")
QUANTIZED_WEIGHTS = frozenset({"MatMulNBits", "MatMulBnb4", "GatherBlockQuantized", "DequantizeLinear"})


class _Unreadable(Exception):
    """The bytes are not a protocol buffer."""


@dataclass(slots=True)
class OnnxGraph:
    external_files: set[str] = field(default_factory=set[str])
    """Where weights lie that are not in the file: paths from its folder, as it spells them."""
    operators: set[str] = field(default_factory=set[str])
    floats: dict[int, int] = field(default_factory=dict[int, int])
    """TensorProto.DataType of floating-point weights -> how many tensors have it."""

    @property
    def precision(self) -> Precision | None:
        """Return the precision of the computation; None for a graph without weights, such as a tree's."""
        if any(map(_is_quantized, self.operators)):
            return "int8"
        # The widest of 16 bits counts: a graph of fp16 keeps a few numbers in fp32 by design.
        found = [kind for kind in (10, 16, 1) if self.floats.get(kind)]
        return FLOATS[max(found, key=lambda kind: self.floats[kind])] if found else None


def read_graph(folder: Path, name: str) -> OnnxGraph:
    """Read the graph of a file. Raises BadModel if it is no ONNX model."""
    path = folder / name
    try:
        graph = OnnxGraph()
        with opened(folder, name) as file:
            # Closed with its last view: those of a walk that failed are held by its error.
            _Walk(graph).model(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))
    except NotRegular as error:
        raise BadModel(f"{path} {error}.") from None
    except (_Unreadable, ValueError, RecursionError) as error:
        raise BadModel(f"{path} cannot be loaded: it is no ONNX model ({error}).") from None
    except OSError as error:
        raise BadModel(f"{path} cannot be read: {error.strerror}.") from None
    return graph


def _is_quantized(operator: str) -> bool:
    exact = operator in QUANTIZED_NAMES or operator in QUANTIZED_WEIGHTS
    return exact or operator.startswith(QUANTIZED_PREFIXES)


class _Walk:
    """Visits the messages that may hold a tensor. Methods are named for the message that they read."""

    def __init__(self, found: OnnxGraph) -> None:
        self._found = found
        self._level = 0

    def model(self, message: memoryview) -> None:
        inside = {7: self.graph, 20: self.training, 25: self.function}
        self._each(message, inside)

    def graph(self, message: memoryview) -> None:
        self._each(message, {1: self.node, 5: self.tensor, 15: self.sparse_tensor})

    def training(self, message: memoryview) -> None:
        self._each(message, {1: self.graph, 2: self.graph})

    def function(self, message: memoryview) -> None:
        self._each(message, {7: self.node, 11: self.attribute})

    def node(self, message: memoryview) -> None:
        self._each(message, {4: self.operator, 5: self.attribute})

    def operator(self, name: memoryview) -> None:
        self._found.operators.add(_text(name))

    def attribute(self, message: memoryview) -> None:
        inside = {5: self.tensor, 10: self.tensor, 22: self.sparse_tensor, 23: self.sparse_tensor}
        self._each(message, inside | {6: self.graph, 11: self.graph})

    def sparse_tensor(self, message: memoryview) -> None:
        self._each(message, {1: self.tensor, 2: self.tensor})

    def tensor(self, message: memoryview) -> None:
        kind, is_external, location, has_size = 0, False, "", False
        for number, value in _fields(message):
            if number == 2 and isinstance(value, int):
                kind = value
            elif number == 14 and isinstance(value, int):
                is_external = value == EXTERNAL
            elif number == 13 and isinstance(value, memoryview):
                key, told = _entry(value)
                location = told if key == "location" else location
            elif number == 1:
                has_size = True
        if is_external or location:
            self._found.external_files.add(location)
        if kind in FLOATS and has_size:  # not a scalar, such as the epsilon of a normalisation
            self._found.floats[kind] = self._found.floats.get(kind, 0) + 1

    def _each(self, message: memoryview, inside: Mapping[int, Callable[[memoryview], None]]) -> None:
        self._level += 1
        if self._level > MOST_LEVELS:
            raise _Unreadable(f"its graphs nest more than {MOST_LEVELS} levels deep")
        for number, value in _fields(message):
            if number in inside and isinstance(value, memoryview):
                inside[number](value)
        self._level -= 1


def _entry(message: memoryview) -> tuple[str, str]:
    """Return key and value of a StringStringEntryProto."""
    found = {number: _text(value) for number, value in _fields(message) if isinstance(value, memoryview)}
    return found.get(1, ""), found.get(2, "")


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8", errors="replace")


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value of each field, skipping those that are neither a number nor a block of bytes.

    Source: protobuf.dev/programming-guides/encoding.
    """
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        size = {1: 8, 5: 4}.get(wire_type)
        if size is None:
            if wire_type != 2:
                raise _Unreadable(f"a field has the wire type {wire_type}")
            size, at = _varint(message, at)
        if number == 0 or size > end - at:
            raise _Unreadable("a field reaches beyond its message")
        if wire_type == 2:
            yield number, message[at : at + size]
        at += size


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return the number at a position, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message) or shift > 63:
            raise _Unreadable("a number does not end")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
