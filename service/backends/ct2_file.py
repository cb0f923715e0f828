"""Reads the table of a CTranslate2 model.bin, without its weights: versions, kind of model, type of weights.

Layout: ctranslate2/specs/model_spec.py, `ModelSpec._serialize`, which the engine's src/models/model.cc reads.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..faults import BadModel

# Of the pinned engine: model_spec.py, CURRENT_BINARY_VERSION, and the `revision` of its specifications.
BINARY_VERSION = 6
SEQ2SEQ, CAUSAL = "TransformerSpec", "TransformerDecoderSpec"
REVISIONS = {SEQ2SEQ: 7, CAUSAL: 8}
MOST_NAME_BYTES, MOST_VARIABLES, MOST_DIMENSIONS = 1000, 100_000, 8
# model_spec.py, `_dtype_to_type_id`, of the types that hold weights.
TYPES = {0: "fp32", 1: "int8", 2: "int16", 3: "int32", 4: "fp16", 5: "bf16"}
AGAIN = "Convert the model again with `slipway model add`."


@dataclass(frozen=True, slots=True)
class Ct2File:
    """What the table says. precision: of the weights of the largest matrices."""

    kind: str
    precision: str
    shapes: dict[str, tuple[int, ...]]


class _Damaged(Exception):
    pass


def read_ct2_file(path: Path, kind: str) -> Ct2File:
    """Read the table and check that the file is whole. Raises BadModel if it is not such a model.

    kind: SEQ2SEQ or CAUSAL.
    """
    try:
        with path.open("rb") as file:
            return _table(path, file, kind)
    except _Damaged as damage:
        raise BadModel(
            f"{path} is damaged, or no model of CTranslate2: {damage}. Copy the file again, or convert the "
            "model again."
        ) from None
    except OSError as error:
        raise BadModel(f"{path} cannot be read: {error.strerror}.") from None


def _table(path: Path, file: BinaryIO, kind: str) -> Ct2File:
    version = _number(file, "I")
    if version != BINARY_VERSION:
        raise BadModel(
            f"{path} is no model.bin of CTranslate2's format {BINARY_VERSION}, which this server reads: it "
            f"begins with {version}. Another version wrote it, or it is another engine's file. {AGAIN}"
        )
    found, revision = _text(file), _number(file, "I")
    if found != kind:
        raise BadModel(
            f"{path} holds a {found!r}; this task takes a {kind!r}. Correct the task in "
            "manifest.json, or convert a model for this task."
        )
    if revision != REVISIONS[kind]:
        raise BadModel(
            f"{path} has revision {revision} of {kind}; this server reads revision "
            f"{REVISIONS[kind]}: another version of CTranslate2 wrote it. {AGAIN}"
        )
    shapes, bytes_of_type = _variables(file)
    _skip_aliases(file)
    if file.tell() != os.fstat(file.fileno()).st_size:
        raise _Damaged("it goes on after its end")
    return Ct2File(found, max(bytes_of_type, key=lambda name: bytes_of_type[name]), shapes)


def _variables(file: BinaryIO) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """Return the shape of each variable, and how many bytes there are of each type."""
    size = os.fstat(file.fileno()).st_size
    shapes: dict[str, tuple[int, ...]] = {}
    bytes_of_type: dict[str, int] = {}
    for _ in range(_count(file, MOST_VARIABLES)):
        name, rank = _text(file), _number(file, "B")
        if rank > MOST_DIMENSIONS:
            raise _Damaged(f"{name} has {rank} dimensions")
        shapes[name] = tuple(_number(file, "I") for _ in range(rank))
        type_name = TYPES.get(_number(file, "B"), "")
        if not type_name:
            raise _Damaged(f"{name} has an unknown type")
        count = _number(file, "I")
        if file.tell() + count > size:
            raise _Damaged(f"it ends within {name}")
        file.seek(count, os.SEEK_CUR)
        bytes_of_type[type_name] = bytes_of_type.get(type_name, 0) + count
    if not bytes_of_type:
        raise _Damaged("it has no weights")
    return shapes, bytes_of_type


def _skip_aliases(file: BinaryIO) -> None:
    for _ in range(_count(file, MOST_VARIABLES)):
        _text(file)
        _text(file)


def _count(file: BinaryIO, most: int) -> int:
    number = _number(file, "I")
    if number > most:
        raise _Damaged(f"it lists {number} variables")
    return number


def _text(file: BinaryIO) -> str:
    size = _number(file, "H")
    if not 1 <= size <= MOST_NAME_BYTES:
        raise _Damaged(f"a name has {size} bytes")
    content = file.read(size)
    if len(content) < size or content[-1:] != b"\0":
        raise _Damaged("it ends within a name")
    return content[:-1].decode("utf-8", "replace")


def _number(file: BinaryIO, form: str) -> int:
    content = file.read(struct.calcsize(form))
    if len(content) < struct.calcsize(form):
        raise _Damaged("it ends too early")
    return int(struct.unpack(f"<{form}", content)[0])
