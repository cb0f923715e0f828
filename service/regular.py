"""Opens files of a folder that others filled: only regular ones inside it, never one that blocks."""

import errno
import io
import os
import stat
from pathlib import Path

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a fifo",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegular(Exception):
    """The file must not be opened; the message says what it is: `is a fifo`."""


def opened(folder: Path, name: str) -> io.BufferedReader:
    """Open a regular file of the folder for reading. Never waits, as opening a fifo would.

    Links are followed as far as they stay inside the folder, as those of a volume of Kubernetes do. Raises
    NotRegular, or OSError if it is missing or cannot be read.
    """
    try:
        path = (folder / name).resolve(strict=True)
    except RuntimeError:  # Python 3.11 and 3.12 raise it for links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
    if not path.is_relative_to(folder.resolve()):
        raise NotRegular(f"is a link to {path}, outside of its folder")
    _require_regular(path.lstat())
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
    descriptor = os.open(path, flags)
    try:
        _require_regular(os.fstat(descriptor))  # it may have been replaced since
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def _require_regular(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotRegular(f"is {_KINDS.get(stat.S_IFMT(found.st_mode), 'no file')}, not a regular file")
