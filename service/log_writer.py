"""Writes the log on a thread of its own, so that a reader that stalls blocks nothing else.

Lines beyond MAX_WAITING_BYTES are dropped and counted, and so are those that a full disk does not take; a
line reports the count once there is room again.
"""

import os
import threading
import time
from collections.abc import Callable

MAX_WAITING_BYTES = 1 << 20


class LogWriter:
    """Writes lines in order. dropped: makes the line that says how many lines were dropped."""

    def __init__(self, descriptor: int, dropped: Callable[[int], str]) -> None:
        self._descriptor = descriptor
        self._dropped_line = dropped
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._dropped = 0
        self.dropped_in_all = 0
        self._is_torn = False  # the last line that was written has no end
        self._writing = self._closed = False
        self._changed = threading.Condition(threading.Lock())
        self._thread: threading.Thread | None = None

    def put(self, text: str) -> None:
        """Queue whole lines. Any thread; never waits for the reader."""
        data = text.encode()
        with self._changed:
            if self._waiting_bytes + len(data) > MAX_WAITING_BYTES:
                self._drop(data)
                return
            if self._dropped:
                said = self._dropped_line(self._dropped).encode()
                self._dropped = 0
                data = said + data
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            if self._thread is None:  # begun with the first line: a fork before it takes no thread along
                self._thread = threading.Thread(target=self._write_off, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all is written; return False if the reader does not take it in time."""
        end = time.monotonic() + timeout_seconds
        with self._changed:
            while self._waiting or self._writing:
                left = end - time.monotonic()
                if left <= 0 or self._thread is None or not self._thread.is_alive():
                    return False
                self._changed.wait(left)
            return True

    def close(self) -> None:
        """End the thread once it has nothing left to write."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _write_off(self) -> None:
        while True:
            with self._changed:
                while not self._waiting:
                    if self._closed:
                        return
                    self._changed.wait()
                data, self._waiting = b"".join(self._waiting), []
                self._writing = True
            unwritten = self._write(data)
            with self._changed:
                self._drop(unwritten)
                self._waiting_bytes -= len(data)
                self._writing = False
                self._changed.notify_all()

    def _drop(self, data: bytes) -> None:
        count = data.count(b"\n")
        self._dropped += count
        self.dropped_in_all += count

    def _write(self, data: bytes) -> bytes:
        """Write the lines; return what the disk did not take, or a reader that has gone."""
        if self._is_torn:
            data = b"\n" + data
        try:
            while data:
                written = os.write(self._descriptor, data)
                self._is_torn = data[written - 1 : written] != b"\n"
                data = data[written:]
        except OSError:
            return data
        return b""
