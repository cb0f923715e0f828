"""How a worker reads the file that a job names and writes its answers; buckets and folders implement it."""

from collections.abc import Iterator
from typing import Protocol

from ..faults import RequestFault
from ..tasks import Operation
from .job import FileInput

# What a row that was refused is written as.
PROBLEM = b'{"problem":'


class RowsWriter(Protocol):
    """Writes the rows of one output file; nothing is there under its address before `finish`."""

    @property
    def rows(self) -> int:
        """How many rows it had from an earlier attempt; the next row is the one after these."""
        ...

    @property
    def refused(self) -> int:
        """How many of those are problems."""
        ...

    def write(self, row: bytes) -> None:
        """Add a row: one line of JSON, without its end."""
        ...

    def finish(self) -> None:
        """Put the file in its place, whole."""
        ...

    def leave(self) -> None:
        """Stop, and let the next attempt go on from here where that can be."""
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

    def writer(self, file: FileInput, job_id: str) -> RowsWriter:
        """Return what writes the answers, with those that an earlier attempt left of the same input."""
        ...

    def keep_result(self, job_id: str, attempt: int, result: bytes) -> str:
        """Write a result that is too large for the database; return its address, another for each attempt.

        Raises ResultTooLarge where JOBS_RESULT_PREFIX is not set.
        """
        ...

    def delete_result(self, address: str) -> None:
        """Delete what `keep_result` wrote; one that is gone is no error."""
        ...
