"""How a worker reads the file that a job names and writes its answers; buckets and folders implement it."""

from collections.abc import Iterator
from typing import Protocol

from ..faults import RequestFault
from ..tasks import Operation
from .job import FileInput


class RowsWriter(Protocol):
    """Writes the rows of one output file; nothing is there under its address before `finish`."""

    def write(self, row: bytes) -> None:
        """Add a row: one line of JSON, without its end."""
        ...

    def finish(self) -> None:
        """Put the file in its place, whole."""
        ...

    def discard(self) -> None: ...


class Files(Protocol):
    """The files that jobs may name. Its methods block, are called on a thread, and may be retried.

    Each raises a RequestFault (InvalidInput, FileUnavailable, ResultTooLarge …) that the job ends with.
    """

    def count(self, file: FileInput) -> int:
        """Return the number of rows."""
        ...

    def rows(self, file: FileInput, operation: Operation) -> Iterator[bytes | RequestFault]:
        """Yield each row as a JSON body of the route, or why it is none.

        Raises InvalidInput where the file cannot be read on.
        """
        ...

    def writer(self, file: FileInput, job_id: str, attempt: int) -> RowsWriter:
        """Begin the output. An attempt that was lost and still writes changes nothing of a later one's."""
        ...

    def keep_result(self, job_id: str, attempt: int, result: bytes) -> str:
        """Write a result that is too large for the database; return its address, another for each attempt.

        Raises ResultTooLarge where JOBS_RESULT_PREFIX is not set.
        """
        ...

    def delete_result(self, address: str) -> None:
        """Delete what `keep_result` wrote; one that is gone is no error."""
        ...
