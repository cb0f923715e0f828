"""JSON lines on stdout: time (RFC 3339, UTC), level, message, then the fields of that line.

The lines are ASCII: whatever a client sends is escaped, so it can neither begin a line of its own
(U+2028 is one to some readers) nor steer a terminal.
"""

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

log = logging.getLogger("service")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **record.__dict__.get("fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, separators=(",", ":"))


def configure_logs(level: str) -> None:
    """Send every logger of the process, uvicorn's and Python's warnings too, to stdout as JSON."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a reader that went away must not end a request
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


def fields(**values: Any) -> dict[str, dict[str, Any]]:
    """The `extra` argument of a log call: `log.info("request", extra=fields(status=200))`."""
    return {"fields": values}
