"""Folders that no other user of the machine can fill or read."""

import os
import stat
from contextlib import suppress
from pathlib import Path

OWN_MODE = 0o700
OF_OTHERS = 0o077


class NotPrivate(Exception):
    """The folder is not this user's own; the message says whose: `belongs to user 1000`."""


def make_private(folder: Path, *, on_a_volume: bool = False) -> None:
    """Make the folder, or use an existing one of this user; mode 0700.

    on_a_volume: it may be root's as well, and keep its mode if the volume allows no other. Raises
    NotPrivate, or OSError if it cannot be made.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=OWN_MODE)
    if stat.S_ISLNK(folder.lstat().st_mode):
        raise NotPrivate("is a link")
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if found.st_uid not in ({os.geteuid(), 0} if on_a_volume else {os.geteuid()}):
            raise NotPrivate(f"belongs to user {found.st_uid}, not to {os.geteuid()}, who runs this")
        if found.st_mode & OF_OTHERS:
            _close(descriptor, on_a_volume)
    finally:
        os.close(descriptor)


def _close(descriptor: int, on_a_volume: bool) -> None:
    try:
        os.fchmod(descriptor, OWN_MODE)
    except OSError:
        if not on_a_volume:
            raise
