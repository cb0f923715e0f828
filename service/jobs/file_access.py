"""Reads and writes the files that jobs name, below the prefixes of the service; see Files.

What a file holds is read as `slipway batch` reads it. A JSON Lines file has a request of the route in each
line; of a CSV file each row becomes one, by the columns that its header names.
"""

import hashlib
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from ..batch.faults import BatchFailed, BatchRefused
from ..batch.identity import code_digest
from ..batch.lines import Lines
from ..batch.reading import BEGIN, CsvFile, TextOptions
from ..batch.requests import Requests, RowFault, RowOptions
from ..faults import FileUnavailable, InvalidInput, RequestFault, ResultTooLarge
from ..job_settings import JobVariables, listed
from ..tasks import Operation
from .files import RowsWriter
from .folders import FolderFile
from .job import FileInput
from .prefixes import FileAddress, Prefixes

RETRY_AFTER_SECONDS = 10
# What the option of a command adds to a message; a job has no such option.
_OPTION = re.compile(r"(, or name its encoding|\. Name the one with ).*", re.DOTALL)


class OpenFile(Protocol):
    """A file in a folder or in a bucket."""

    @property
    def name(self) -> str: ...
    @property
    def place(self) -> str: ...
    def open(self) -> BinaryIO: ...
    def identity(self) -> dict[str, str | int]: ...
    def writer(self, mark: str) -> RowsWriter: ...
    def taken_up(self, job_id: str, basis: str) -> RowsWriter: ...
    def delete(self) -> None: ...


class FileAccess:
    """The files of the jobs of one service."""

    def __init__(self, prefixes: Prefixes, result_prefix: str, answers_by: str = "") -> None:
        """Allow files below the prefixes.

        result_prefix: where large results go; '' nowhere. answers_by: what gives the answers; those of
        another are not gone on with.
        """
        self._prefixes = prefixes
        self._result_prefix = result_prefix
        self._answers_by = answers_by

    def count(self, file: FileInput) -> int:
        source = self._file(file.source)
        with explained():
            if file.format == "csv":
                return sum(1 for _ in CsvFile(source, 0, TextOptions()).rows(BEGIN, 1))
            return sum(1 for _ in _json_lines(source))

    def rows(self, file: FileInput, operation: Operation) -> Iterator[bytes | RequestFault]:
        source = self._file(file.source)
        with explained():
            if file.format == "csv":
                yield from _csv_requests(source, operation)
            else:
                yield from _json_lines(source)

    def writer(self, file: FileInput, job_id: str) -> RowsWriter:
        with explained():
            basis = f"{self._answers_by} {self._file(file.source).identity()}"
            mark = hashlib.sha256(basis.encode()).hexdigest()[:12]
            return _Explained(self._file(file.output).taken_up(job_id, mark))

    def keep_result(self, job_id: str, attempt: int, result: bytes) -> str:
        if not self._result_prefix:
            raise ResultTooLarge(
                f"the result has {len(result)} bytes, more than the database holds, and this service has no "
                "place for it (JOBS_RESULT_PREFIX); hand in less at once, or a file"
            )
        address = f"{self._result_prefix}{job_id}-{attempt}.json"
        with explained():
            writer = self._result(address).writer(f"{job_id}-{attempt}")
            try:
                writer.write(result)
                writer.finish()
            except BaseException:
                writer.discard()
                raise
        return address

    def delete_result(self, address: str) -> None:
        if self._result_prefix and address.startswith(self._result_prefix):
            with explained():
                self._result(address).delete()

    def _file(self, address: str) -> OpenFile:
        """Return the file of an address; the prefixes may be others than when the job was accepted."""
        if fault := self._prefixes.fault(address):
            raise InvalidInput(f"{address} {fault}")
        parsed = FileAddress.parse(address)
        return _open_file(parsed, self._prefixes.prefix_of(parsed) or "")

    def _result(self, address: str) -> OpenFile:
        return _open_file(FileAddress.parse(address), self._result_prefix)


class _Explained:
    """A writer whose faults are those of a job."""

    def __init__(self, writer: RowsWriter) -> None:
        self._writer = writer
        self.rows, self.refused = writer.rows, writer.refused

    def write(self, row: bytes) -> None:
        with explained():
            self._writer.write(row)

    def finish(self) -> None:
        with explained():
            self._writer.finish()

    def leave(self) -> None:
        self._writer.leave()

    def discard(self) -> None:
        self._writer.discard()


def file_access(settings: JobVariables, model_version: str) -> FileAccess:
    """Return what the settings allow, for answers of this code and this version of the model."""
    prefixes, result = listed(settings.jobs_file_prefixes), settings.jobs_result_prefix.strip()
    return FileAccess(Prefixes(prefixes), result, f"{code_digest()} {model_version}")


def _open_file(address: FileAddress, prefix: str) -> OpenFile:
    """Return a file. prefix: what it is below."""
    if address.scheme == "file":
        root = prefix.removeprefix("file:")
        parts = str(address).removeprefix(prefix).split("/")
        return FolderFile(root, tuple(parts), str(address))
    try:
        from ..batch.bucket import Bucket
        from .bucket_files import BucketFile
    except ModuleNotFoundError as error:
        if error.name != "obstore":
            raise
        raise InvalidInput(
            f"{address} is in a bucket, and this service has no client for it: its image is built without "
            "BUCKETS=1"
        ) from None
    return BucketFile(Bucket(address.scheme, address.place), address.key)


def _json_lines(source: OpenFile) -> Iterator[bytes]:
    """Yield each line that is not empty; whether it is a request, the route itself says."""
    with source.open() as file:
        for line in Lines(file, source.name, "utf-8", BEGIN):
            if text := line.strip():
                yield text.encode()


def _csv_requests(source: OpenFile, operation: Operation) -> Iterator[bytes | RequestFault]:
    table = CsvFile(source, 0, TextOptions())
    requests = Requests(operation, RowOptions({}, {}, ()), table.columns(), None)
    for row in table.rows(BEGIN, 1):
        try:
            yield requests.body(row)
        except RowFault as fault:
            yield InvalidInput(f"line {row.mark.line} {fault}")


@contextmanager
def explained() -> Generator[None]:
    """Turn what a batch raises into faults of a job."""
    try:
        yield
    except BatchRefused as refused:
        raise InvalidInput(_OPTION.sub(".", str(refused)).rstrip(".")) from None
    except BatchFailed as failed:
        raise FileUnavailable(str(failed), retry_after_seconds=RETRY_AFTER_SECONDS) from None
