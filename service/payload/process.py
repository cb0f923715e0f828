"""The process that anonymises, and what happens when it hangs or ends: it is started again."""

import os
import select
import subprocess
import sys
import time
from typing import Any

import orjson

START_SECONDS = 120.0
# For MOST_BODY_BYTES it needs half a second, and for one that was made to take long, up to ten.
ANSWER_SECONDS = 30.0
_READ_BYTES = 64 << 10


class AnonymiserFailed(Exception):
    """The process ended, or did not answer in time."""


class AnonymiserProcess:
    """Anonymises JSON in a process of its own. One thread at a time."""

    def __init__(self, spacy_model: str = "", answer_seconds: float = ANSWER_SECONDS) -> None:
        """Start it at the first call."""
        self._line = [sys.executable, "-m", f"{__package__}.worker", spacy_model]
        self._answer_seconds = answer_seconds
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the id of the process; None while there is none."""
        return self._process.pid if self._process is not None else None

    def clean(self, value: Any) -> Any:
        """Return JSON whose strings are anonymised. Raises AnonymiserFailed."""
        process = self._process or self._started()
        try:
            assert process.stdin is not None
            process.stdin.write(orjson.dumps(value) + b"\n")
            process.stdin.flush()
            return self._answer(process, self._answer_seconds)
        except (OSError, AnonymiserFailed) as error:
            self.stop()
            raise AnonymiserFailed(str(error)) from None

    def stop(self) -> None:
        """End the process; the next call starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _started(self) -> subprocess.Popen[bytes]:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        process = self._process = subprocess.Popen(
            self._line,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # where a library could write what it reads
            env=kept | {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        try:
            said = self._answer(process, START_SECONDS)
        except AnonymiserFailed:
            self.stop()
            raise
        if "fault" in said:
            self.stop()
            raise AnonymiserFailed(f"cannot start: {said['fault']}")
        return process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> Any:
        assert process.stdout is not None
        end, found = time.monotonic() + seconds, b""
        while not found.endswith(b"\n"):
            readable, _, _ = select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))
            part = os.read(process.stdout.fileno(), _READ_BYTES) if readable else None
            if part is None:
                raise AnonymiserFailed(f"did not answer within {seconds:g} seconds")
            if not part:
                raise AnonymiserFailed("ended")
            found += part
        return orjson.loads(found)
