"""Makes the run folder accessible to its owner alone, because it holds a key, trusted records and a log."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from .record import RecordError, unwritable

_OWN_MODE, _OF_OTHERS = 0o700, 0o077


def make_private(folder: Path) -> None:
    """Make the folder, or use an existing one of this user; mode 0700. Raises RecordError."""
    try:
        with suppress(FileExistsError):
            folder.parent.mkdir(parents=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=_OWN_MODE)
        if stat.S_ISLNK(folder.lstat().st_mode):
            raise RecordError(f"{folder} is a link. Delete it: the service keeps its key and its log there.")
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _take(folder, descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritable(folder, error) from None


def _take(folder: Path, descriptor: int) -> None:
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        raise RecordError(
            f"{folder} belongs to user {found.st_uid}, not to {os.geteuid()}, who runs this: that user could "
            "change what is started. Delete the folder, or run this as that user."
        )
    if found.st_mode & _OF_OTHERS:
        os.fchmod(descriptor, _OWN_MODE)
