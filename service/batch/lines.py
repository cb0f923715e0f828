"""The lines of a text file, decoded one at a time, with the place of each in bytes."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from .faults import BatchRefused
from .rows import Mark

MOST_LINE_BYTES = 64 << 20
# What a file in UTF-16 or UTF-32 begins with, the longer marks first: one begins with a shorter one.
_WIDE = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# What files begin with that hold no lines, and what becomes of them.
_NO_TEXT = {
    b"\x1f\x8b": "is compressed with gzip. Unpack it first: `gunzip`",
    b"\x28\xb5\x2f\xfd": "is compressed with Zstandard. Unpack it first: `unzstd`",
    b"BZh91AY&SY": "is compressed with bzip2. Unpack it first: `bunzip2`",
    b"PK\x03\x04": "is a ZIP archive, as Excel's files are too. Unpack it, or save the sheet as CSV",
    b"PAR1\x15": "is Parquet. Name that format: `--input-format parquet`, BATCH_FORMAT",
}
_CAUSES = {"utf-8": "Save the file as UTF-8, or name its encoding, such as cp1252 or latin-1"}


def known_encoding(name: str) -> str:
    """Return an encoding's own name. Raises BatchRefused for one that is unknown, or has wide line ends."""
    try:
        codec = codecs.lookup(name).name
        fits = "\n,".encode(codec).removeprefix(codecs.BOM_UTF8) == b"\n,"
    except (LookupError, ValueError):
        raise BatchRefused(
            f"The encoding is {name!r}, which Python does not know; allowed are names such as utf-8, cp1252, "
            "latin-1 and shift_jis."
        ) from None
    if not fits:
        raise BatchRefused(
            f"The encoding is {name!r}, whose line ends have more than one byte. Convert the file: "
            f"`iconv -f {name} -t UTF-8`."
        )
    return "utf-8" if codec == "utf-8-sig" else codec


class Lines(Iterator[str]):
    """Lines with their ends, from a mark on. `mark` is where the next one begins."""

    def __init__(self, file: BinaryIO, name: str, encoding: str, mark: Mark) -> None:
        """Begin. file: positioned at its start. name: the file's, for messages."""
        self._file = file
        self._name = name
        self._encoding = encoding
        self.offset, self.line = mark.offset, mark.line
        if mark.offset:
            file.seek(mark.offset)

    @property
    def mark(self) -> Mark:
        return Mark(self.offset, self.line)

    def __next__(self) -> str:
        raw = self._file.readline(MOST_LINE_BYTES)
        if not raw:
            raise StopIteration
        begins_at, number = self.offset, self.line
        if len(raw) == MOST_LINE_BYTES and not raw.endswith(b"\n"):
            raise BatchRefused(f"{self._name}, line {number} is longer than {MOST_LINE_BYTES >> 20} MiB.")
        self.offset += len(raw)
        self.line += 1
        if not begins_at:
            raw = self._without_mark(raw)
        try:
            return raw.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise self._wrong_encoding(number, error) from None

    def _without_mark(self, raw: bytes) -> bytes:
        for mark, encoding in _WIDE.items():
            if raw.startswith(mark):
                raise BatchRefused(
                    f"{self._name} is in {encoding}, not in {self._encoding}. Convert it: "
                    f"`iconv -f {encoding} -t UTF-8`."
                )
        for start, words in _NO_TEXT.items():
            if raw.startswith(start):
                raise BatchRefused(f"{self._name} {words}.")
        if b"\0" in raw[:4]:
            raise BatchRefused(
                f"{self._name} has a byte 0 among its first ones, as UTF-16 without a byte order mark has. "
                "Convert it: `iconv -f UTF-16LE -t UTF-8`."
            )
        return raw.removeprefix(codecs.BOM_UTF8)

    def _wrong_encoding(self, line: int, error: UnicodeDecodeError) -> BatchRefused:
        cause = _CAUSES.get(self._encoding, "Name the encoding that it has")
        return BatchRefused(
            f"{self._name}, line {line} is not in {self._encoding}: byte 0x{error.object[error.start]:02x} "
            f"at place {error.start + 1}. {cause}: `--encoding`, BATCH_ENCODING."
        )
