"""Files in buckets that jobs may name. A file that is written appears under its name when it is whole."""

import io
from typing import Any, BinaryIO

import obstore

from ..batch.bucket import Bucket

PIECE_BYTES = 1 << 20


class BucketFile:
    """One object of a bucket. Its methods raise BatchRefused or BatchFailed."""

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        self._source = bucket.source(key, key.rpartition("/")[2])

    @property
    def name(self) -> str:
        return self._source.name

    @property
    def place(self) -> str:
        return self._source.place

    def open(self) -> BinaryIO:
        return self._source.open()

    def identity(self) -> dict[str, str | int]:
        return self._source.identity()

    def writer(self, mark: str) -> "BucketWriter":
        """Return what writes it whole; there is no temporary file that a mark would name."""
        del mark
        return BucketWriter(self._bucket, self._key)

    def taken_up(self, job_id: str, basis: str) -> "BucketWriter":
        """Return a writer from the first row: an upload ends with the process that began it."""
        del basis
        return self.writer(job_id)

    def delete(self) -> None:
        self._bucket.delete(self._key)


class BucketWriter:
    """Uploads one object in pieces, which the store puts together at the end; see RowsWriter."""

    rows = refused = 0

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        with bucket.explained(key):
            self._writer: Any = obstore.open_writer(bucket.store, key)
        self._held = io.BytesIO()

    def write(self, row: bytes) -> None:
        self._held.write(row + b"\n")
        if self._held.tell() >= PIECE_BYTES:
            self._pass_on()

    def finish(self) -> None:
        self._pass_on()
        with self._bucket.explained(self._key):
            self._writer.close()

    def leave(self) -> None:
        self.discard()

    def discard(self) -> None:
        """Leave the upload without its end: the store shows no object, and deletes the rest by its rules."""
        self._writer = None

    def _pass_on(self) -> None:
        with self._bucket.explained(self._key):
            self._writer.write(self._held.getvalue())
        self._held = io.BytesIO()
