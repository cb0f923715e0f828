"""Copies a server's output line by line into its log: JSON unchanged, and standard error wrapped in it."""

import os
import selectors
import subprocess
import threading
from typing import IO

from .log import RotatingLog, json_line

_READ_BYTES = 64 << 10


class Output:
    """Reads both pipes of the server on a thread, so that it never waits for the log."""

    def __init__(self, process: subprocess.Popen[bytes], log: RotatingLog) -> None:
        assert process.stdout
        assert process.stderr
        self._log = log
        self._streams = (process.stdout, process.stderr)
        self._stderr = process.stderr
        self._begun: dict[IO[bytes], bytes] = {}
        self._thread = threading.Thread(target=self._copy, name="output", daemon=True)
        self._thread.start()

    def wait(self, timeout_seconds: float) -> None:
        """Wait until the server's last line is in the log."""
        self._thread.join(timeout_seconds)

    def _copy(self) -> None:
        with selectors.DefaultSelector() as selector:
            for stream in self._streams:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select():
                    stream = next(one for one in self._streams if one is key.fileobj)
                    if not self._read(stream):
                        selector.unregister(stream)
                        stream.close()

    def _read(self, stream: IO[bytes]) -> bool:
        """Log the whole lines of the next piece; return False at the end of the stream."""
        piece = os.read(stream.fileno(), _READ_BYTES)
        begun = self._begun.pop(stream, b"") + piece
        whole, end, rest = begun.rpartition(b"\n")
        if piece and len(rest) <= _READ_BYTES:
            self._begun[stream] = rest
            self._write(stream, whole + end)
        else:  # the end, or a line without one
            self._write(stream, begun if not begun or begun.endswith(b"\n") else begun + b"\n")
        return bool(piece)

    def _write(self, stream: IO[bytes], lines: bytes) -> None:
        if not lines:
            return
        if stream is self._stderr:
            said = lines.decode("utf-8", errors="backslashreplace").splitlines()
            lines = b"".join(json_line("error", line, source="stderr") for line in said if line.strip())
        self._log.write(lines)
