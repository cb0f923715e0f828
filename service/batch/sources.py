"""The files of an input: one, a folder's, those of a glob, or those below a bucket's prefix, in order."""

import glob
import hashlib
import os
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

from .addresses import bucket_of, is_bucket
from .faults import BatchFailed, BatchRefused
from .settings import FileFormat

ENDINGS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
_WILD = frozenset("*?[")


class InputSource(Protocol):
    """One file of the input. name: as it is reported, without what the input's address says already."""

    @property
    def name(self) -> str: ...
    @property
    def place(self) -> str:
        """Return its whole address."""
        ...

    def open(self) -> BinaryIO:
        """Open it for reading. Raises BatchRefused if it cannot be read, BatchFailed if not now."""
        ...

    def identity(self) -> dict[str, str | int]:
        """Return what tells whether it is another: its size, and a hash or the store's own tag."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSource:
    path: Path
    name: str

    @property
    def place(self) -> str:
        return str(self.path)

    def open(self) -> BinaryIO:
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise BatchRefused(f"{self.path} is not a regular file.")
            return self.path.open("rb")
        except OSError as error:
            raise BatchRefused(f"{self.path} cannot be read: {error.strerror}.") from None

    def identity(self) -> dict[str, str | int]:
        with self.open() as file:
            try:
                digest = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
            except OSError as error:
                raise BatchFailed(f"{self.path} cannot be read: {error.strerror}.") from None
            return {"bytes": file.tell(), "sha256": digest}


def sources_of(address: str) -> list[InputSource]:
    """Return the files of an input, at least one, in the order of their names. Raises BatchRefused."""
    found = _of_bucket(address) if is_bucket(address) else _of_machine(address)
    if not found:
        raise BatchRefused(
            f"{address} has no file to read; files end in {', '.join(ENDINGS)}, or their format is named."
        )
    return found


def format_of(sources: list[InputSource], named: FileFormat | None) -> FileFormat:
    """Return the one format of the files. Raises BatchRefused for several, or for none that is known."""
    if named is not None:
        return named
    found: dict[FileFormat | None, str] = {
        ENDINGS.get(os.path.splitext(each.name)[1].lower()): each.name for each in sources
    }
    if None in found:
        raise BatchRefused(
            f"The format of {found[None]} is not known by its name; name it with `--input-format`, "
            f"BATCH_FORMAT: {', '.join(dict.fromkeys(ENDINGS.values()))}. Unpack a compressed file first."
        )
    if len(found) > 1:
        several = ", ".join(sorted(str(each) for each in found))
        raise BatchRefused(f"The input has files of several formats, {several}; run a batch for each.")
    [only] = found
    assert only is not None
    return only


def _of_machine(address: str) -> list[InputSource]:
    path = Path(address.removeprefix("file://")).expanduser()
    if path.is_dir():
        try:
            every = sorted(each for each in path.rglob("*") if _is_read(each.relative_to(path)))
        except OSError as error:
            raise BatchRefused(f"{error.filename} cannot be read: {error.strerror}.") from None
        return [LocalSource(each, each.relative_to(path).as_posix()) for each in every if each.is_file()]
    if path.exists() or not _WILD & set(str(path)):
        if not path.exists():
            loops = path.is_symlink()
            raise BatchRefused(f"{path} is a link to what is not there." if loops else f"There is no {path}.")
        return [LocalSource(path, path.name)]
    found = sorted(Path(each) for each in glob.glob(str(path), recursive=True))
    if not found:
        raise BatchRefused(f"No file matches {path}.")
    root = os.path.commonpath([each.parent for each in found])
    return [LocalSource(each, os.path.relpath(each, root)) for each in found if each.is_file()]


def _is_read(path: Path) -> bool:
    """Return whether a folder's file is input: not what an earlier batch, Spark or macOS put next to it."""
    hidden = any(part.startswith((".", "_")) for part in path.parts)
    return not hidden and path.suffix.lower() in ENDINGS


def _of_bucket(address: str) -> list[InputSource]:
    bucket, prefix = bucket_of(address)
    wild = next((place for place, letter in enumerate(prefix) if letter in _WILD), None)
    if wild is not None:
        begin = prefix[:wild].rpartition("/")[0]
        every = [key for key in bucket.keys(begin) if fnmatchcase(key, prefix)]
        return [bucket.source(key, key[len(begin) :].lstrip("/")) for key in every]
    if not prefix.endswith("/") and bucket.has(prefix):
        return [bucket.source(prefix, prefix.rpartition("/")[2])]
    folder = prefix.rstrip("/")
    inside = [(key, key[len(folder) :].lstrip("/")) for key in bucket.keys(folder)]
    return [bucket.source(key, name) for key, name in inside if _is_read(Path(name))]
