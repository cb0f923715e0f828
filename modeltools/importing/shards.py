"""safetensors files as bytes: joins several into one, and finds their precision. Loads nothing.

The format, by github.com/huggingface/safetensors: the header's length as 8 bytes, little-endian; the header,
JSON; then the tensors, without gaps, in the order of the header's offsets.
"""

import json
import math
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from slipway.service.faults import BadModel

PRECISIONS = {"F32": "fp32", "F16": "fp16", "BF16": "bf16"}
_LENGTH_BYTES = 8
# safetensors' own limit.
_MAX_HEADER_BYTES = 100_000_000
_METADATA = "__metadata__"


def join_shards(shards: Sequence[Path], out: Path) -> None:
    """Write one file with every tensor of the shards.

    Raises BadModel if one is damaged, or a name is repeated. Uses only as much memory as the headers take:
    the tensors are copied from file to file.
    """
    tensors: dict[str, Any] = {_METADATA: {"format": "pt"}}
    base = 0
    for shard in shards:
        found = _tensors(shard)
        if twice := sorted(found.keys() & tensors.keys()):
            raise BadModel(f"{shard.name} has {twice[0]}, which another file of the weights has too.")
        for name, tensor in found.items():
            begin, end = tensor["data_offsets"]
            tensors[name] = tensor | {"data_offsets": [base + begin, base + end]}
        base += max((tensor["data_offsets"][1] for tensor in found.values()), default=0)
    header = json.dumps(tensors, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _LENGTH_BYTES)
    with out.open("wb") as file:
        file.write(len(header).to_bytes(_LENGTH_BYTES, "little") + header)
        for shard in shards:
            _append_tensors(shard, file)


def precision_of(path: Path) -> str:
    """Return fp32, fp16 or bf16, as most bytes of the weights are. Raises BadModel for any other form."""
    sizes: Counter[str] = Counter()
    for tensor in _tensors(path).values():
        begin, end = tensor["data_offsets"]
        sizes[str(tensor["dtype"])] += end - begin
    kind = sizes.most_common(1)[0][0] if sizes else "nothing"
    if kind not in PRECISIONS:
        raise BadModel(
            f"{path.name}: its weights are stored as {kind}; allowed are {', '.join(PRECISIONS)}. Choose the "
            "model before it was quantised."
        )
    return PRECISIONS[kind]


def parameters_of(path: Path) -> int:
    """Return how many numbers the weights are."""
    return sum(math.prod(tensor["shape"]) for tensor in _tensors(path).values())


def _tensors(path: Path) -> dict[str, Any]:
    """Return each tensor's dtype, shape and place by name. Raises BadModel for a damaged file."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        text = file.read(length) if length <= _MAX_HEADER_BYTES else b""
    try:
        header = cast("dict[str, Any]", json.loads(text))
        header.pop(_METADATA, None)
        ends = [tensor["data_offsets"][1] for tensor in header.values()]
    except (ValueError, AttributeError, KeyError, TypeError, IndexError, RecursionError):
        raise BadModel(f"{path.name} is no safetensors file: its header cannot be read.") from None
    size, whole = path.stat().st_size, _LENGTH_BYTES + length + max(ends, default=0)
    if size != whole:
        raise BadModel(f"{path.name} has {size} bytes; its header describes {whole}.")
    return header


def _append_tensors(shard: Path, out: BinaryIO) -> None:
    with shard.open("rb") as file:
        file.seek(_LENGTH_BYTES + int.from_bytes(file.read(_LENGTH_BYTES), "little"))
        shutil.copyfileobj(file, out, 1 << 24)
