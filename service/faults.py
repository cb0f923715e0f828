"""The faults that are expected: one class per cause.

A start fault ends the process with exit code 2. A request fault becomes an HTTP status in `api/problems.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from .printable import printable


class StartFault(Exception):
    """The server cannot start. The message says what is wrong, given and allowed, and where to fix it.

    It may hold names from a model or a bucket, and ends on a terminal.
    """

    cause: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class BadSettings(StartFault):
    cause = "bad_settings"


class PortTaken(StartFault):
    cause = "port_taken"


class ModelNotFound(StartFault):
    cause = "model_not_found"


class BadModel(StartFault):
    cause = "bad_model"


class WrongModel(StartFault):
    """The model found is not the one that the stack was previewed with."""

    cause = "wrong_model"


class ModelAccessDenied(StartFault):
    """A bucket refused this server's identity, or there is none."""

    cause = "model_access_denied"


class ModelSourceUnavailable(StartFault):
    """A bucket did not answer, or not completely, in any of the tries."""

    cause = "model_source_unavailable"


class DeviceUnusable(StartFault):
    """The requested GPU is missing, or cannot compute."""

    cause = "device_unusable"


class DiskFull(StartFault):
    cause = "disk_full"


class JobsDatabaseUnusable(StartFault):
    """The database of jobs refuses this service, or has the tables of another version."""

    cause = "jobs_database_unusable"


class ServerFailed(Exception):
    """The server cannot go on. It ends the process with exit code 1; the log has the reason."""


class WorkBroke(Exception):
    """A call's work ended by something that is no Exception: a panic, or a request to exit."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    pointer: str
    """JSON pointer into the request body as a URI fragment (RFC 6901, section 6), for example `#/text/3`."""
    detail: str


class RequestFault(Exception):
    """A request that gets no answer. `detail` is shown to the caller and never holds the text or the key."""

    def __init__(
        self, detail: str, *, errors: Sequence[FieldFault] = (), retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds


class InvalidJson(RequestFault): ...


class KeyMissing(RequestFault): ...


class KeyWrong(RequestFault): ...


class PathUnknown(RequestFault): ...


class MethodNotAllowed(RequestFault): ...


class HeadTimeout(RequestFault): ...


class BodyTimeout(RequestFault): ...


class BodyTooLarge(RequestFault): ...


class UnsupportedMedia(RequestFault): ...


class InvalidInput(RequestFault): ...


class TextTooLong(RequestFault): ...


class MemoryFull(RequestFault): ...


class ConnectionsFull(RequestFault): ...


class HeadTooLarge(RequestFault): ...


class MalformedHttp(RequestFault): ...


class ExpectationFailed(RequestFault): ...


class CodingUnsupported(RequestFault): ...


class VersionUnsupported(RequestFault): ...


class PredictionUnknown(RequestFault): ...


class FeedbackRepeated(RequestFault): ...


class QueueFull(RequestFault): ...


class ClientLeft(RequestFault): ...


class NotReady(RequestFault): ...


class DrainCut(RequestFault): ...


class DeadlineExceeded(RequestFault): ...


class KeyConflict(RequestFault):
    """An idempotency key came again with another body."""


class TooManyJobs(RequestFault):
    """The caller has as many open jobs as one may have."""


class JobUnknown(RequestFault): ...


class JobsUnavailable(RequestFault):
    """The database of jobs does not answer, or cannot write."""


class ResultTooLarge(RequestFault):
    """A job's result is larger than the database holds, and there is no place for files."""


class FileUnavailable(RequestFault):
    """A file that a job names cannot be read or written now."""


class WorkerLost(RequestFault):
    """A job was set aside, because each worker that tried it ended while it ran."""
