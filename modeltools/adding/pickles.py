"""Reads which version of scikit-learn wrote a pickle, without opening it: its bytes are only searched.

A pickle of an estimator holds `_sklearn_version` and the version right after it: sklearn/base.py,
`__getstate__`. The opcodes between them are those of pickle protocols 0 to 5: Lib/pickletools.py.
"""

import bz2
import lzma
import re
import zlib
from collections.abc import Callable
from pathlib import Path

from slipway.service.faults import BadModel

_REQUIREMENTS = Path(__file__).resolve().parents[1] / "requirements-tables.txt"
# What an interpreter needs besides the library that wrote a pickle. With protobuf 7, onnx refuses the
# booleans that skl2onnx 1.20 gives it as numbers for HistGradientBoosting.
CONVERTERS = "skl2onnx onnxmltools packaging 'protobuf<7'"
_MEMO = rb"(?:\x94|q.|r.{4}|p[0-9]+\n)?"
_STRING = rb"(?:\x8c.|X.{4}|V|S')"
_VERSION = re.compile(
    rb"_sklearn_version\n?'?\n?"
    + _MEMO
    + _STRING
    + rb"([0-9]+\.[0-9]+(?:\.[0-9]+)?(?:(?:rc|\.dev|\.post)[0-9]+)?)",
    re.DOTALL,
)
# joblib/compressor.py: it recognises a compressed file by these, too.
_DECOMPRESS: dict[bytes, Callable[[bytes], bytes]] = {
    b"\x1f\x8b": lambda content: zlib.decompressobj(wbits=31).decompress(content, _MOST_BYTES),
    b"\x78": lambda content: zlib.decompressobj().decompress(content, _MOST_BYTES),
    b"BZ": lambda content: bz2.BZ2Decompressor().decompress(content, _MOST_BYTES),
    b"\xfd7zXZ": lambda content: lzma.LZMADecompressor().decompress(content, _MOST_BYTES),
    b"\x5d\x00": lambda content: lzma.LZMADecompressor().decompress(content, _MOST_BYTES),
}
_MOST_BYTES = 1 << 30


def require_version(path: Path, installed: str | None = None) -> None:
    """Raise BadModel if the pickle is of a scikit-learn with another minor version than the converter's.

    installed: the version there; None: that of the environment which Slipway makes.
    """
    found, here = scikit_learn_of(path), installed or _pinned()
    if found is None or _minor(found) == _minor(here):
        return
    raise BadModel(
        f"{path} was saved with scikit-learn {found}; it is converted here with {here}, and another version "
        f"may read it wrongly. Give the Python it was trained with, after `pip install {CONVERTERS}` there: "
        f"--python path/to/bin/python. Or train and save it again with {here}."
    )


def scikit_learn_of(path: Path) -> str | None:
    """Return the version that a pickle states; None if it states none, as that of XGBoost alone."""
    try:
        found = _VERSION.search(_content(path))
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadModel(f"{path} cannot be read: {error}. Save the model again.") from None
    return found[1].decode("ascii") if found else None


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    decompress = next((found for magic, found in _DECOMPRESS.items() if content.startswith(magic)), None)
    return decompress(content) if decompress else content


def _pinned() -> str:
    found = re.search(r"^scikit-learn==(\S+)", _REQUIREMENTS.read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{_REQUIREMENTS} has no scikit-learn")
    return found[1]


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]
