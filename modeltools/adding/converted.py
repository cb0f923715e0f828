"""Refuses a folder that CTranslate2's converter wrote: without its original nothing shows what it answers."""

from pathlib import Path

from slipway.service.faults import BadModel

# The engine's format, a number of four bytes: ctranslate2/specs/model_spec.py, CURRENT_BINARY_VERSION.
_VERSION_BYTES, _SERVED_VERSION = 4, 6


def refuse_converted(source: Path) -> None:
    """Raise BadModel for such a folder, naming the version of its format."""
    weights = source / "model.bin"
    if not weights.is_file() or not any(source.glob("*vocabulary.*")):
        return
    with weights.open("rb") as file:
        version = int.from_bytes(file.read(_VERSION_BYTES), "little")
    other = "" if version == _SERVED_VERSION else f", while the server reads format {_SERVED_VERSION}"
    raise BadModel(
        f"{source} is converted for CTranslate2 already, in its format {version}{other}. Give what it was "
        "converted from, a folder or hf:<owner>/<name>@<commit>: it is converted again and compared with it."
    )
