"""The local service's log: `server.log`, and the older files `server.log.1`, `server.log.2`.

A file holds whole lines. The supervisor writes; a reader finds the next file by its number.
"""

import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, TextIO

from .record import LOG

# As the local container has them: 30 MB in all.
MAX_BYTES, KEPT_FILES = 10_000_000, 3
_MODE = 0o600


def log_files(folder: Path) -> list[Path]:
    """Return the existing log files, the newest first."""
    names = (LOG, *(f"{LOG}.{number}" for number in range(1, KEPT_FILES)))
    return [path for path in (folder / name for name in names) if path.is_file()]


def last_lines(folder: Path, count: int) -> list[str]:
    """Return the last lines with their line ends, the oldest first; fewer if there are no more."""
    return _last_lines(log_files(folder), count)


def _last_lines(files: Sequence[Path], count: int) -> list[str]:
    """Return the last lines of several files. files: the newest first."""
    found = list[str]()
    for path in files:
        if len(found) >= count:
            break
        try:
            with opened(path) as file:
                found = [*deque(file, maxlen=count - len(found)), *found]
        except FileNotFoundError:  # renamed this moment
            continue
    return found


def json_line(level: str, message: str, **fields: str) -> bytes:
    """Return a line in the format of the server's own log."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": time, "level": level, "message": message, **fields}).encode() + b"\n"


def opened(path: Path) -> TextIO:
    return path.open(encoding="utf-8", errors="replace", newline="\n")


def rotate(folder: Path) -> None:
    """Give each file the next number and delete the last one."""
    for number in range(KEPT_FILES - 1, 0, -1):
        before = folder / (f"{LOG}.{number - 1}" if number > 1 else LOG)
        if before.exists():
            before.replace(folder / f"{LOG}.{number}")


def new_file(folder: Path) -> BinaryIO:
    """Rotate the log and open a new `server.log`."""
    rotate(folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
    return os.fdopen(os.open(folder / LOG, flags, _MODE), "wb", buffering=0)


class RotatingLog:
    """Writes lines to the log; when the disk is full, it counts them and reports the loss later."""

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        """Continue the existing file, if any."""
        self._folder = folder
        self._max_bytes = max_bytes
        self._lost = 0
        self._file = self._reopened()

    def write(self, lines: bytes) -> None:
        """Write lines, rotating the file when it is full. lines: whole ones, with their line ends."""
        try:
            if self._bytes and self._bytes + len(lines) > self._max_bytes:
                self._file.close()
                self._file, self._bytes = new_file(self._folder), 0
            if self._lost:
                report = json_line("warning", f"{self._lost} lines were lost: there was no room for the log")
                self._write(report)
                self._lost = 0
            self._write(lines)
        except (OSError, ValueError):  # full, or closed by a rotation that failed
            self._lost += lines.count(b"\n")
            if self._file.closed:
                self._try_to_reopen()

    def close(self) -> None:
        self._file.close()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            self._bytes += written
            view = view[written:]

    def _reopened(self) -> BinaryIO:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.fdopen(os.open(self._folder / LOG, flags, _MODE), "wb", buffering=0)
        self._bytes = os.fstat(file.fileno()).st_size
        return file

    def _try_to_reopen(self) -> None:
        try:
            self._file = self._reopened()
        except OSError as error:
            print(f"{self._folder / LOG} cannot be written: {error.strerror}", file=sys.stderr)


def following(folder: Path, tail: int) -> Iterator[str | None]:
    """Yield the last `tail` lines, then each new one, also from later files; None: none for now.

    A line that is not complete yet comes in parts. Raises FileNotFoundError if there is no log.
    """
    file = opened(folder / LOG)
    try:
        newest = deque(file, maxlen=tail)  # and from its end on it is followed
        older = [path for path in log_files(folder) if not _is(path, file)]
        yield from [*_last_lines(older, tail - len(newest)), *newest]
        while True:
            if text := file.readline():
                yield text
            elif (newer := _newer(folder, file)) is None:
                yield None
            else:
                yield from file  # what came between the last read and the rename
                file.close()
                file = opened(newer)
    finally:
        file.close()


def _is(path: Path, file: TextIO) -> bool:
    try:
        return path.stat().st_ino == os.fstat(file.fileno()).st_ino
    except FileNotFoundError:  # renamed this moment
        return False


def _newer(folder: Path, file: TextIO) -> Path | None:
    """Return the file after this one, None if this is the newest; the oldest if this one no longer exists."""
    files = log_files(folder)
    place = next((place for place, path in enumerate(files) if _is(path, file)), len(files))
    return files[place - 1] if place else None
