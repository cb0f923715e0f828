"""What is answered to a request that cannot be read or has no room, and what the log says of it.

The line names the cause, and holds nothing of what was sent.
"""

import logging

from .api.problems import CAUSES, MEDIA_TYPE, problem_json
from .faults import MethodNotAllowed, RequestFault
from .logs import log_line


def refusal(fault: type[RequestFault], detail: str) -> bytes:
    """Return the answer that closes the connection, and log that it is given."""
    cause = CAUSES[fault]
    log_line(logging.WARNING, "Refused a request", status=cause.status, cause=cause.slug, detail=detail)
    body = problem_json(cause, detail)
    lines = [
        f"HTTP/1.1 {cause.status} {cause.title}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        *(["retry-after: 1"] if cause.status in (429, 503) else []),
        *(["allow:"] if fault is MethodNotAllowed else []),  # RFC 9110, 10.2.1: empty, no method is allowed
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def log_cut(message: str) -> None:
    """Log that a connection is closed without an answer, or in the middle of one."""
    log_line(logging.WARNING, message)
