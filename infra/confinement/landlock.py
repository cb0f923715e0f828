"""Landlock: this process, and what it starts, reaches only the files that are named. Standard library only.

docs.kernel.org/userspace-api/landlock.html. A process cannot take it back, nor look into processes outside.
"""

import ctypes
import os
import stat
import struct
import sys
from collections.abc import Iterable

# include/uapi/asm-generic/unistd.h: the same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
# include/uapi/linux/landlock.h
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE, _IOCTL_DEVICE = (
    1 << bit for bit in (0, 1, 2, 3, 14, 15)
)
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_READ = _EXECUTE | _READ_FILE | _READ_DIR
_TCP_BIND, _TCP_CONNECT = 1 << 0, 1 << 1
_ABSTRACT_SOCKETS, _SIGNALS = 1 << 0, 1 << 1


def version() -> int:
    """Return the version that the kernel has, 0 where it has none.

    From 4 on, of Linux 6.7, it closes TCP as well; from 6 on, of Linux 6.12, signals to processes outside.
    """
    if sys.platform != "linux":
        return 0
    return max(0, _libc().syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG))


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Restrict this process to reading and running `readable`, and to any access below `writable`.

    The caller has set no_new_privs. A missing path is left out. Raises OSError.
    """
    found = version()
    every = (1 << (13 if found < 2 else 14 if found < 3 else 15 if found < 5 else 16)) - 1
    network = _TCP_BIND | _TCP_CONNECT if found >= 4 else 0
    scopes = _ABSTRACT_SOCKETS | _SIGNALS if found >= 6 else 0
    attributes = struct.pack("=QQQ", every, network, scopes)
    size = 8 if found < 4 else 16 if found < 6 else 24
    ruleset = _done(_libc().syscall(_CREATE_RULESET, attributes, size, 0))
    for paths, access in ((readable, _READ), (writable, every)):
        for path in paths:
            _allow(ruleset, path, access & every)
    _done(_libc().syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)  # pyright: ignore[reportAttributeAccessIssue]
    except OSError:
        return
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        access &= _OF_FILES
    rule = struct.pack("=Qi", access, descriptor)
    _done(_libc().syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0))
    os.close(descriptor)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _done(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
