"""Files in a bucket: listed, read in pieces, and put whole. Owns the client of batches, obstore.

The client repeats what fails for a while; what then still fails is BatchFailed, and the next start goes on.
"""

import io
import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, BinaryIO

import obstore
from obstore.exceptions import BaseError
from obstore.store import GCSStore, S3Store

from ..sources.failures import Failure
from ..sources.store import endpoint
from .faults import BatchFailed, BatchRefused

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

READ_BYTES = 4 << 20
_RETRY_SECONDS = 180
_NEEDS = {
    "s3": "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject",
    "gs": "storage.objects.list, get, create and delete, as in roles/storage.objectUser",
}


class Bucket:
    def __init__(self, scheme: str, name: str, environ: Mapping[str, str] = os.environ) -> None:
        self.scheme, self.name = scheme, name
        client: ClientConfig = {
            "allow_http": endpoint(scheme, environ).startswith("http://"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": timedelta(seconds=120),
        }
        patience = float(environ.get("BATCH_RETRY_SECONDS", "") or _RETRY_SECONDS)  # settings.py checks it
        retry: RetryConfig = {"max_retries": 20, "retry_timeout": timedelta(seconds=patience)}
        kind = S3Store if scheme == "s3" else GCSStore
        try:
            self.store: Any = kind(name, client_options=client, retry_config=retry)
        except BaseError as error:
            words = str(error).partition("\n\n")[0][:300]
            raise BatchRefused(f"{scheme}://{name}: the client's settings are faulty: {words}.") from None

    def address(self, key: str) -> str:
        return f"{self.scheme}://{self.name}/{key}"

    def keys(self, folder: str) -> list[str]:
        """Return the keys below a folder, '' for all, in order."""
        with self.explained(folder):
            client: Any = obstore
            pages = client.list(self.store, prefix=folder or None)
            return sorted(each["path"] for page in pages for each in page)

    def has(self, key: str) -> bool:
        with self.explained(key):
            try:
                obstore.head(self.store, key)
            except FileNotFoundError:
                return False
        return True

    def read(self, key: str) -> bytes | None:
        with self.explained(key):
            try:
                return bytes(obstore.get(self.store, key).bytes())
            except FileNotFoundError:
                return None

    def write(self, key: str, content: bytes) -> None:
        with self.explained(key):
            obstore.put(self.store, key, content, use_multipart=False)

    def delete(self, key: str) -> None:
        with self.explained(key):
            try:
                obstore.delete(self.store, key)
            except FileNotFoundError:
                return

    def source(self, key: str, name: str) -> "BucketSource":
        return BucketSource(self, key, name)

    @contextmanager
    def explained(self, key: str) -> Generator[None]:
        """Turn the client's errors into BatchRefused, or BatchFailed where another try may help."""
        try:
            yield
        except (BaseError, OSError) as error:
            raise self._fault(error, key) from None

    def _fault(self, error: Exception, key: str) -> Exception:
        failure = Failure.of(error, key.rpartition("/")[0] or key)
        place = self.address(key)
        if failure.code == "NoSuchBucket" or (failure.status == 404 and not key):
            return BatchRefused(f"There is no bucket {self.scheme}://{self.name}.")
        if "incorrectly configured region" in failure.text:
            return BatchRefused(f"{place}: the bucket is in another region; set AWS_REGION to the bucket's.")
        if failure.status in (401, 403):
            return BatchRefused(
                f"{place}: not allowed: {failure.words}. The identity that runs the batch needs "
                f"{_NEEDS[self.scheme]}."
            )
        if failure.status in (400, 404):
            return BatchRefused(f"{place}: {failure.words}.")
        return BatchFailed(f"{place} cannot be reached: {failure.words}. The next start goes on.")


@dataclass(frozen=True, slots=True)
class BucketSource:
    bucket: Bucket
    key: str
    name: str

    @property
    def place(self) -> str:
        return self.bucket.address(self.key)

    def open(self) -> BinaryIO:
        with self.bucket.explained(self.key):
            reader = obstore.open_reader(self.bucket.store, self.key, buffer_size=READ_BYTES)
        return io.BufferedReader(_Pieces(reader, self), READ_BYTES)

    def identity(self) -> dict[str, str | int]:
        with self.bucket.explained(self.key):
            meta = obstore.head(self.bucket.store, self.key)
        return {"bytes": meta["size"], "tag": meta["e_tag"] or meta["version"] or ""}


class _Pieces(io.RawIOBase):
    """The client's reader as Python's own buffers want it."""

    def __init__(self, reader: Any, source: BucketSource) -> None:
        self._reader = reader
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._source.bucket.explained(self._source.key):
            piece = bytes(self._reader.read(len(buffer)))
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with self._source.bucket.explained(self._source.key):
            return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()
