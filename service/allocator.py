"""Makes the C library return freed memory to the system, so that only what is in use counts against a limit.

By default glibc learns from the first large buffer that is freed to keep the next ones, up to 32 MiB each,
in a heap that other blocks then pin; and each thread may have a heap of its own. Uploads of 2 MB from many
clients left more behind than they held at once.
"""

import contextlib
import ctypes

# malloc.h of glibc: parameters of mallopt(3). musl has the function too, and ignores them.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
# A larger block has pages of its own, which go with it. The tensors of a short text are smaller.
OWN_PAGES_BYTES = 1 << 20
HEAPS = 2
# CTranslate2 takes and frees the tensors of each layer anew: with pages of their own a third of its CPU time
# was the system's, with flan-t5-base's shape. It keeps up to this.
KEPT_BYTES = 32 << 20


def give_memory_back() -> None:
    """Set it for this process; where the C library has no such function, nothing changes."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, OWN_PAGES_BYTES)
        mallopt(M_ARENA_MAX, HEAPS)


def keep_memory() -> None:
    """Let the C library keep what an engine frees and takes again many times a token."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, 2 * KEPT_BYTES)
