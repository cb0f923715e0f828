"""Files in local folders that jobs may name, opened below their prefix without following a link.

Each folder on the way is opened from the one above it, so that a link, also one that is made at this very
moment, leads nowhere else. The prefix itself is its owner's, and may be a link.
"""

import errno
import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

from ..faults import FileUnavailable, InvalidInput
from .files import PROBLEM

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRONG = {
    errno.ENOENT: "there is no such file",
    errno.ENOTDIR: "a part of its path is no folder",
    errno.ELOOP: "it is a link, or a part of its path is one",
    errno.EACCES: "this service may not open it",
    errno.EPERM: "this service may not open it",
    errno.EISDIR: "it is a folder",
    errno.ENAMETOOLONG: "a part of its path is longer than the disk allows",
}


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A file below a folder. root: the folder; parts: of the path below it. place: its address."""

    root: str
    parts: tuple[str, ...]
    place: str

    @property
    def name(self) -> str:
        return self.parts[-1]

    def open(self) -> BinaryIO:
        """Open it for reading. Raises InvalidInput or FileUnavailable."""
        try:
            folder = _folder(self.root, self.parts[:-1], makes=False)
            try:
                flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                descriptor = os.open(self.name, flags, dir_fd=folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise self.fault(error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise InvalidInput(f"{self.place}: it is no regular file")
        return os.fdopen(descriptor, "rb")

    def identity(self) -> dict[str, str | int]:
        """Return what tells whether it is another file now."""
        with self.open() as file:
            found = os.fstat(file.fileno())
            return {"bytes": found.st_size, "modified_ns": found.st_mtime_ns}

    def writer(self, mark: str) -> "FolderWriter":
        """Return what writes it whole. mark: of its temporary name, which nobody else has."""
        try:
            return FolderWriter(self, _folder(self.root, self.parts[:-1], makes=True), f".{mark}")
        except OSError as error:
            raise self.fault(error) from None

    def taken_up(self, job_id: str, basis: str) -> "FolderWriter":
        """Return what writes it whole, from where an earlier attempt of the job on the same basis ended.

        Each attempt has a file of its own: one that is taken for dead may still write.
        """
        writer = self.writer(f"{job_id}-{secrets.token_hex(4)}.{basis}")
        try:
            writer.take_up(f".{job_id}-", f".{basis}")
        except BaseException:
            writer.discard()
            raise
        return writer

    def delete(self) -> None:
        """Delete it; one that is gone is no error."""
        with suppress(FileNotFoundError):
            folder = _folder(self.root, self.parts[:-1], makes=False)
            try:
                os.unlink(self.name, dir_fd=folder)
            finally:
                os.close(folder)

    def fault(self, error: OSError) -> Exception:
        """Return why a job's file is refused, or cannot be used now."""
        if error.errno in _WRONG:
            return InvalidInput(f"{self.place}: {_WRONG[error.errno]}")
        return FileUnavailable(f"{self.place}: {error.strerror or error}", retry_after_seconds=10)


class FolderWriter:
    """Writes one file next to its place, and puts it there whole; see RowsWriter."""

    def __init__(self, file: FolderFile, folder: int, temporary: str) -> None:
        """Begin. folder: descriptor of its folder, which this closes. temporary: its name until then."""
        self._file, self._folder, self._temporary = file, folder, temporary
        self.rows = self.refused = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._output = os.fdopen(os.open(temporary, flags, 0o600, dir_fd=folder), "wb")
        except BaseException:
            os.close(folder)
            raise

    def take_up(self, begin: str, end: str) -> None:
        """Begin with the rows of the longest earlier file of such a name, and delete all of such a begin."""
        try:
            earlier = [name for name in os.listdir(self._folder) if name.startswith(begin)]
            earlier.remove(self._temporary)
            usable = [name for name in earlier if name.endswith(end)]
            if usable:
                self._copy(max(usable, key=self._size))
            for name in earlier:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self._folder)
        except OSError as error:
            raise self._file.fault(error) from None

    def _size(self, name: str) -> int:
        return os.stat(name, dir_fd=self._folder, follow_symlinks=False).st_size

    def _copy(self, name: str) -> None:
        """Copy the whole lines; after a power cut there may be others behind them."""
        with os.fdopen(
            os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder), "rb"
        ) as file:
            for line in file:
                if not (line.startswith(b"{") and line.endswith(b"}\n")):
                    break
                self._output.write(line)
                self.rows += 1
                self.refused += line.startswith(PROBLEM)

    def write(self, row: bytes) -> None:
        try:
            self._output.write(row + b"\n")
        except OSError as error:
            raise self._file.fault(error) from None

    def finish(self) -> None:
        try:
            self._output.flush()
            os.fsync(self._output.fileno())
            os.rename(self._temporary, self._file.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        except OSError as error:
            raise self._file.fault(error) from None
        self._close()

    def leave(self) -> None:
        """Keep what is written; the next attempt takes it up."""
        self._close()

    def discard(self) -> None:
        with suppress(OSError):
            os.unlink(self._temporary, dir_fd=self._folder)
        self._close()

    def _close(self) -> None:
        if self._folder >= 0:
            with suppress(OSError):  # what a full disk still holds back
                self._output.close()
            os.close(self._folder)
            self._folder = -1


def _folder(root: str, parts: Sequence[str], *, makes: bool) -> int:
    """Open a folder below another. makes: make those that are missing. Raises OSError."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts:
        try:
            if makes:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=folder)
            inner = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    return folder
