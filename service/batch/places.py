"""Where a batch writes: files below a folder or a bucket's prefix, each of which appears whole or not."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .addresses import bucket_of, is_bucket
from .faults import BatchFailed, BatchRefused

if TYPE_CHECKING:
    from .bucket import Bucket

# Next to the output's other files of ours, so on the same file system.
TEMPORARY = "_batch/tmp"


class Place(Protocol):
    """A folder of files with names such as `failed/part-00000-of-00001.jsonl`.

    Its methods raise BatchRefused where it cannot be used, BatchFailed where it cannot now.
    """

    @property
    def address(self) -> str: ...
    def names(self, folder: str = "") -> list[str]:
        """Return the names of the files below one of its folders, or of all, in order."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None if there is none."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Write a file, in place of one that is there. Nobody ever sees a part of it."""
        ...

    def delete(self, name: str) -> None: ...


def place_of(address: str) -> Place:
    """Return the place at an address; nothing is created yet. Raises BatchRefused."""
    if is_bucket(address):
        bucket, prefix = bucket_of(address)
        return BucketPlace(bucket, prefix.strip("/"))
    return FolderPlace(Path(address.removeprefix("file://")).expanduser().absolute())


class FolderPlace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists() and not folder.is_dir():
            raise BatchRefused(f"The output {folder} is a file; it is a folder, which gets the parts.")

    @property
    def address(self) -> str:
        return str(self.folder)

    def names(self, folder: str = "") -> list[str]:
        found = (self.folder / folder).rglob("*")
        names = (each.relative_to(self.folder).as_posix() for each in found if each.is_file())
        return sorted(name for name in names if not name.startswith(TEMPORARY))

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BatchRefused(f"{self.folder / name} cannot be read: {error.strerror}.") from None

    def write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        temporary = self.folder / TEMPORARY / f"{os.getpid()}-{name.replace('/', '-')}"
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise _unwritable(path, error) from None

    def delete(self, name: str) -> None:
        with suppress(OSError):
            (self.folder / name).unlink()
            (self.folder / name).parent.rmdir()

    def drop_temporary(self) -> None:
        """Delete what a killed process left. Called by whoever is alone in the folder."""
        shutil.rmtree(self.folder / TEMPORARY, ignore_errors=True)


def _unwritable(path: Path, error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return BatchFailed(
            f"{path} cannot be written: {error.strerror}. Make room, and the next start goes on where this "
            "one stopped."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return BatchRefused(f"{path} cannot be written: {error.strerror}.")
    return BatchFailed(f"{path} cannot be written: {error.strerror}. The next start goes on.")


class BucketPlace:
    """Below a prefix. A put is atomic, so names are final at once."""

    def __init__(self, bucket: "Bucket", prefix: str) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def address(self) -> str:
        return self._bucket.address(self._prefix.rstrip("/"))

    def names(self, folder: str = "") -> list[str]:
        keys = self._bucket.keys(f"{self._prefix}{folder}".rstrip("/"))
        return [key.removeprefix(self._prefix) for key in keys]

    def read(self, name: str) -> bytes | None:
        return self._bucket.read(self._prefix + name)

    def write(self, name: str, content: bytes) -> None:
        self._bucket.write(self._prefix + name, content)

    def delete(self, name: str) -> None:
        self._bucket.delete(self._prefix + name)
