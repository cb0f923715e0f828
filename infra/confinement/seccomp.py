"""Seccomp: this process, and what it starts, opens no socket. Standard library only.

man7.org/linux/man-pages/man2/seccomp.2.html. That closes the network of every protocol, and the sockets of
services on this machine, such as Docker's and an SSH agent's, which Landlock leaves open.
"""

import ctypes
import errno
import os
import struct
import sys

# include/uapi/linux/prctl.h, seccomp.h
_SET_SECCOMP, _SET_NO_NEW_PRIVS, _FILTER = 22, 38, 2
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | errno.EACCES, 0x80000000
# include/uapi/linux/bpf_common.h: load a word, jump if equal, jump if not less, return.
_LOAD, _EQUAL, _NOT_LESS, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
# A second table of numbers that x86_64 has: arch/x86/include/uapi/asm/unistd.h.
_X32 = 0x40000000
# Machine -> its name in include/uapi/linux/audit.h, and by arch/x86/entry/syscalls/syscall_64.tbl or
# include/uapi/asm-generic/unistd.h: socket, connect, bind; ptrace, process_vm_readv, process_vm_writev;
# add_key, request_key, keyctl; io_uring_setup, by which sockets are opened too; pidfd_getfd.
_REFUSED = {
    "x86_64": (0xC000003E, (41, 42, 49, 101, 310, 311, 248, 249, 250, 425, 438)),
    "aarch64": (0xC00000B7, (198, 203, 200, 117, 270, 271, 217, 218, 219, 425, 438)),
}


def is_available() -> bool:
    """Return whether the kernel supports filters and this machine's call numbers are known."""
    if sys.platform != "linux" or os.uname().machine not in _REFUSED or sys.maxsize < 2**32:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_SET_SECCOMP, _FILTER, None, 0, 0)  # without a filter it is EFAULT where it would be taken
    return ctypes.get_errno() == errno.EFAULT


def set_no_new_privileges() -> None:
    """Nothing that this process starts gets more than it has: `sudo` does not work. Raises OSError."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def restrict() -> None:
    """Refuse sockets from now on. The caller has set no_new_privs. Raises OSError."""
    architecture, numbers = _REFUSED[os.uname().machine]
    last = len(numbers) - 1
    program = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUAL, 0, len(numbers) + 4, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_NOT_LESS, len(numbers) + 2, 0, _X32),
        *((_EQUAL, last - place + 1, 0, number) for place, number in enumerate(numbers)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _KILL),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in program))
    _prctl(_SET_SECCOMP, _FILTER, struct.pack("@HP", len(program), ctypes.addressof(code)))


def _prctl(option: int, value: int, pointer: bytes | None = None) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    rest = (ctypes.c_ulong(0), ctypes.c_ulong(0))
    if libc.prctl(option, ctypes.c_ulong(value), pointer, *rest):
        number = ctypes.get_errno()
        raise OSError(number, f"prctl: {os.strerror(number)}")
