"""JSON lines on stdout: time (RFC 3339, UTC), level, kind, message, then the fields of that line.

The kind is `access` for a request's line, `exception` for one with a stack and `event` for the others; a line
may bring its own. Clouds keep each kind for its own time (components/log_retention.py).

Text is cleaned (`redaction.py`), and the message of an exception is left out once requests are answered,
because it may quote them. The lines of requests hold nothing to be cleaned.

The lines are ASCII: whatever a client sends is escaped, so it can neither begin a line of its own
(U+2028 is one to some readers) nor steer a terminal. Controls and bidi marks are also escaped, so
that a program which decodes the JSON may show the text as well.
"""

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, Literal

import orjson

from .log_writer import LogWriter
from .printable import printable
from .redaction import REDACTION, Redaction, stack_of

log = logging.getLogger("service")

# A reader of the log waits for a line at most this long.
HELD_SECONDS, HELD_LINES = 0.05, 64
# The end of the process waits for its last lines at most this long.
FLUSH_SECONDS = 1.0


LevelField = Literal["level", "severity"]
RequestLine = tuple[int, float, Mapping[str, Any]]
"""A level, seconds since 1970, and fields: numbers, and strings that are harmless."""
ACCESS = "access"


class JsonFormatter(logging.Formatter):
    """Formats lines. level_field: `severity`, as Google's clouds name it, has upper case."""

    def __init__(self, level_field: LevelField = "level", redaction: Redaction = REDACTION) -> None:
        super().__init__()
        self._level_field = level_field
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        values: dict[str, Any] = record.__dict__.get("fields", {})
        line = {
            "time": _time(record.created),
            self._level_field: self._level(record.levelname),
            "kind": "exception" if record.exc_info else "event",
            "message": self._clean(record.getMessage(), values),
        }
        line |= {name: self._clean(value, values) for name, value in values.items()}
        if record.exc_info:
            line["exception"] = self._clean(self._exception(record.exc_info), values)
        return self._encoded(line)

    def request(self, level: int, created: float, values: Mapping[str, Any]) -> str:
        """Return the line of a request; for the arguments see RequestLine."""
        name = self._level(logging.getLevelName(level))
        return self._encoded(
            {"time": _time(created), self._level_field: name, "kind": ACCESS, "message": "request", **values}
        )

    def _level(self, name: str) -> str:
        return name if self._level_field == "severity" else name.lower()

    def _clean(self, value: Any, values: Mapping[str, Any]) -> Any:
        if not isinstance(value, str):
            return value
        is_foreign = values.get("source") == "stderr"
        clean = self._redaction.clean_foreign if is_foreign else self._redaction.clean
        return printable(clean(value))

    def _exception(self, info: Any) -> str:
        error = info[1]
        return stack_of(error) if self._redaction.serves and error else self.formatException(info)

    def _encoded(self, line: Mapping[str, Any]) -> str:
        try:
            text = orjson.dumps(line, default=str)
            if text.isascii():
                return text.decode()
        except orjson.JSONEncodeError:  # such as half of a surrogate pair, which json escapes
            pass
        return json.dumps(line, default=str, separators=(",", ":"))


def _time(since_1970: float) -> str:
    return f"{_second(int(since_1970))}.{int(since_1970 % 1 * 1000):03}Z"


@lru_cache(maxsize=2)
def _second(since_1970: int) -> str:
    return datetime.fromtimestamp(since_1970, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class LineHandler(logging.Handler):
    """Passes the lines of `log_line` on a few at a time, because each hand-over delays the event loop.

    Every other line is passed on at once, after all earlier ones.
    """

    def __init__(self, descriptor: int, formatter: JsonFormatter) -> None:
        super().__init__()
        self._json = formatter
        self.setFormatter(formatter)
        self._lines: list[str] = []
        self._writer = LogWriter(descriptor, self._dropped)

    def _dropped(self, count: int) -> str:
        said = "Log lines were dropped: no program read them, or the disk is full"
        record = log.makeRecord(log.name, logging.WARNING, "", 0, said, (), None, extra=fields(dropped=count))
        return f"{self.format(record)}\n"

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.append(f"{self.format(record)}\n")
            if len(self._lines) >= HELD_LINES or not getattr(record, "may_wait", False):
                self._hand_over()
            elif len(self._lines) == 1:
                asyncio.get_running_loop().call_later(HELD_SECONDS, self._hand_over)
        except RuntimeError:  # no event loop on this thread
            self._hand_over()
        except Exception:
            self.handleError(record)

    def requests(self, lines: Sequence[RequestLine]) -> None:
        """Write the lines of requests, after all earlier ones."""
        text = [f"{self._json.request(*each)}\n" for each in lines if each[0] >= self.level]
        self.acquire()
        try:
            self._lines += text
            self._hand_over()
        finally:
            self.release()

    @property
    def dropped(self) -> int:
        """Return how many lines were dropped since the start."""
        return self._writer.dropped_in_all

    def _hand_over(self) -> None:
        with self.lock or threading.Lock():
            lines, self._lines = "".join(self._lines), []
            if lines:
                self._writer.put(lines)

    def flush(self) -> None:
        """Wait for the reader, but not for long: the process may be ending."""
        self._hand_over()
        self._writer.flush(FLUSH_SECONDS)

    def close(self) -> None:
        self.flush()
        self._writer.close()
        super().close()


def configure_logs(level: str, level_field: LevelField = "level") -> None:
    """Send every logger of the process, uvicorn's and Python's warnings too, to stdout as JSON."""
    handler = LineHandler(sys.stdout.fileno(), JsonFormatter(level_field))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a reader that went away must not end a request
    # Not in the lines, so not looked up: docs.python.org/3/howto/logging.html#optimization.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    # uvicorn logs its start and stop in several lines; ours do it in one.
    for name in ("uvicorn.error", "asyncio"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def dropped_lines() -> int:
    """Return how many lines of this process's log were dropped since the start."""
    return sum(each.dropped for each in logging.getLogger().handlers if isinstance(each, LineHandler))


def _log_uncaught(
    kind: type[BaseException], error: BaseException | None, traceback: TracebackType | None
) -> None:
    if error is not None:
        log.critical("Unexpected error", exc_info=(kind, error, traceback))


def log_line(level: int, message: str, **values: Any) -> None:
    """Log like `log.log` with `fields`, for the many lines of the event loop's thread.

    Does not look up its caller, which takes longer than all the rest; and it may be written a little later.
    """
    if log.isEnabledFor(level):
        extra: dict[str, Any] = fields(**values) | {"may_wait": True}
        log.handle(log.makeRecord(log.name, level, "", 0, message, (), None, extra=extra))


def log_requests(lines: Sequence[RequestLine]) -> None:
    """Log the lines of requests. Our own handlers get them without records, which take longer to make."""
    for handler in (*log.handlers, *logging.getLogger().handlers) if lines else ():
        if isinstance(handler, LineHandler):
            handler.requests(lines)
            continue
        for level, created, values in lines:
            record = log.makeRecord(log.name, level, "", 0, "request", (), None, extra=fields(**values))
            record.created = created
            if level >= handler.level:
                handler.handle(record)


def log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what a callback of the event loop raised, without the objects around it, which hold requests."""
    del loop
    log.error("Unexpected error: %s", context.get("message", ""), exc_info=context.get("exception"))


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """Return the `extra` argument of a log call: `log.info("request", extra=fields(status=200))`."""
    return {"fields": values}
