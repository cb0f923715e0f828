"""JSON lines on stdout: time (RFC 3339, UTC), level, message, then the fields of that line.

The lines are ASCII: whatever a client sends is escaped, so it can neither begin a line of its own
(U+2028 is one to some readers) nor steer a terminal.
"""

import asyncio
import contextlib
import json
import logging
import sys
import threading
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, TextIO

import orjson

log = logging.getLogger("service")

# A reader of the log waits for a line at most this long.
HELD_SECONDS, HELD_LINES = 0.05, 64


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": f"{_second(int(record.created))}.{int(record.created % 1 * 1000):03}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **record.__dict__.get("fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        try:
            text = orjson.dumps(line, default=str)
            if text.isascii():
                return text.decode()
        except orjson.JSONEncodeError:  # such as half of a surrogate pair, which json escapes
            pass
        return json.dumps(line, default=str, separators=(",", ":"))


@lru_cache(maxsize=2)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes the lines of `log_line` a few at a time: each write would hold up the event loop.

    Every other line is written at once, after all that was said before it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(self.format(record) + self.terminator)
            if len(self._lines) >= HELD_LINES or not getattr(record, "may_wait", False):
                self.flush()
            elif len(self._lines) == 1:
                asyncio.get_running_loop().call_later(HELD_SECONDS, self._flush_held)
        except RuntimeError:  # no event loop on this thread
            self.flush()
        except Exception:
            self.handleError(record)

    def _flush_held(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the reader went away
            self.flush()

    def flush(self) -> None:
        with self.lock or threading.Lock():
            lines, self._lines = "".join(self._lines), []
            if lines:
                self.stream.write(lines)
            super().flush()


def configure_logs(level: str) -> None:
    """Send every logger of the process, uvicorn's and Python's warnings too, to stdout as JSON."""
    handler = LineHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a reader that went away must not end a request
    # Not in the lines, so not looked up: docs.python.org/3/howto/logging.html#optimization.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # uvicorn tells its own start and stop in several lines; ours say it once.
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    if error is not None:
        log.critical("Unexpected error", exc_info=(kind, error, traceback))


def log_line(level: int, message: str, **values: Any) -> None:
    """As `log.log` with `fields`, for the event loop's thread, where there are many of them.

    Without looking up who calls, which takes longer than all the rest; and it may be written a little later.
    """
    if log.isEnabledFor(level):
        extra: dict[str, Any] = fields(**values) | {"may_wait": True}
        log.handle(log.makeRecord(log.name, level, "", 0, message, (), None, extra=extra))


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """The `extra` argument of a log call: `log.info("request", extra=fields(status=200))`."""
    return {"fields": values}
