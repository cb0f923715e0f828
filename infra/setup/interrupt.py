"""Ends a command with one sentence when Ctrl-C comes while its modules are still loading."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def quiet_while_loading() -> Generator[None]:
    """Answer Ctrl-C with a sentence and exit code 2 inside the block, where nothing has been started yet.

    A handler that exits, not an `except`: libraries catch exceptions that reach them during an import.
    An interrupt that the caller ignores (`nohup`, a background job) stays ignored.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(_number: int, _frame: object) -> None:
    os.write(2, b"\nInterrupted before anything was started.\n")
    os._exit(2)
