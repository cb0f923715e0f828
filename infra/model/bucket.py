"""One folder of a bucket, to upload a model to or to fetch it from. Owns the client, obstore.

Sizes are bytes. The client retries by itself what may help. Every method raises Refused or Failed with a
sentence.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.components.model_address import ModelAddress
from slipway.components.sdks import installed_by
from slipway.infra.errors import Failed, Refused
from slipway.infra.model.bucket_errors import bucket_error

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# Amazon S3 takes 10,000 parts of an upload: 156 GiB. A part that fails is sent again, not the file.
PART_BYTES = 16 << 20
_READ_BYTES = 1 << 20
# As the server has it: service/manifest.py.
MAX_READ_BYTES = 1 << 20
_DIGEST = "sha256"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object in the bucket. version: its versionId or generation; '' in a bucket without versions.

    sha256: as the upload noted it; '' if something else uploaded it.
    """

    size: int
    version: str
    sha256: str


class FileChanged(Failed):
    """A file of the model changed while it was uploaded."""


class AlreadyThere(Failed):
    """An object that was to be created exists."""


class BucketFolder:
    """The folder of an address, whether or not it holds anything yet."""

    def __init__(self, address: ModelAddress, store: "ObjectStore") -> None:
        self.address = address
        self._store = store

    @property
    def url(self) -> str:
        """Return the address without a version."""
        scheme = self.address.source.value if self.address.source else ""
        return f"{scheme}{self.address.bucket}/{self.address.folder}"

    def stat(self, name: str) -> StoredObject | None:
        """Describe an object's newest version; None if there is none."""
        import obstore

        with self._asked("read", name):
            try:
                found = obstore.get(self._store, self._key(name), options={"head": True})
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                return None
            noted: dict[Any, Any] = dict(found.attributes)
            return StoredObject(found.meta["size"], found.meta["version"] or "", str(noted.get(_DIGEST, "")))

    def read(self, name: str, version: str = "") -> bytes:
        """Return the content of a small object: of this version, or the newest."""
        return self._content("read", name, version)

    def fetch(self, name: str, version: str) -> bytes:
        """Return this version of a small object, to someone who only reads here."""
        return self._content("fetch", name, version)

    def _content(self, verb: str, name: str, version: str) -> bytes:
        import obstore

        with self._asked(verb, name):
            options: Any = {"version": version} if version else {}
            found = obstore.get(self._store, self._key(name), options=options)
            if (size := found.meta["size"]) > MAX_READ_BYTES:
                raise Refused(f"{self.url}/{name} has {size} bytes; allowed are {MAX_READ_BYTES}.")
            return bytes(found.bytes())

    def download(self, name: str, path: Path, received: Callable[[int], None]) -> str:
        """Fetch the newest version of a file to `path`, and return its SHA-256, in hexadecimal.

        received: is called with the number of bytes that came.
        """
        import obstore

        digest = hashlib.sha256()
        with self._asked("fetch", name):
            answer = obstore.get(self._store, self._key(name))
            with path.open("wb") as file:
                for piece in answer.stream(_READ_BYTES):
                    file.write(piece)
                    digest.update(piece)
                    received(len(piece))
        return digest.hexdigest()

    def create(self, name: str, content: bytes) -> str:
        """Create a small object and return its version. Raises AlreadyThere."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        with self._asked("create", name):
            attributes = self._attributes(hashlib.sha256(content).hexdigest())
            try:
                done = obstore.put(
                    self._store,
                    self._key(name),
                    content,
                    attributes=attributes,
                    mode="create",
                    use_multipart=False,
                )
            except AlreadyExistsError:
                raise AlreadyThere(f"{self.url}/{name} exists already.") from None
            return done["version"] or ""

    def upload(self, path: Path, sha256: str, sent: Callable[[int], None]) -> None:
        """Upload a file under its name. Raises FileChanged, before the object exists, if it has another hash.

        sent: is called with the number of bytes that were handed over.
        """
        import obstore

        with self._asked("upload", path.name):
            obstore.put(
                self._store,
                self._key(path.name),
                _verified(path, sha256, sent),
                attributes=self._attributes(sha256),
                chunk_size=PART_BYTES,
                max_concurrency=4,
            )

    def delete(self, name: str) -> None:
        """Delete an object; one that may not be deleted, or is gone, stays as it is."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.delete(self._store, self._key(name))
        except (FileNotFoundError, PermissionError, BaseError):
            return

    def _key(self, name: str) -> str:
        return f"{self.address.folder}/{name}"

    def _attributes(self, sha256: str) -> Any:
        return {_DIGEST: sha256}

    @contextmanager
    def _asked(self, verb: str, name: str) -> Generator[None]:
        """Turn the client's errors into sentences."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise Failed(f"{error.filename} cannot be read: {error.strerror}.") from None
            raise bucket_error(error, self.address, verb, name) from None


def _verified(path: Path, sha256: str, sent: Callable[[int], None]) -> Iterator[bytes]:
    """Yield the file's content; raise FileChanged at its end if it is another than `sha256` says."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
            yield piece
            sent(len(piece))
    if digest.hexdigest() != sha256:
        raise FileChanged(
            f"{path.name} changed while it was uploaded: it is no longer what manifest.json describes. "
            "No manifest was uploaded, so nothing can be served from there. Push again when the folder is "
            "complete."
        )


def bucket_folder(address: ModelAddress) -> BucketFolder:
    """Open the folder of an address with the person's own login. Raises Refused."""
    if find_spec("obstore") is None:
        raise Refused(f"obstore, which buckets need, is not installed: run {installed_by('obstore')}.")
    from slipway.infra.model.bucket_login import store_of

    return BucketFolder(address, store_of(address))
