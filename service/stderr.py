"""Turns what libraries write to standard error into lines of the JSON log, so that it cannot forge one.

A crash is the exception: its traceback goes to the real standard error, because a dead process reads nothing.
"""

import faulthandler
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

from .logs import fields, log

STDERR = 2
READ_BYTES = 64 << 10
MAX_LINE_CHARACTERS = 4000
END_SECONDS = 1.0


@contextmanager
def stderr_as_log() -> Generator[None]:
    """Log each line of standard error as a warning with `source: stderr`, dropping what comes too fast."""
    sys.stderr.flush()
    real = os.dup(STDERR)
    faulthandler.enable(file=real)
    reading, writing = os.pipe()
    # A log that stalls must not stall native code that writes an error under a lock.
    os.set_blocking(writing, False)
    os.dup2(writing, STDERR)
    os.close(writing)
    reader = threading.Thread(target=_log_lines, args=(reading,), name="stderr", daemon=True)
    reader.start()
    try:
        yield
    finally:
        os.dup2(real, STDERR)  # the pipe's last end to write: the reader comes to its end
        reader.join(END_SECONDS)


def _log_lines(reading: int) -> None:
    begun = b""
    with open(reading, "rb", buffering=0) as pipe:
        while piece := pipe.read(READ_BYTES):
            *whole, begun = (begun + piece).split(b"\n")
            for line in whole:
                _log_line(line)
            if len(begun) > READ_BYTES:
                _log_line(begun)
                begun = b""
    _log_line(begun)


def _log_line(line: bytes) -> None:
    text = line.decode("utf-8", errors="backslashreplace").strip()
    if text:
        log.warning("%s", text[:MAX_LINE_CHARACTERS], extra=fields(source="stderr"))
