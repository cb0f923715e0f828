"""What stands in the way of a checkout's environment: its Python, its folder, another checkout's `.venv`.

Standard library only, in the syntax of Python 3.7: it runs before anything is installed, on whatever
Python is there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 13)
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv"
COMMAND = ENVIRONMENT / "bin" / "slipway"


class NotInstallable(Exception):
    """A reason not to install, in words for the user; nothing was changed."""


def check_python() -> None:
    """Refuse a Python that the locked packages do not support. Names a newer one if it is on the PATH."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
    there = next((name for name in names if shutil.which(name)), None)
    hint = f"{there} is installed" if there else f"Install one, such as {names[1]}, and name it"
    raise NotInstallable(
        f"Slipway needs Python 3.{OLDEST[1]} to 3.{NEWEST[1]}; this one is {sys.version.split()[0]}. "
        f"{hint}: `make PYTHON={there or names[1]} up`."
    )


def check_folder() -> None:
    """Refuse a checkout that cannot be written to, before anything in it is touched."""
    for folder in (ROOT, ENVIRONMENT):
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            raise NotInstallable(
                f"{folder} cannot be written to, and `make` installs into .venv in the checkout. Clone it to "
                "a folder that you may write to, or correct the permissions of this one."
            )


def installed_for(environment: Path) -> Path | None:
    """Return the checkout whose code the environment runs; None if no code is installed in it yet."""
    for file in sorted(environment.glob("lib/python3*/site-packages/__editable__.slipway-*.pth")):
        return Path(file.read_text().strip())
    return None


def check_link() -> None:
    """Refuse a `.venv` that links to another checkout's: it runs that code, and an install changes it."""
    if not ENVIRONMENT.is_symlink():
        return
    owner = installed_for(ENVIRONMENT)
    if owner == ROOT:
        return
    whose = f"the environment of {owner}" if owner else "no environment of this checkout"
    raise NotInstallable(
        f"{ENVIRONMENT} is a link to {os.readlink(ENVIRONMENT)}, which is {whose}: its commands do not run "
        "this checkout's code. Delete the link (`rm .venv`); this folder then gets a separate environment."
    )


def moved_from() -> Path | None:
    """Return the folder that `.venv` was made for if it is not this one: a checkout was moved or copied."""
    if ENVIRONMENT.is_symlink():
        return None
    owner = installed_for(ENVIRONMENT)
    return owner if owner not in (None, ROOT) else None


def check_ready() -> None:
    """Refuse to run a command of a checkout that has no environment of its own yet."""
    check_link()
    old = moved_from()
    if old:
        raise NotInstallable(f"This checkout was at {old} when it was installed. `make up` installs it here.")
    if not COMMAND.exists():
        raise NotInstallable("Nothing is installed in this checkout yet; `make up` installs and starts it.")


@contextmanager
def alone() -> Generator[None]:
    """Wait for another installation into this folder. Locks the folder itself, so no file is left behind."""
    handle = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                print("Waiting for another installation into this folder", file=sys.stderr)
                fcntl.flock(handle, fcntl.LOCK_EX)
            # Other errors: a file system without locks, such as some network folders.
        yield
    finally:
        os.close(handle)
